/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"

/* clang-format off: one field a line */
const struct policy_field policy_fields[] = {
	/* Capabilities first: a profile depends on them. */
	{ "process.capabilities", POLICY_CREATE | POLICY_EXEC, field_capabilities },
	{ "process.noNewPrivileges", POLICY_CREATE | POLICY_EXEC, field_no_new_privileges },
	{ "process.user", POLICY_CREATE | POLICY_EXEC, field_user },
	{ "process.rlimits", POLICY_CREATE | POLICY_EXEC, field_rlimits },
	{ "process.oomScoreAdj", POLICY_CREATE | POLICY_EXEC, field_oom_score_adj },
	{ "process.realtime", POLICY_CREATE | POLICY_EXEC, field_realtime },
	{ "process.nice", POLICY_CREATE | POLICY_EXEC, field_nice },
	{ "process.apparmor", POLICY_CREATE | POLICY_EXEC, field_apparmor },
	{ "process.selinux", POLICY_CREATE | POLICY_EXEC, field_selinux },
	{ "exec", POLICY_EXEC, field_exec },
	{ "seccomp.default", POLICY_CREATE, field_profile },
	/* Behind the default, which it cuts as any other. */
	{ "seccomp.ceiling", POLICY_CREATE, field_ceiling },
	{ "seccomp.required", POLICY_CREATE, field_profile_required },
	{ "seccomp.deny", POLICY_CREATE, field_denied_calls },
	{ "seccomp.abis", POLICY_CREATE, field_abis },
	{ "seccomp.listeners", POLICY_CREATE, field_listeners },
	{ "seccomp.specAllow", POLICY_CREATE, field_spec_allow },
	{ "seccomp.report", POLICY_CREATE, field_report },
	{ "landlock", POLICY_CREATE | POLICY_EXEC, field_landlock },
	{ "namespaces", POLICY_CREATE, field_namespaces },
	{ "userNamespace", POLICY_CREATE, field_user_namespace },
	{ "root.readonly", POLICY_CREATE, field_root_readonly },
	{ "mounts.denySources", POLICY_CREATE, field_mount_sources },
	{ "mounts.denySources.layers", POLICY_CREATE, field_mount_layers },
	{ "mounts.denySources.root", POLICY_CREATE, field_root_path },
	{ "mounts.idmap", POLICY_CREATE, field_mount_idmap },
	{ "mounts.types", POLICY_CREATE, field_mount_types },
	{ "mounts.bindFlags", POLICY_CREATE, field_mount_flags },
	{ "mounts.propagation", POLICY_CREATE, field_mount_propagation },
	{ "paths.masked", POLICY_CREATE, field_masked_paths },
	{ "paths.readonly", POLICY_CREATE, field_readonly_paths },
	{ "paths.proc", POLICY_CREATE, field_mount_proc },
	{ "sysctl", POLICY_CREATE, field_sysctl },
	{ "devices.rules", POLICY_CREATE | POLICY_UPDATE, field_device_rules },
	{ "devices.nodes", POLICY_CREATE, field_device_nodes },
	{ "hooks", POLICY_CREATE, field_hooks },
	{ "netDevices", POLICY_CREATE, field_net_devices },
	{ "intelRdt", POLICY_CREATE, field_rdt },
	{ "annotations", POLICY_CREATE, field_annotations },
	{ "cgroup.parents", POLICY_CREATE, field_cgroup },
	/* Memory before swap, which counts on top of it. */
	{ "resources.memory", POLICY_CREATE | POLICY_UPDATE, field_memory },
	{ "resources.swap", POLICY_CREATE | POLICY_UPDATE, field_swap },
	{ "resources.pids", POLICY_CREATE | POLICY_UPDATE, field_pids },
	{ "resources.cpu", POLICY_CREATE | POLICY_UPDATE, field_cpu },
	{ "resources.cpu.shares", POLICY_CREATE | POLICY_UPDATE, field_cpu_shares },
	{ "resources.io.weight", POLICY_CREATE | POLICY_UPDATE, field_io_weight },
	{ "resources.io.disks", POLICY_CREATE | POLICY_UPDATE, field_io_max },
	{ "resources.hugetlb", POLICY_CREATE | POLICY_UPDATE, field_hugetlb },
	{ "resources.rdma", POLICY_CREATE | POLICY_UPDATE, field_rdma },
	{ "resources.unified", POLICY_CREATE | POLICY_UPDATE, field_unified_names },
	{ "resources.unified.values", POLICY_CREATE | POLICY_UPDATE, field_unified_values },
};
/* clang-format on */
const size_t policy_fields_len = ARRAY_SIZE(policy_fields);

