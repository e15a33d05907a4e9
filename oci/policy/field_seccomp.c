/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The meet of seccomp filters. Of the rules that match a call the strictest wins (seccomp/rules.h), so
 * a rule more that denies can stand anywhere in the list.
 */
#include <limits.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "policy/field.h"
#include "spec/names.h"

/* Of two defaults none is the one that was meant: the one who owns the node must choose. */
int field_profile(struct merge *m, const struct policy_rule *r)
{
	const struct policy_profile *p = &r->seccomp.profile;
	struct spec_seccomp *s = &m->spec->linux_.seccomp;
	struct spec_seccomp profile = { 0 };
	struct arena *a = m->arena;
	int err;

	/* Of what is kept with a container the texts are gone: its filter is kept as well. */
	if (!p->name || !p->text || m->request->linux_.seccomp.present)
		return 0;
	err = m->facts->profile(m->facts->profile_arg, a, p,
				m->spec->process.capabilities.bounding, &profile, m->e);
	if (err < 0)
		return error_prefix(m->e, "node policy \"%s\", rule \"%s\"", r->policy,
				    r->name);
	if (!profile.present)
		return 0;
	if (m->result->profile && (m->result->profile_len != p->len ||
				   memcmp(m->result->profile, p->text, p->len) != 0))
		return merge_refuse(m, "linux.seccomp", NULL,
				    "another rule gives another default profile than %s",
				    p->name);
	if (s->present)
		return 0;
	*s = profile;
	/* An audited rule says what it would do; the others do not have to agree with it. */
	if (r->mode == POLICY_ENFORCE) {
		m->result->profile = p->text;
		m->result->profile_len = p->len;
	}
	return merge_note(m, "linux.seccomp", NULL, p->name);
}

/* Everything is allowed, by every ABI: what a container without a filter has. */
static int seccomp_begin(struct merge *m)
{
	struct spec_seccomp *s = &m->spec->linux_.seccomp;
	size_t i, n = 0;

	if (s->present)
		return 0;
	while (spec_seccomp_arch_names[n].name)
		n++;
	*s = (struct spec_seccomp){ .present = true, .default_action = SECCOMP_RET_ALLOW };
	s->architectures = arena_array(m->arena, n, sizeof(*s->architectures));
	if (!s->architectures)
		return merge_no_memory(m);
	for (i = 0; i < n; i++)
		s->architectures[i] = (uint32_t)spec_seccomp_arch_names[i].value;
	s->n_architectures = n;
	return 0;
}

static bool profile_asks(const struct spec_seccomp *s)
{
	size_t i;

	for (i = 0; i < s->n_rules; i++)
		if (s->rules[i].action == SECCOMP_RET_USER_NOTIF)
			return true;
	return s->default_action == SECCOMP_RET_USER_NOTIF;
}

static bool ceiling_known(const struct merge *m, const struct policy_profile *p)
{
	const struct policy_ceiling *c;

	for (c = m->result->ceilings; c; c = c->next)
		if (c->profile->len == p->len && memcmp(c->profile->text, p->text, p->len) == 0)
			return true;
	return false;
}

static int ceiling_add(struct merge *m, const struct policy_rule *r,
		       const struct policy_profile *p, const struct spec_seccomp *filter)
{
	struct policy_ceiling *c = arena_alloc(m->arena, sizeof(*c));
	struct spec_seccomp *s = &m->spec->linux_.seccomp, *v;
	int err;

	err = seccomp_begin(m);
	if (err < 0)
		return err;
	v = arena_array(m->arena, s->n_ceilings + 1, sizeof(*v));
	if (!c || !v)
		return merge_no_memory(m);
	if (s->n_ceilings)
		memcpy(v, s->ceilings, s->n_ceilings * sizeof(*v));
	v[s->n_ceilings++] = *filter;
	s->ceilings = v;
	*c = (struct policy_ceiling){ r, p, filter, m->result->ceilings };
	/* An audited rule says what it would do. */
	if (r->mode == POLICY_ENFORCE)
		m->result->ceilings = c;
	return merge_note(m, "linux.seccomp", NULL,
			  arena_printf(m->arena, "at most %s", p->name) ?: p->name);
}

static int ceiling_meet(struct merge *m, const struct policy_rule *r,
			const struct policy_profile *p)
{
	struct spec_seccomp *filter = arena_alloc(m->arena, sizeof(*filter));
	int err;

	if (!filter)
		return merge_no_memory(m);
	if (!p->text || ceiling_known(m, p)) /* as above */
		return 0;
	err = m->facts->profile(m->facts->profile_arg, m->arena, p,
				m->spec->process.capabilities.bounding, filter, m->e);
	if (err < 0)
		return error_prefix(m->e, "node policy \"%s\", rule \"%s\"", r->policy,
				    r->name);
	if (!filter->present)
		return 0;
	if (profile_asks(filter))
		return merge_refuse(m, "linux.seccomp", NULL,
				    "the ceiling %s asks an agent (SCMP_ACT_NOTIFY), and has "
				    "none",
				    p->name);
	return ceiling_add(m, r, p, filter);
}

