/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup;
struct error;
struct limits_plan;

/*
 * Makes the cgroup `path` (clean) and its missing parents, 0755, with every available
 * controller, or those of `controllers`, enabled down to it. What was made is removed again where it fails.
 *
 *   -EBUSY    the cgroup exists and holds processes, or is frozen, and `reuse` is not set
 *   -ENOTSUP  a controller that `plan` needs is not delegated: names the resource, the
 *             controller, the cgroup where it ends, and what to do. Also: threaded mode
 *   -EACCES, -EPERM, -EROFS  we may not make cgroups there
 */
struct cgroup_create_options {
	bool reuse;                     /* an existing cgroup with processes is fine */
	const struct limits_plan *plan; /* what the cgroup must be able to limit; may be NULL */
	uint32_t controllers;           /* bits of those to enable; 0: all that there are */
	pid_t from_parent; /* moved into it first: a cgroup that holds a process itself
					   passes no controllers on; 0: none */
};

int cgroup_create(const char *path, const struct cgroup_create_options *opt, struct cgroup *ret,
		  struct error *e);

/*
 * Gives the cgroup to the container's root: chowns the directory and the files that
 * /sys/kernel/cgroup/delegate lists (runtime-spec, "Cgroup ownership"). Nothing to do where
 * there is no cgroup.
 */
int cgroup_delegate(const struct cgroup *cg, uid_t uid, gid_t gid, struct error *e);
