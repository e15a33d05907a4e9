/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * config.json (runtime-spec 1.3, "config.md" and "config-linux.md") as C structs.
 *
 * Everything a spec points to lives in its arena; strings are NUL-terminated UTF-8. A pointer is
 * NULL and a count 0 where the document says nothing; where "absent" differs from zero there is a
 * `set_` flag or a struct opt_*. Enumerations are resolved while parsing: no string compare later.
 * Names here follow the document's, in snake case, so that a message may name the JSON path.
 */

struct opt_i64 {
	bool set;
	int64_t value;
};

struct opt_u64 {
	bool set;
	uint64_t value;
};

struct spec_strings { /* a JSON array of strings, NULL-terminated like argv */
	size_t n;
	char **v;
};

struct spec_pair {
	const char *key;
	const char *value;
};

struct spec_pairs { /* a JSON object of strings, in document order */
	size_t n;
	struct spec_pair *v;
};

/* --- process --------------------------------------------------------------------------------- */

struct spec_user {
	uint32_t uid;
	uint32_t gid;
	bool set_umask;
	uint32_t umask;
	size_t n_additional_gids;
	uint32_t *additional_gids;
	const char *username; /* Windows' field; ignored */
};

/* Bit n stands for capability number n. */
struct spec_capabilities {
	bool present; /* the object was there; absent means five empty sets all the same */
	uint64_t bounding;
	uint64_t effective;
	uint64_t inheritable;
	uint64_t permitted;
	uint64_t ambient;
	struct spec_strings unknown; /* names this build does not know, the first 64 of them */
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	const char *name;
	uint64_t soft;
	uint64_t hard;
};

struct spec_scheduler {
	bool present;
	uint32_t policy; /* SCHED_* of linux/sched.h */
	int32_t nice;
	int32_t priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

struct spec_io_priority {
	bool present;
	int class; /* IOPRIO_CLASS_* */
	int priority;
};

struct spec_process {
	bool present;
	bool terminal;
	uint32_t console_height;
	uint32_t console_width;
	struct spec_user user;
	struct spec_strings args;
	struct spec_strings env;
	const char *cwd;
	struct spec_capabilities capabilities;
	size_t n_rlimits;
	struct spec_rlimit *rlimits;
	bool no_new_privileges;
	const char *apparmor_profile;
	const char *selinux_label;
	struct opt_i64 oom_score_adj;
	struct spec_scheduler scheduler;
	struct spec_io_priority io_priority;
	const char *exec_cpu_initial; /* execCPUAffinity.initial, a CPU list */
	const char *exec_cpu_final;
};

/* --- mounts ---------------------------------------------------------------------------------- */

struct spec_id_mapping {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
	bool relative; /* of a mount: host_id is an id of the container's user namespace */
};

struct spec_mount {
	const char *
		destination; /* absolute and without "..", "." or "//": cleaned while parsing */
	const char *type;    /* may be NULL */
	const char *source;  /* may be NULL */
	struct spec_strings options;

	/*
	 * What the options say, resolved by spec/mount_options.c. The recursive attributes are to
	 * be applied first: where both speak of one flag, the mount's own are its last word.
	 */
	uint64_t attr_set;     /* MOUNT_ATTR_* to set on the mount */
	uint64_t attr_clear;   /* MOUNT_ATTR_* to clear (dev, suid, exec, rw ...) */
	uint64_t attr_set_rec; /* the same, on the whole tree (rro, rnosuid ...) */
	uint64_t attr_clear_rec;
	uint64_t propagation; /* MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE or 0 */
	bool propagation_rec;
	bool bind;     /* "bind" or "rbind", or type "bind" */
	bool bind_rec; /* "rbind" */
	bool remount;
	bool sb_readonly; /* "ro" on a new file system: also for the superblock */
	bool sync, dirsync, mand, lazytime, silent, iversion; /* superblock flags */
	bool tmpcopyup;
	bool idmap;               /* "idmap": mappings of the mount, or of the container */
	bool idmap_rec;           /* "ridmap" */
	const char *idmap_option; /* "idmap=uids=0-1000-1;gids=0-1000-1", or NULL */
	bool copy_symlink;        /* crun's "copy-symlink" */
	struct spec_strings data; /* options for the file system: "size=65536k", "mode=755" */