int field_ceiling(struct merge *m, const struct policy_rule *r)
{
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < r->seccomp.n_ceilings; i++)
		err = ceiling_meet(m, r, &r->seccomp.ceilings[i]);
	return err;
}

/*
 * By the spec itself, or by this rule's own default or ceiling: if another rule's would do, one more rule could let
 * in what was refused.
 */
int field_profile_required(struct merge *m, const struct policy_rule *r)
{
	bool own = m->request->linux_.seccomp.present || r->seccomp.profile.name ||
		   r->seccomp.n_ceilings;

	if (!r->seccomp.required || (own && m->spec->linux_.seccomp.present))
		return 0;
	return merge_refuse(m, "linux.seccomp", NULL, "a seccomp profile is required");
}

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
	err = seccomp_begin(m);
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

static bool abi_allowed(const struct merge *m, const struct policy_seccomp *p, uint32_t arch)
{
	size_t i;

	for (i = 0; i < p->n_abis; i++)
		if (p->abis[i] == arch)
			return true;
	return arch == m->facts->native_arch;
}

int field_abis(struct merge *m, const struct policy_rule *r)
{
	const struct policy_seccomp *p = &r->seccomp;
	struct spec_seccomp *s = &m->spec->linux_.seccomp;
	bool had = s->present;
	autobuf dropped = { .max = 4096 };
	uint32_t *v;
	size_t i, n = 0;
	int err;

	if (!p->abis_set)
		return 0;
	err = seccomp_begin(m);
	if (err < 0)
		return err;
	v = arena_array(m->arena, s->n_architectures + 1, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	for (i = 0; i < s->n_architectures; i++) {
		const char *name = spec_name_of(spec_seccomp_arch_names, s->architectures[i]);

		if (abi_allowed(m, p, s->architectures[i]))
			v[n++] = s->architectures[i];
		else if (buf_addf(&dropped, "%s%s", dropped.len ? " " : "", name ?: "?") < 0)
			return merge_no_memory(m);
	}
	if (n == s->n_architectures)
		return 0;
	/* No list at all means the native one; so does an empty one. */
	s->architectures = v;
	s->n_architectures = n;
	return merge_note(m, "linux.seccomp.architectures", had ? dropped.data : NULL,
			  "not these");
}

/*
 * An agent's socket is connected to by the runtime, with words of the author's: only where one is meant
 * to listen.
 */
int field_listeners(struct merge *m, const struct policy_rule *r)
{
	const struct policy_list *allowed = &r->seccomp.listeners;
	const char *path = m->spec->linux_.seccomp.listener_path;
	char clean[PATH_MAX];
	size_t i;

	if (!allowed->set || str_empty(path))
		return 0;
	if (path[0] == '/' && path_clean(clean, sizeof(clean), path) == 0 &&
	    str_eq(clean, path))
		for (i = 0; i < allowed->names.n; i++)
			if (merge_path_below(path, allowed->names.v[i]))
				return 0;
	return merge_refuse(m, "linux.seccomp.listenerPath", path,
			    "is no socket that agents may listen at");
}

int field_spec_allow(struct merge *m, const struct policy_rule *r)
{
	struct spec_seccomp *s = &m->spec->linux_.seccomp;

	if (!r->seccomp.no_spec_allow || !(s->flags & SECCOMP_FILTER_FLAG_SPEC_ALLOW))
		return 0;
	s->flags &= ~(uint64_t)SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	return merge_note(m, "linux.seccomp.flags", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
			  "not this");
}

/* Of several files the first by name, so that the order of rules has no part in it. */
static bool report_elsewhere(const struct merge *m, const char *file)
{
	return file && (!m->result->report_file || strcmp(file, m->result->report_file) < 0);
}

/* Once is enough; what is told is decided by the filter as all of them have made it. */
int field_report(struct merge *m, const struct policy_rule *r)
{
	const char *file = r->seccomp.report_file;
	bool audited = r->mode == POLICY_AUDIT, elsewhere = report_elsewhere(m, file);
	const char *text = "denied calls are reported";

	if ((!r->seccomp.report && !file) || (m->result->report && !elsewhere && !audited))
		return 0;
	if (!audited) {
		m->result->report = true;
		m->result->report_file = elsewhere ? file : m->result->report_file;
	}
	if (file)
		text = arena_printf(m->arena, "%s in %s", text, file) ?: text;
	return merge_note(m, "linux.seccomp", NULL, text);
}
