/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/sha256.h"
#include "policy/policy.h"

struct error;
struct json_writer;

/*
 * Node policies applied to a spec: the spec becomes stricter, or is refused, and every change is named.
 * Pure: what has to be asked of the host comes through struct policy_facts.
 *
 * The result is the meet of the request and of all rules that match it. Each field's meet (field.h)
 * is commutative, associative and idempotent, so the order of rules and files has no part in it, and
 * one more rule never allows more. Which rules match is decided on the request as it came in.
 */

enum policy_names {
	POLICY_DISKS,      /* "8:0" */
	POLICY_PAGE_SIZES, /* "2MB": of huge pages */
	POLICY_RDMA,       /* "mlx5_0" */
};

/* What the merge must know of the host; the calls answer 1 yes, 0 no, or -errno. */
struct policy_facts {
	uint32_t native_arch; /* AUDIT_ARCH_* */
	const char *cgroup;   /* where it will be: a clean path; "": it has none */
	/* Who asks, as the node's own parts tell; NULL: nobody does. */
	const char *state_folder; /* a clean path */
	const char *containerd_namespace;
	const char *kubernetes_namespace;
	const struct spec_process *container; /* exec: what the container itself runs as */

	void *arg;
	/* What a process has of us where its spec is silent: 0 or -errno. */
	int (*inherited_rlimit)(void *arg, int resource, struct rlimit *ret);
	int (*inherited_oom_score_adj)(void *arg, int64_t *ret);
	/* The file is this machine's own namespace. */
	int (*namespace_is_host)(void *arg, enum spec_ns ns, const char *path);
	/* The source of mount i is `denied`, lies below it or contains it. */
	int (*source_reaches)(void *arg, size_t i, const char *source, const char *denied);
	/* The same of a path that is no mount's, or 0 where there is no such file. */
	int (*path_reaches)(void *arg, const char *path, const char *denied);
	/* Of a root file system, which may be mounted below: then it is something else. */
	int (*root_reaches)(void *arg, const char *path, const char *denied);
	/* What this machine has of it. */
	int (*names)(void *arg, enum policy_names which, struct arena *a,
		     struct spec_strings *ret);
	int (*hook_digest)(void *arg, const char *path, char ret[SHA256_HEX]); /* 0 or -errno */
	/* The profile for these capabilities: 0 or -errno. */
	void *profile_arg;
	int (*profile)(void *profile_arg, struct arena *a, const struct policy_profile *p,
		       uint64_t bounding, struct spec_seccomp *ret, struct error *e);
};

struct policy_change {
	const char *policy;
	const char *rule;
	enum policy_mode mode;
	bool refused;
	const char *field;     /* JSON path in config.json */
	const char *requested; /* for a person; NULL: absent */
	const char *effective; /* or why it is refused */
	struct policy_change *next;
};

/* A profile that cuts the container's, and the rule that says so. */
struct policy_ceiling {
	const struct policy_rule *rule;
	const struct policy_profile *profile;
	const struct spec_seccomp *filter;
	struct policy_ceiling *next;
};

struct policy_result {
	size_t n_matching; /* rules that hold for this spec */
	size_t n_refused;  /* by rules that are enforced */
	struct policy_change *first, **last;
	const char *profile; /* the default seccomp profile that was put in; or NULL */
	size_t profile_len;
	struct policy_ceiling *ceilings;
	bool report;             /* denied calls are to be told */
	const char *report_file; /* in there; or NULL */
	size_t n_enforced;
	const struct policy_rule **enforced; /* those that hold, in the set's order */
};

enum policy_scope {
	POLICY_CREATE = 1, /* a whole spec */
	POLICY_EXEC = 2,   /* spec->process alone */
	POLICY_UPDATE = 4, /* spec->linux_.resources alone; what is not set stays */
};

/*
 * 0, or -EPERM: refused, `e` names the first rule and field, *ret has all of them. *spec is changed in
 * place; new parts, and *ret, lie in the arena. -ENOMEM; other errors come from the facts.
 */
int policy_merge(const struct policy_set *set, const struct policy_facts *facts,
		 enum policy_scope scope, struct spec *spec, struct arena *a,
		 struct policy_result *ret, struct error *e);

/* The same by some of the fields alone. */
struct policy_field;
int policy_merge_fields(const struct policy_field *fields, size_t n,
			const struct policy_set *set, const struct policy_facts *facts,
			enum policy_scope scope, struct spec *spec, struct arena *a,
			struct policy_result *ret, struct error *e);

/* What is recorded of a container, and what explain prints as JSON. */
void policy_record_write(struct json_writer *w, const struct policy_set *set,
			 const struct policy_result *result);
