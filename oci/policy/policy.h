/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "spec/spec.h"

/*
 * Node policies as C structs: what the owner of a node allows containers at most, whoever asks. The
 * format is described in policies/README.md and policies/schema.json; parse.h reads it, load.h finds
 * the files, merge.h applies them to a spec.
 *
 * A rule only ever takes away. What it does not name it leaves alone, so an empty rule changes nothing.
 */
#define POLICY_SCHEMA    "strake/node-policy/1"
#define POLICY_MAX_BYTES (1u << 20) /* of one file */
#define POLICY_MAX_FILES 64
#define POLICY_MAX_RULES 4096 /* over all files */

struct json;

enum policy_mode {
	POLICY_ENFORCE,
	POLICY_AUDIT, /* computed and recorded, not applied */
};

/* Which containers a rule is for: all conditions that are given must hold. */
struct policy_match {
	bool set_user_namespace;
	bool user_namespace;                /* linux.namespaces has (or lacks) "user" */
	struct spec_strings cgroup_parents; /* the cgroup is at or below one of them */
	struct spec_strings state_folders;  /* the runtime's state is at or below one of them */
	struct spec_strings containerd_namespaces; /* known to the shim alone, as the next */
	struct spec_strings kubernetes_namespaces; /* of the pod */
	struct spec_pairs annotations; /* the author's word: see allow_author_keys */
};

struct policy_list { /* an allow list: given and empty allows nothing */
	bool set;
	struct spec_strings names;
};

struct policy_rlimit {
	int resource;
	const char *name;
	struct opt_u64 max;
	struct opt_u64 fallback; /* where the spec has none, on top of max */
};

enum policy_root {
	POLICY_ROOT_ANY,
	POLICY_ROOT_USERNS, /* uid 0 only in a user namespace of its own */
	POLICY_ROOT_NEVER,
};

struct policy_process {
	bool no_new_privileges;
	enum policy_root root;
	struct opt_u64 min_uid;
	struct opt_u64 min_gid; /* of all its groups */
	bool caps_set;
	uint64_t caps_ceiling; /* for all five sets */
	bool clear_inheritable;
	bool clear_ambient;
	size_t n_rlimits;
	struct policy_rlimit *rlimits;
	struct opt_i64 min_oom_score_adj;
	bool no_realtime;
	struct opt_i64 min_nice;
	struct policy_list
		apparmor; /* profiles, "unconfined" where there is none; "x*" is a prefix */
	struct policy_list selinux; /* types of labels, in the same way */
};

struct policy_profile { /* a seccomp profile in Docker's format */
	const char *name;
	const char *text; /* NULL: not read yet */
	size_t len;
};

struct policy_seccomp {
	struct policy_profile profile; /* where the spec has none; name NULL: none given */
	bool required;
	size_t n_ceilings;
	struct policy_profile *ceilings; /* what they deny is denied, whatever the spec says */
	size_t n_denied;
	struct spec_seccomp_rule *denied; /* ERRNO rules */
	bool abis_set;
	size_t n_abis;
	uint32_t *abis;               /* AUDIT_ARCH_*, beside the native one */
	struct policy_list listeners; /* sockets of agents, or folders of them */
	bool no_spec_allow;           /* the flag that turns a mitigation off is taken away */
	bool report;                  /* denied calls are told, each or as a count */
	const char *report_file;      /* there, whoever starts the container; or NULL */
};

struct policy_user_namespace {
	struct opt_u64 min_host_id;
	struct opt_u64 max_size;
};

enum policy_propagation { /* from the strictest */
			  POLICY_PROPAGATION_PRIVATE,
			  POLICY_PROPAGATION_SLAVE,
			  POLICY_PROPAGATION_SHARED,
			  POLICY_PROPAGATION_ANY,
};

enum policy_idmap { /* to the strictest */
		    POLICY_IDMAP_ANY,
		    POLICY_IDMAP_OWN, /* mappings of mounts are the container's own */
		    POLICY_IDMAP_NONE,
};

