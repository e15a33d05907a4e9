/* SPDX-License-Identifier: Apache-2.0 */

/* The meet of seccomp profiles: the default, ceilings, ABIs, and who is asked or told. */
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

int merge_begin_seccomp(struct merge *m)
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

	err = merge_begin_seccomp(m);
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
	err = merge_begin_seccomp(m);
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