/* --- what fields call ---------------------------------------------------------------------------- */

int merge_no_memory(struct merge *m)
{
	return error_set(m->e, ENOMEM, "node policy \"%s\"", m->rule->policy);
}

static int merge_add(struct merge *m, const char *field, const char *requested,
		     const char *effective, bool refused)
{
	struct policy_change *c = arena_alloc(m->arena, sizeof(*c));

	if (!c)
		return merge_no_memory(m);
	c->policy = m->rule->policy;
	c->rule = m->rule->name;
	c->mode = m->rule->mode;
	c->refused = refused;
	c->field = arena_strdup(m->arena, field);
	c->requested = requested ? arena_strdup(m->arena, requested) : NULL;
	c->effective = arena_strdup(m->arena, effective);
	if (!c->field || (requested && !c->requested) || !c->effective)
		return merge_no_memory(m);
	*m->result->last = c;
	m->result->last = &c->next;
	return 0;
}

int merge_note(struct merge *m, const char *field, const char *requested, const char *effective)
{
	return merge_add(m, field, requested, effective, false);
}

int merge_note_number(struct merge *m, const char *field, bool set, int64_t requested,
		      int64_t effective)
{
	char was[24], is[24];

	snprintf(was, sizeof(was), "%" PRId64, requested);
	snprintf(is, sizeof(is), "%" PRId64, effective);
	return merge_note(m, field, set ? was : NULL, is);
}

int merge_refuse(struct merge *m, const char *field, const char *requested, const char *fmt,
		 ...)
{
	char why[512], shown[128], shown_field[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (m->rule->mode == POLICY_ENFORCE && m->result->n_refused++ == 0) {
		error_say(m->e, EPERM, "%s%s%s%s: %s (node policy \"%s\", rule \"%s\")",
			  str_show(shown_field, sizeof(shown_field), field),
			  requested ? ": \"" : "",
			  requested ? str_show(shown, sizeof(shown), requested) : "",
			  requested ? "\"" : "", why, m->rule->policy, m->rule->name);
		error_hint(m->e,
			   "`strake policy explain --bundle DIR` shows what the node allows");
	}
	return merge_add(m, field, requested, why, true);
}

bool merge_has(const struct spec_strings *list, const char *s)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (str_eq(list->v[i], s))
			return true;
	return false;
}

bool merge_has_like(const struct spec_strings *list, const char *s)
{
	size_t i, n;

	for (i = 0; i < list->n; i++) {
		n = strlen(list->v[i]);
		if (str_eq(list->v[i], s) ||
		    (n && list->v[i][n - 1] == '*' && strncmp(list->v[i], s, n - 1) == 0))
			return true;
	}
	return false;
}

char **merge_append(struct merge *m, const struct spec_strings *list, const char *more)
{
	char **v = arena_array(m->arena, list->n + 2, sizeof(*v));

	if (!v)
		return NULL;
	if (list->n)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n] = arena_strdup(m->arena, more);
	return v[list->n] ? v : NULL;
}

bool merge_path_below(const char *path, const char *parent)
{
	size_t n = strlen(parent);

	if (n == 1)
		return path[0] == '/';
	return strncmp(path, parent, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* --- which rules --------------------------------------------------------------------------------- */

static bool match_annotations(const struct policy_match *k, const struct spec *s)
{
	size_t i;

	for (i = 0; i < k->annotations.n; i++)
		if (!str_eq(spec_annotation(s, k->annotations.v[i].key),
			    k->annotations.v[i].value))
			return false;
	return true;
}

/* What is not known is in no list. */
static bool match_below(const struct spec_strings *parents, const char *path)
{
	bool below = parents->n == 0;
	size_t i;

	for (i = 0; path && i < parents->n && !below; i++)
		below = merge_path_below(path, parents->v[i]);
	return below;
}

static bool match_name(const struct spec_strings *names, const char *name)
{
	return names->n == 0 || (!str_empty(name) && merge_has(names, name));
}

static bool match_holds(const struct policy_match *k, const struct spec *s,
			const struct policy_facts *facts)
{
	if (k->set_user_namespace &&
	    k->user_namespace != s->linux_.namespaces[SPEC_NS_USER].present)
		return false;
	return match_below(&k->cgroup_parents, facts->cgroup) &&
	       match_below(&k->state_folders, facts->state_folder) &&
	       match_name(&k->containerd_namespaces, facts->containerd_namespace) &&
	       match_name(&k->kubernetes_namespaces, facts->kubernetes_namespace) &&
	       match_annotations(k, s);
}

static bool rule_holds(const struct policy_rule *r, const struct spec *s,
		       const struct policy_facts *facts)
{
	size_t i;

	if (!match_holds(&r->match, s, facts))
		return false;
	for (i = 0; i < r->n_except; i++)
		if (match_holds(&r->except[i], s, facts))
			return false;
	return true;
}

/* --- the merge ----------------------------------------------------------------------------------- */

static int merge_field(struct merge *m, const struct policy_field *f)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < m->result->n_enforced; i++) {
		m->rule = m->result->enforced[i];
		r = f->meet(m, m->rule);
	}
	return r;
}

