/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What CRIU is asked for, in our words; criu.proto has its own. Strings are borrowed. */
enum criu_kind {
	CRIU_DUMP = 1,
	CRIU_RESTORE = 2,
	CRIU_PRE_DUMP = 4,
};

enum criu_cgroup_mode {
	CRIU_CGROUPS_IGNORE = 0,
	CRIU_CGROUPS_SOFT = 3,
	CRIU_CGROUPS_FULL = 4,
	CRIU_CGROUPS_STRICT = 5,
};

enum criu_network_lock {
	CRIU_LOCK_DEFAULT = 0,
	CRIU_LOCK_IPTABLES = 1,
	CRIU_LOCK_NFTABLES = 2,
	CRIU_LOCK_SKIP = 3,
};

struct criu_pair {
	const char *key, *value;
};

struct criu_pairs {
	size_t n;
	struct criu_pair *v;
};

struct criu_fd {
	const char *key;
	int fd; /* as the program has it: 0 to 2, or one that it inherits */
};

struct criu_request {
	enum criu_kind kind;
	/* Files that are handed on to the program. */
	int images_fd, work_fd;
	int status_fd; /* told by a zero byte when pages are served; -1 */
	const char *log_file;
	const char *config_file; /* NULL: none of ours */

	pid_t pid;             /* dump */
	const char *root;      /* a mount, which is the tree's root or becomes it */
	const char *parent;    /* an earlier image, seen from this one; or NULL */
	const char *freezer;   /* cgroup to freeze meanwhile; or NULL */
	const char *page_host; /* where pages go instead of the image; or NULL */
	int page_port;

	bool leave_running;
	bool ext_unix_sk;
	bool tcp_established;
	bool tcp_skip_in_flight;
	bool tcp_close;
	bool shell_job;
	bool file_locks;
	bool auto_dedup;
	bool link_remap;
	bool lazy_pages;
	bool any_mode; /* restore: what is inherited may have another mode than what was saved */

	enum criu_cgroup_mode cgroup_mode;
	enum criu_network_lock network_lock;
	uint32_t empty_ns; /* CLONE_NEW* whose contents are not ours to restore */
	const char *lsm_profile, *lsm_mount_context; /* restore; or NULL */

	/* Dump: place -> name in the image. Restore: name -> path outside. */
	struct criu_pairs mounts;
	struct criu_pairs cgroups;    /* restore: hierarchy -> cgroup */
	struct criu_pairs namespaces; /* restore: kind -> file, to be joined */
	size_t n_external;            /* dump: "net[INODE]:NAME" */
	const char **external;
	size_t n_inherited; /* restore */
	struct criu_fd *inherited;
};