struct policy_mounts {
	struct spec_strings denied_sources;
	enum policy_idmap idmap;
	struct policy_list types;
	uint64_t bind_flags; /* MOUNT_ATTR_* that every bind mount gets */
	enum policy_propagation propagation;
};

struct policy_hook {
	const char *path;
	const char *sha256;        /* NULL: any contents */
	struct policy_list stages; /* not set: any */
	struct policy_list args;   /* all of them, in order; not set: any */
	struct spec_strings env;   /* names of variables it may be given */
};

struct policy_hooks {
	bool set;
	size_t n;
	struct policy_hook *v;
};

struct policy_devices {
	bool set;
	size_t n;
	struct spec_device_rule *allow;
};

struct policy_limit {
	struct opt_u64 max;
	struct opt_u64 fallback; /* where the spec has none; max holds all the same */
};

#define POLICY_DISK_ANY (-1)

enum policy_rate {
	POLICY_READ_BPS,
	POLICY_WRITE_BPS,
	POLICY_READ_IOPS,
	POLICY_WRITE_IOPS,
	POLICY_RATES,
};

struct policy_disk {
	const char *name;     /* "8:0", or "*": each that the node has */
	int64_t major, minor; /* POLICY_DISK_ANY */
	struct policy_limit rates[POLICY_RATES];
};

struct policy_rdma {
	struct policy_limit handles, objects; /* of each device */
};

struct policy_resources {
	struct policy_limit memory; /* bytes */
	struct opt_u64 swap_max;    /* bytes beside memory */
	struct policy_limit pids;
	struct opt_u64 cpu_percent; /* of one CPU: 150 is one and a half */
	struct opt_u64 cpu_shares;  /* as in config.json; who asks for none has 1024 */
	struct opt_u64 io_weight;   /* of who asks for one */
	size_t n_disks;
	struct policy_disk *disks;
	struct policy_limit hugetlb; /* bytes, of each size of pages */
	struct policy_rdma rdma;
	struct policy_list unified; /* names of files that may be given */
};

struct policy_landlock {
	bool set;
	struct spec_landlock_layer layer;
};

struct policy_rule {
	const char *policy; /* name of the policy it stands in */
	const char *name;
	const struct json *source; /* its text as it was read */
	char digest[SHA256_HEX];   /* of that, once policy_set_digest() was called; else "" */
	enum policy_mode mode;
	struct policy_match match;
	size_t n_except;
	struct policy_match *except;

	struct policy_process process;
	struct policy_seccomp seccomp;
	struct policy_landlock landlock;
	bool namespaces[SPEC_NS_COUNT]; /* of its own: neither absent nor the host's */
	struct policy_user_namespace user_namespace;
	bool root_readonly;
	struct policy_mounts mounts;
	struct spec_strings masked_paths;
	struct spec_strings readonly_paths;
	struct policy_list sysctl;
	struct policy_devices devices;
	struct policy_hooks hooks;
	struct policy_list net_devices;        /* of the host's; "x*" is a prefix */
	struct policy_list rdt_classes;        /* closID, "" where none is named; the same */
	struct spec_strings strip_annotations; /* prefixes */
	struct spec_strings cgroup_parents;
	struct policy_resources resources;
	bool exec_as_container;
};

struct policy {
	const char *file;
	const char *name;
	uint64_t generation;
	bool allow_author_keys;
	char digest[SHA256_HEX]; /* of the text */
	const char *text;
	size_t len;
	size_t n_rules;
	struct policy_rule *rules;
};

/*
 * All that hold on a node. Strings live in the arena. Policies and rules are in an order that the
 * names of files and the order inside them have no part in.
 */
struct policy_set {
	struct arena arena;
	size_t n;
	struct policy *policies;
	size_t n_rules;
	const struct policy_rule **rules; /* of all of them */
};

void policy_set_done(struct policy_set *s); /* safe on a zeroed one */

static inline bool policy_set_is_empty(const struct policy_set *s)
{
	return s->n_rules == 0;
}