/* Each rule by itself, on what the enforced ones leave. */
static int merge_audit(struct merge *m, const struct policy_field *fields, size_t n,
		       const struct policy_set *set)
{
	struct spec *spec = m->spec, copy;
	size_t i, k;
	int r = 0;

	for (i = 0; r == 0 && i < set->n_rules; i++) {
		m->rule = set->rules[i];
		if (m->rule->mode != POLICY_AUDIT || !rule_holds(m->rule, m->request, m->facts))
			continue;
		copy = *spec;
		m->spec = &copy;
		for (k = 0; r == 0 && k < n; k++)
			if (fields[k].scopes & m->scope)
				r = fields[k].meet(m, m->rule);
	}
	m->spec = spec;
	return r;
}

int policy_merge_fields(const struct policy_field *fields, size_t n,
			const struct policy_set *set, const struct policy_facts *facts,
			enum policy_scope scope, struct spec *spec, struct arena *a,
			struct policy_result *ret, struct error *e)
{
	const struct spec request = *spec;
	struct merge m = {
		.facts = facts,
		.scope = scope,
		.request = &request,
		.spec = spec,
		.arena = a,
		.result = ret,
		.e = e,
	};
	size_t i;
	int r = 0;

	*ret = (struct policy_result){ 0 };
	ret->last = &ret->first;
	ret->enforced = arena_array(a, set->n_rules + 1, sizeof(*ret->enforced));
	if (!ret->enforced)
		return error_set(e, ENOMEM, "node policies");
	for (i = 0; i < set->n_rules; i++) {
		if (!rule_holds(set->rules[i], &request, facts))
			continue;
		ret->n_matching++;
		if (set->rules[i]->mode == POLICY_ENFORCE)
			ret->enforced[ret->n_enforced++] = set->rules[i];
	}
	for (i = 0; r == 0 && i < n; i++)
		if (fields[i].scopes & scope)
			r = merge_field(&m, &fields[i]);
	if (r == 0)
		r = merge_audit(&m, fields, n, set);
	if (r < 0)
		return r;
	if (ret->n_refused == 0)
		return 0;
	error_step(e, "policy");
	return -EPERM;
}

int policy_merge(const struct policy_set *set, const struct policy_facts *facts,
		 enum policy_scope scope, struct spec *spec, struct arena *a,
		 struct policy_result *ret, struct error *e)
{
	return policy_merge_fields(policy_fields, policy_fields_len, set, facts, scope, spec, a,
				   ret, e);
}

/* --- the record ---------------------------------------------------------------------------------- */

static void record_change(struct json_writer *w, const struct policy_change *c)
{
	const char *done = c->refused ? "refuse" : "clamp";

	json_write_object(w);
	json_put_string(w, "policy", c->policy);
	json_put_string(w, "rule", c->rule);
	json_put_string(w, "mode", c->mode == POLICY_AUDIT ? "audit" : "enforce");
	json_put_string(w, "action", done);
	json_put_string(w, "field", c->field);
	json_put_string(w, "requested", c->requested);
	json_put_string(w, c->refused ? "reason" : "effective", c->effective);
	json_write_end(w);
}

void policy_record_write(struct json_writer *w, const struct policy_set *set,
			 const struct policy_result *result)
{
	const struct policy_change *c;
	size_t i;

	json_write_object(w);
	json_write_key(w, "policies");
	json_write_array(w);
	for (i = 0; i < set->n; i++) {
		const struct policy *p = &set->policies[i];

		json_write_object(w);
		json_put_string(w, "name", p->name);
		json_put_u64(w, "generation", p->generation);
		json_put_string(w, "file", p->file);
		json_put_string(w, "sha256", p->digest);
		json_write_end(w);
	}
	json_write_end(w);
	json_put_u64(w, "rules", set->n_rules);
	json_put_u64(w, "matching", result->n_matching);
	json_write_key(w, "changes");
	json_write_array(w);
	for (c = result->first; c; c = c->next)
		record_change(w, c);
	json_write_end(w);
	json_write_end(w);
}