	size_t n_uid_mappings;
	struct spec_id_mapping *uid_mappings;
	size_t n_gid_mappings;
	struct spec_id_mapping *gid_mappings;
};

/* --- hooks ----------------------------------------------------------------------------------- */

struct spec_hook {
	const char *path;
	struct spec_strings args; /* empty: the path alone */
	struct spec_strings env;
	int timeout; /* seconds; 0: none given */
};

enum spec_hook_stage {
	SPEC_HOOK_PRESTART,
	SPEC_HOOK_CREATE_RUNTIME,
	SPEC_HOOK_CREATE_CONTAINER,
	SPEC_HOOK_START_CONTAINER,
	SPEC_HOOK_POSTSTART,
	SPEC_HOOK_POSTSTOP,
	SPEC_HOOK_STAGES,
};

struct spec_hooks {
	size_t n;
	struct spec_hook *v;
};

/* --- linux ----------------------------------------------------------------------------------- */

enum spec_ns {
	SPEC_NS_USER, /* joined and created first */
	SPEC_NS_PID,
	SPEC_NS_NETWORK,
	SPEC_NS_MOUNT,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_CGROUP,
	SPEC_NS_TIME,
	SPEC_NS_COUNT,
};

struct spec_namespace {
	bool present;     /* listed */
	const char *path; /* join this one; NULL: make a new one */
};

struct spec_time_offset {
	bool present;
	int64_t secs;
	uint32_t nanosecs;
};

struct spec_device {
	char type; /* 'c', 'b', 'u' (as 'c') or 'p' */
	const char *path;
	int64_t major;
	int64_t minor;
	bool set_file_mode;
	uint32_t file_mode; /* permission bits */
	bool set_uid, set_gid;
	uint32_t uid;
	uint32_t gid;
};

struct spec_net_device {
	const char *host_name; /* the key: stays first */
	const char *name;      /* in the container; NULL: keep */
};

#define SPEC_DEVICE_ANY   (-1)
#define SPEC_ACCESS_READ  1u
#define SPEC_ACCESS_WRITE 2u
#define SPEC_ACCESS_MKNOD 4u

struct spec_device_rule {
	bool allow;
	char type;     /* 'a', 'c', 'b' */
	int64_t major; /* or SPEC_DEVICE_ANY */
	int64_t minor;
	uint32_t access; /* SPEC_ACCESS_*, never 0 */
};

struct spec_weight_device {
	int64_t major, minor;
	struct opt_u64 weight;
	struct opt_u64 leaf_weight;
};

struct spec_throttle_device {
	int64_t major, minor;
	uint64_t rate;
};

struct spec_throttles {
	size_t n;
	struct spec_throttle_device *v;
};

struct spec_hugepage_limit {
	const char *page_size; /* "2MB" */
	uint64_t limit;
};

struct spec_rdma {
	const char *device; /* the key: stays first */
	struct opt_u64 hca_handles;
	struct opt_u64 hca_objects;
};

struct spec_resources {
	bool present;

	size_t n_devices;
	struct spec_device_rule *devices;

	/* memory, bytes; -1: no limit */
	struct opt_i64 memory_limit;
	struct opt_i64 memory_reservation;
	struct opt_i64 memory_swap; /* memory+swap, as in cgroup v1 */
	struct opt_i64 memory_kernel, memory_kernel_tcp;
	struct opt_u64 memory_swappiness;
	bool disable_oom_killer;
	bool memory_use_hierarchy;
	bool memory_check_before_update;

	struct opt_u64 cpu_shares;
	struct opt_i64 cpu_quota; /* us per period; <= 0: no limit */
	struct opt_u64 cpu_period;
	struct opt_u64 cpu_burst;
	struct opt_i64 cpu_rt_runtime;
	struct opt_u64 cpu_rt_period;
	struct opt_i64 cpu_idle;
	const char *cpu_cpus;
	const char *cpu_mems;

	struct opt_i64 pids_limit; /* -1: no limit; 0 is a limit (1.3) */

	struct opt_u64 blkio_weight; /* 10..1000, as in cgroup v1 */
	struct opt_u64 blkio_leaf_weight;
	size_t n_blkio_weight_devices;
	struct spec_weight_device *blkio_weight_devices;
	struct spec_throttles throttle_read_bps;
	struct spec_throttles throttle_write_bps;
	struct spec_throttles throttle_read_iops;
	struct spec_throttles throttle_write_iops;

	size_t n_hugepages;
	struct spec_hugepage_limit *hugepages;

	struct opt_u64 network_class_id;
	bool network_priorities; /* present: cgroup v1 only */

	size_t n_rdma;
	struct spec_rdma *rdma;

