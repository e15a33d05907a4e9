/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

/*
 * Where a container's cgroup is, from linux.cgroupsPath. Pure but for cgroup_path_of().
 * A clean path starts with '/', holds no "//", "." or "..", and is at most CGROUP_PATH_MAX - 1
 * long with components of at most 255 bytes.
 */

/*
 * For the cgroupfs manager, as runc does it on cgroup v2:
 *   absolute            -> below the mount
 *   relative            -> below the parent of the caller's own cgroup `own`, which itself
 *                          holds processes and so can give no controllers to a child
 *   NULL or ""          -> as the relative path `id`
 * ".." is resolved lexically and never climbs above where the path starts. The root itself, too
 * long names and newlines are refused with -EINVAL. dst holds CGROUP_PATH_MAX bytes.
 */
int cgroup_path(const char *cgroups_path, const char *id, const char *own, char *dst,
		struct error *e);

bool cgroup_path_is_clean(const char *path);

/* Whether the clean `path` is `parent` or below it: "/a/b" is below "/a", "/ab" is not. */
bool cgroup_path_below(const char *path, const char *parent);

/* The cgroup a process is in: the "0::" line of /proc/PID/cgroup (pid 0: our own). */
int cgroup_path_of(pid_t pid, char *dst, struct error *e);

/*
 * For the systemd manager: "slice:prefix:name" into its parts, each a valid piece of a unit's
 * name.
 *   ""                  -> "system.slice" (rootless: "user.slice"), prefix "strake", name id
 *   ":p:n"              -> the default slice
 *   "-:p:n"             -> the root slice, "-.slice"
 */
#define CGROUP_UNIT_MAX 256 /* systemd's limit on names, with the NUL */

struct cgroup_unit {
	char slice[CGROUP_UNIT_MAX];
	char name[CGROUP_UNIT_MAX]; /* "prefix-name.scope", "name.scope", or "name.slice" */
	bool is_slice;              /* name ends in ".slice": a slice is made, no scope */
};

int cgroup_unit_parse(const char *cgroups_path, const char *id, bool rootless,
		      struct cgroup_unit *ret, struct error *e);

/* "a-b.slice" -> "/a.slice/a-b.slice"; "-.slice" -> "/". */
int cgroup_slice_path(const char *slice, char *dst, size_t size, struct error *e);
