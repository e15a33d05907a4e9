/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls that a rule denies, on top of any profile. Of the rules that match a call the strictest wins
 * (seccomp/rules.h), so a rule more that denies can stand anywhere in the list.
 */
#include <linux/seccomp.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"

static int denied_text(const struct policy_seccomp *p, struct buf *ret)
{
	size_t i, k;
	int r = 0;

	for (i = 0; r == 0 && i < p->n_denied; i++) {
		const struct spec_seccomp_rule *rule = &p->denied[i];

		for (k = 0; r == 0 && k < rule->names.n; k++)
			r = buf_addf(ret, "%s%s%s", ret->len ? " " : "", rule->names.v[k],
				     rule->n_args ? "(...)" : "");
		if (r == 0)
			r = buf_addf(ret, " %s%s",
				     error_name(rule->set_errno ? (int)rule->errno_ret : 1),
				     i + 1 < p->n_denied ? ";" : "");
	}
	return r;
}

/* An errno is the weaker word where the profile kills what it does not name, or sends a signal. */
static bool default_is_stricter(const struct spec_seccomp *s)
{
	return (int32_t)s->default_action < (int32_t)SECCOMP_RET_ERRNO;
}

/* Any of several values counts where EQ stands twice on an index: no second condition fits in there. */
static bool has_eq_twice(const struct spec_seccomp_rule *r)
{
	size_t i, k;

	for (i = 0; i < r->n_args; i++)
		for (k = 0; k < i; k++)
			if (r->args[i].index == r->args[k].index &&
			    r->args[i].op == SPEC_SECCOMP_EQ &&
			    r->args[k].op == SPEC_SECCOMP_EQ)
				return true;
	return false;
}

/* Adds the conditions of `from` to ret's. 1; 0: no call meets both. */
static int denied_narrow(struct spec_seccomp_rule *ret, const struct spec_seccomp_rule *from)
{
	size_t i, k;

	for (i = 0; i < from->n_args; i++) {
		const struct spec_seccomp_arg *a = &from->args[i];

		for (k = 0; k < ret->n_args; k++)
			if (ret->args[k].index == a->index && ret->args[k].op == a->op &&
			    a->op == SPEC_SECCOMP_EQ)
				break;
		if (k == ret->n_args)
			ret->args[ret->n_args++] = *a;
		else if (ret->args[k].value != a->value)
			return 0;
	}
	return 1;
}

/*
 * The denial where the profile's rule `from` lets a call of that name through; everywhere else the
 * profile's default holds. 1: there is such a call; 0: there is none; -ENOMEM.
 */
static int denied_within(struct merge *m, const struct spec_seccomp_rule *denied, char *name,
			 const struct spec_seccomp_rule *from, uint32_t default_action,
			 struct spec_seccomp_rule *ret)
{
	*ret = *denied;
	ret->n_args = 0;
	ret->args =
		arena_array(m->arena, denied->n_args + from->n_args + 1, sizeof(*ret->args));
	ret->names.v = arena_array(m->arena, 1, sizeof(char *));
	if (!ret->args || !ret->names.v)
		return merge_no_memory(m);
	ret->names.v[0] = name;
	ret->names.n = 1;
	if (has_eq_twice(denied) || has_eq_twice(from))
		*ret = *denied;
	else if (!denied_narrow(ret, from) || !denied_narrow(ret, denied))
		return 0;
	else if (from->n_args == 0)
		return 1;
	/*
	 * Not the errno: what has conditions does not open the old door of a call (socketcall), where
	 * the default holds, and a denial with an errno would stand there instead.
	 */
	ret->action = default_action;
	ret->set_errno = false;
	return 1;
}

/* What one denial becomes under a default that is stricter; appended to the rules. */
static int denied_under_default(struct merge *m, struct spec_seccomp *s, size_t n_asked,
				const struct spec_seccomp_rule *denied)
{
	struct spec_seccomp_rule *v, one;
	size_t i, k;
	int r;

	v = arena_array(m->arena, s->n_rules + n_asked * denied->names.n + 1, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	if (s->n_rules)
		memcpy(v, s->rules, s->n_rules * sizeof(*v));
	for (i = 0; i < n_asked; i++) {
		if ((int32_t)s->rules[i].action <= (int32_t)SECCOMP_RET_ERRNO)
			continue;
		for (k = 0; k < denied->names.n; k++) {
			if (!merge_has(&s->rules[i].names, denied->names.v[k]))
				continue;
			r = denied_within(m, denied, denied->names.v[k], &s->rules[i],
					  s->default_action, &one);
			if (r < 0)
				return r;
			if (r > 0)
				v[s->n_rules++] = one;
		}
	}
	s->rules = v;
	return 0;
}

static int denied_append(struct merge *m, struct spec_seccomp *s,
			 const struct policy_seccomp *p)
{
	struct spec_seccomp_rule *v =
		arena_array(m->arena, s->n_rules + p->n_denied, sizeof(*v));

	if (!v)
		return merge_no_memory(m);
	if (s->n_rules)
		memcpy(v, s->rules, s->n_rules * sizeof(*v));
	memcpy(v + s->n_rules, p->denied, p->n_denied * sizeof(*v));
	s->rules = v;
	s->n_rules += p->n_denied;
	return 0;
}

int field_denied_calls(struct merge *m, const struct policy_rule *r)
{
	const struct policy_seccomp *p = &r->seccomp;
	struct spec_seccomp *s = &m->spec->linux_.seccomp;
	autobuf text = { .max = 1 << 16 };
	size_t i, n_asked;
	int err;

	if (p->n_denied == 0)
		return 0;
	err = merge_begin_seccomp(m);
	if (err < 0)
		return err;
	n_asked = s->n_rules;
	if (!default_is_stricter(s))
		err = denied_append(m, s, p);
	else
		for (i = 0; err == 0 && i < p->n_denied; i++)
			err = denied_under_default(m, s, n_asked, &p->denied[i]);
	if (err < 0)
		return err;
	if (denied_text(p, &text) < 0)
		return merge_no_memory(m);
	return merge_note(m, "linux.seccomp.syscalls", NULL, text.data);
}