	struct spec_pairs unified; /* file name in the cgroup -> contents */
};

/* Seccomp: constants are those of linux/seccomp.h and linux/audit.h. */
#define SPEC_SECCOMP_MAX_ARGS 6

enum spec_seccomp_op { /* as libseccomp's scmp_compare */
		       SPEC_SECCOMP_NE = 1,
		       SPEC_SECCOMP_LT,
		       SPEC_SECCOMP_LE,
		       SPEC_SECCOMP_EQ,
		       SPEC_SECCOMP_GE,
		       SPEC_SECCOMP_GT,
		       SPEC_SECCOMP_MASKED_EQ,
};

struct spec_seccomp_arg {
	uint32_t index;
	uint64_t value;
	uint64_t value_two;
	enum spec_seccomp_op op;
};

struct spec_seccomp_rule {
	struct spec_strings names;
	uint32_t action; /* SECCOMP_RET_*, data 0 */
	bool set_errno;
	uint32_t errno_ret;
	size_t n_args;
	struct spec_seccomp_arg *args;
};

struct spec_seccomp {
	bool present;
	uint32_t default_action; /* SECCOMP_RET_*, data 0 */
	bool set_default_errno;
	uint32_t default_errno;
	size_t n_architectures;
	uint32_t *architectures; /* AUDIT_ARCH_*; SPEC_ARCH_X32 for x32 */
	uint64_t flags;          /* SECCOMP_FILTER_FLAG_* */
	bool flags_present;
	const char *listener_path;
	const char *listener_metadata;
	size_t n_rules;
	struct spec_seccomp_rule *rules;
	/*
	 * Not of config.json, but what node policies add: each call gets the stricter answer of this
	 * profile and all of these.
	 */
	size_t n_ceilings;
	struct spec_seccomp *ceilings;
};

#define SPEC_ARCH_X32 \
	0x4000003eu /* no audit value of its own: AUDIT_ARCH_X86_64 with bit 30 of the number */

struct spec_intel_rdt {
	bool present;
	const char *clos_id;
	struct spec_strings schemata;
	const char *l3_cache_schema;
	const char *mem_bw_schema;
	bool enable_cmt, enable_mbm, enable_monitoring;
};

struct spec_memory_policy {
	bool present;
	int mode; /* MPOL_* */
	const char *nodes;
	uint32_t flags; /* MPOL_F_* */
};

/*
 * Landlock (Linux 5.13): not of config.json, but what a node policy adds. Each layer restricts by itself.
 */
struct spec_landlock_layer {
	uint64_t scoped; /* SPEC_LANDLOCK_* : nobody outside is reached */
	bool writes_set;
	struct spec_strings
		writes; /* files are written and made below these, and /dev, alone */
	bool required;  /* a kernel that cannot is an error */
};
#define SPEC_LANDLOCK_ABSTRACT   (1ull << 0) /* as the kernel's LANDLOCK_SCOPE_* */
#define SPEC_LANDLOCK_SIGNAL     (1ull << 1)
#define SPEC_LANDLOCK_MAX_LAYERS 16

struct spec_landlock {
	size_t n;
	struct spec_landlock_layer *v;
};

struct spec_linux {
	bool present;
	struct spec_namespace namespaces[SPEC_NS_COUNT];
	size_t n_uid_mappings;
	struct spec_id_mapping *uid_mappings;
	size_t n_gid_mappings;
	struct spec_id_mapping *gid_mappings;
	struct spec_time_offset offset_monotonic;
	struct spec_time_offset offset_boottime;
	size_t n_devices;
	struct spec_device *devices;
	size_t n_net_devices;
	struct spec_net_device *net_devices;
	const char *cgroups_path;
	struct spec_resources resources;
	uint64_t rootfs_propagation; /* MS_* or 0 */
	bool rootfs_propagation_rec;
	struct spec_seccomp seccomp;
	struct spec_landlock landlock;
	struct spec_pairs sysctl;
	struct spec_strings masked_paths;
	struct spec_strings readonly_paths;
	const char *mount_label;
	struct spec_intel_rdt intel_rdt;
	struct spec_memory_policy memory_policy;
	bool set_personality;
	unsigned long personality; /* PER_* */
};

#define SPEC_MAX_WARNINGS 16

struct json;

struct spec {
	struct arena arena;     /* owns everything below */
	const char *file;       /* what messages call the document */
	const struct json *doc; /* as it was read, for line numbers; may be NULL */
	struct spec_strings
		warnings; /* what a person should be told, at most SPEC_MAX_WARNINGS */
	const char *oci_version;
	const char *root_path;
	bool root_readonly;
	bool root_present;
	struct spec_process process;
	const char *hostname;
	const char *domainname;
	size_t n_mounts;
	struct spec_mount *mounts;
	struct spec_hooks hooks[SPEC_HOOK_STAGES];
	struct spec_pairs annotations;
	struct spec_linux linux_;
};

/* Frees the arena. Safe on a zeroed spec. */
void spec_done(struct spec *s);

/* The host's name for an id of a user namespace with these maps; false: it has none. */
bool spec_host_id(const struct spec_id_mapping *maps, size_t n, uint32_t id, uint32_t *ret);

/* The value of an annotation, or NULL. */
const char *spec_annotation(const struct spec *s, const char *key);

/* The type's name in config.json: "pid", "network" ... and its CLONE_NEW* flag. */
const char *spec_ns_name(enum spec_ns ns);
uint64_t spec_ns_flag(enum spec_ns ns);
const char *spec_ns_proc_name(enum spec_ns ns); /* its file in /proc/PID/ns: "pid", "net" ... */
const char *spec_hook_stage_name(enum spec_hook_stage stage);
