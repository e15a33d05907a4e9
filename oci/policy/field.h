/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/merge.h"

/*
 * What merge.c and the fields' own files share: one row for each thing that rules speak of, and what
 * its function gets. Rows apply in their order, each by all rules before the next one begins.
 *
 * A meet never changes what the request points to: it makes a new array in the arena, since the
 * request is read by the rules behind it.
 */
struct merge {
	const struct policy_facts *facts;
	enum policy_scope scope;
	const struct spec *request; /* as it came in */
	struct spec *spec;          /* so far */
	const struct policy_rule *rule;
	struct arena *arena;
	struct policy_result *result;
	struct error *e;
};

struct policy_field {
	const char *name;
	unsigned int scopes; /* enum policy_scope */
	int (*meet)(struct merge *m, const struct policy_rule *r);
};

extern const struct policy_field policy_fields[];
extern const size_t policy_fields_len;

/* Notes a change; texts are copied. NULL for `requested`: absent. 0 or -ENOMEM. */
int merge_note(struct merge *m, const char *field, const char *requested,
	       const char *effective);
int merge_note_number(struct merge *m, const char *field, bool set, int64_t requested,
		      int64_t effective);
/* Notes a refusal; the merge goes on, to find all of them. */
int merge_refuse(struct merge *m, const char *field, const char *requested, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
int merge_no_memory(struct merge *m);

/* A new list with one more at its end. NULL without memory. */
char **merge_append(struct merge *m, const struct spec_strings *list, const char *more);
bool merge_has(const struct spec_strings *list, const char *s);
/* "x*" in the list is all that begins with x. */
bool merge_has_like(const struct spec_strings *list, const char *s);

/* "/a/b" is below "/a" and "/"; "/ab" is not below "/a". A path is below itself. */
bool merge_path_below(const char *path, const char *parent);

/* process */
int field_no_new_privileges(struct merge *m, const struct policy_rule *r);
int field_user(struct merge *m, const struct policy_rule *r);
int field_capabilities(struct merge *m, const struct policy_rule *r);
int field_rlimits(struct merge *m, const struct policy_rule *r);
int field_oom_score_adj(struct merge *m, const struct policy_rule *r);
int field_realtime(struct merge *m, const struct policy_rule *r);
int field_nice(struct merge *m, const struct policy_rule *r);
int field_apparmor(struct merge *m, const struct policy_rule *r);
int field_selinux(struct merge *m, const struct policy_rule *r);
int field_exec(struct merge *m, const struct policy_rule *r);

/* seccomp */
int merge_begin_seccomp(
	struct merge
		*m); /* where there is no filter: one that allows everything, by every ABI */
int field_profile(struct merge *m, const struct policy_rule *r);
int field_ceiling(struct merge *m, const struct policy_rule *r);
int field_profile_required(struct merge *m, const struct policy_rule *r);
int field_denied_calls(struct merge *m, const struct policy_rule *r);
int field_abis(struct merge *m, const struct policy_rule *r);
int field_listeners(struct merge *m, const struct policy_rule *r);
int field_spec_allow(struct merge *m, const struct policy_rule *r);
int field_report(struct merge *m, const struct policy_rule *r);

/* the rest of linux, and the root */
int field_landlock(struct merge *m, const struct policy_rule *r);
int field_namespaces(struct merge *m, const struct policy_rule *r);
int field_user_namespace(struct merge *m, const struct policy_rule *r);
int field_root_readonly(struct merge *m, const struct policy_rule *r);
int field_masked_paths(struct merge *m, const struct policy_rule *r);
int field_readonly_paths(struct merge *m, const struct policy_rule *r);
int field_sysctl(struct merge *m, const struct policy_rule *r);
int field_device_rules(struct merge *m, const struct policy_rule *r);
int field_device_nodes(struct merge *m, const struct policy_rule *r);
int field_hooks(struct merge *m, const struct policy_rule *r);
int field_net_devices(struct merge *m, const struct policy_rule *r);
int field_rdt(struct merge *m, const struct policy_rule *r);
int field_annotations(struct merge *m, const struct policy_rule *r);
int field_cgroup(struct merge *m, const struct policy_rule *r);

/* mounts */
int field_mount_sources(struct merge *m, const struct policy_rule *r);
int field_mount_layers(struct merge *m, const struct policy_rule *r);
int field_root_path(struct merge *m, const struct policy_rule *r);
int field_mount_idmap(struct merge *m, const struct policy_rule *r);
int field_mount_types(struct merge *m, const struct policy_rule *r);
int field_mount_flags(struct merge *m, const struct policy_rule *r);
int field_mount_propagation(struct merge *m, const struct policy_rule *r);
int field_mount_proc(struct merge *m, const struct policy_rule *r);

/* resources */
int field_memory(struct merge *m, const struct policy_rule *r);
int field_swap(struct merge *m, const struct policy_rule *r);
int field_pids(struct merge *m, const struct policy_rule *r);
int field_cpu(struct merge *m, const struct policy_rule *r);
int field_cpu_shares(struct merge *m, const struct policy_rule *r);
int field_unified_names(struct merge *m, const struct policy_rule *r);
int field_unified_values(struct merge *m, const struct policy_rule *r);

/* What a rule leaves of a limit: `asked` tells whether the request has one. */
#define FIELD_NO_LIMIT UINT64_MAX
uint64_t field_limit(const struct policy_limit *l, bool asked);

/* disks, huge pages, RDMA */
int field_io_weight(struct merge *m, const struct policy_rule *r);
int field_io_max(struct merge *m, const struct policy_rule *r);
int field_hugetlb(struct merge *m, const struct policy_rule *r);
int field_rdma(struct merge *m, const struct policy_rule *r);
