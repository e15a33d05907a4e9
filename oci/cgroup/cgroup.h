/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/*
 * One cgroup of the unified hierarchy (cgroup v2, Linux 5.7 for clone3 into it), held by
 * descriptors: every file of it is reached below `fd`, never again by its full path.
 *
 * A container may have no cgroup at all (manager "disabled", or rootless without delegation).
 * Such a cgroup has fd -1, and every call on it that needs one gives -ENOTSUP and says so.
 */
#define CGROUP_MOUNT    "/sys/fs/cgroup"
#define CGROUP_PATH_MAX 4096

struct cgroup {
	int mount_fd; /* the root of the cgroup2 file system */
	int fd; /* the directory, O_RDONLY: for clone3(CLONE_INTO_CGROUP) and bpf(2) too */
	char path[CGROUP_PATH_MAX]; /* below the mount: "/", "/strake/c1"; "": none */
};

#define CGROUP_NONE ((struct cgroup){ .mount_fd = -1, .fd = -1 })

void cgroup_done(struct cgroup *cg); /* closes; safe on CGROUP_NONE and on a finished one */
#define autocgroup __attribute__((cleanup(cgroup_done))) struct cgroup

/*
 * The root of the cgroup2 file system (O_PATH), which must be what is mounted on
 * /sys/fs/cgroup. -ENOTSUP with a hint on hosts with cgroup v1 or the hybrid layout.
 */
int cgroup_mount_open(struct error *e);

/*
 * Opens an existing cgroup by its clean path (cgroup/path.h): no symlink, no mount point,
 * nothing outside the mount. -ENOENT where it is gone, with a text; the caller decides whether
 * it matters.
 */
int cgroup_open(const char *path, struct cgroup *ret, struct error *e);

/* The cgroup `sub` below cg, which must exist (`exec --cgroup`). "" or "/" is cg itself; with ".." -EINVAL. */
int cgroup_open_below(const struct cgroup *cg, const char *sub, struct cgroup *ret,
		      struct error *e);

/* --- files -------------------------------------------------------------------------------- */

/* Opens a file of the cgroup, O_RDONLY or O_WRONLY. The fd, or -errno with a text. */
int cgroup_file_open(const struct cgroup *cg, const char *file, int flags, struct error *e);

/* Reads it whole, without the last newline. The length, or -errno (-EFBIG: does not fit). */
int cgroup_read(const struct cgroup *cg, const char *file, char *dst, size_t size,
		struct error *e);

/* One write(2). The text of a failure names file and value. */
int cgroup_write(const struct cgroup *cg, const char *file, const char *value, struct error *e);

/* "max" reads as UINT64_MAX. */
int cgroup_read_u64(const struct cgroup *cg, const char *file, uint64_t *ret, struct error *e);

/* The value of "key 12" in flat-keyed text (cgroup.events). False: no such key. */
bool cgroup_key_u64(const char *text, const char *key, uint64_t *ret);

/* Moves a process in by cgroup.procs; slow (an RCU grace period), clone3 into `fd` is not. */
int cgroup_attach(const struct cgroup *cg, pid_t pid, struct error *e);

/* --- controllers -------------------------------------------------------------------------- */

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_IO,
	CGROUP_MEMORY,
	CGROUP_HUGETLB,
	CGROUP_PIDS,
	CGROUP_RDMA,
	CGROUP_MISC,
	CGROUP_DMEM,
	CGROUP_CONTROLLERS,
	CGROUP_CORE = CGROUP_CONTROLLERS, /* of the hierarchy itself: always there */
};

#define CGROUP_BIT(controller) (1u << (controller))

const char *cgroup_controller_name(enum cgroup_controller controller); /* "cpu" ... "cgroup" */

/* "cpu memory pids" -> bits. Unknown names are left out. */
uint32_t cgroup_controllers_parse(const char *text);

/* The bits of cgroup.controllers: which may be used in this cgroup. */
int cgroup_controllers(const struct cgroup *cg, uint32_t *ret, struct error *e);
