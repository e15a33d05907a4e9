/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "spec/spec.h"

struct error;

/*
 * What the fences of this folder share while a container's first process (or a process that joins
 * one) builds its own walls. The parent fills it before clone3(2); the child works on its copy.
 * Every fence is one file with one or two functions that take it; none includes another's header.
 *
 * All descriptors are close-on-exec, -1 where there is none.
 */
struct sandbox {
	const struct spec *spec;
	const struct spec_process *process;
	const char *id;
	const char *bundle; /* absolute, for messages */
	int bundle_fd;      /* O_PATH; relative paths of the spec start here */

	bool joining; /* exec: the container is there already */
	/*
	 * Who joins stays out of the container's pid namespace, where somebody with CAP_SYS_PTRACE
	 * could take what it still has of the host (CVE-2016-9962). When nothing of that is left, it
	 * makes the process that is seen there.
	 */
	bool born_last;
	bool no_pivot; /* move_mount and chroot instead of pivot_root */
	bool no_new_keyring;
	bool own_userns;     /* the child lives in a user namespace that is not the parent's */
	bool foreign_userns; /* host ids are not our ids: the parent must open host paths */
	bool net_apart;      /* the parent makes the network namespace and hands it over */
	unsigned int preserve_fds; /* 3 .. 3+n-1 reach the payload */
	const bool *preserve_gaps; /* but those that are true in here; NULL: all do */
	unsigned int listen_fds;   /* how many of them it is told of: sd_listen_fds(3) */
	const char *listen_names;  /* LISTEN_FDNAMES, or NULL */

	int ns_fd[SPEC_NS_COUNT]; /* namespaces to join */
	int target_fd;            /* exec: pidfd of the container's init; setns(2) with it */
	uint64_t target_flags;    /* exec: CLONE_NEW* to join through target_fd */

	int tree_fd; /* the rootfs, where the parent has cloned it: foreign_userns, or sandbox_shares_mounts() */
	int *source_fd; /* foreign_userns: per spec mount, the detached bind source */
	int nodes_fd; /* foreign_userns: what is to be bound for linux.devices; device_nodes.h */
	int *node_fd;   /* each of them, once the child has taken them */
	int root_fd;    /* the rootfs' mount, once rootfs_open() has run */
	int procfs_fd;  /* a procfs that nobody else can mount over; see procfs.h */
	int console_fd; /* connected console socket, gets the terminal's master */
	int lsm_fd;     /* attr/exec, open for writing */

	bool cgroup_path_visible; /* bind this one in place of the root: no cgroup namespace */
	const char *cgroup_path;  /* "/strake/x", or NULL without a cgroup */

	/*
	 * The network namespace that the parent makes meanwhile, on another processor: the dearest
	 * of them all. Taken by sandbox_need_net() before the first step that needs it; NULL: it is
	 * ours from the start.
	 */
	int (*await_net)(struct sandbox *sb, struct error *e);
	size_t n_mounted; /* the first so many of spec->mounts are there; see mounts.h */
	bool proc_masked; /* what is to be masked in /proc is; see masks.h */
	int cover_dir_fd; /* what masked directories and files get; masks.c's own */
	int cover_file_fd;
	bool root_in_place;    /* the rootfs is attached at its own path; see rootfs.h */
	bool pivoted;          /* the host is out of reach already; see rootfs.h */
	bool bounding_dropped; /* see identity.h */

	void (*warn)(void *arg, const char *text); /* something that does not stop us */
	void *warn_arg;
};

#define SANDBOX_INIT                                         \
	((struct sandbox){                                   \
		.bundle_fd = -1,                             \
		.ns_fd = { [0 ... SPEC_NS_COUNT - 1] = -1 }, \
		.target_fd = -1,                             \
		.tree_fd = -1,                               \
		.nodes_fd = -1,                              \
		.root_fd = -1,                               \
		.procfs_fd = -1,                             \
		.console_fd = -1,                            \
		.lsm_fd = -1,                                \
		.cover_dir_fd = -1,                          \
		.cover_file_fd = -1,                         \
	})

static inline bool sandbox_has_ns(const struct sandbox *sb, enum spec_ns ns)
{
	return sb->spec->linux_.namespaces[ns].present;
}

/* The container has the runtime's own mount namespace, of which nothing may change but what lies below its root. */
static inline bool sandbox_shares_mounts(const struct sandbox *sb)
{
	return !sandbox_has_ns(sb, SPEC_NS_MOUNT);
}

/*
 * What engines write for "keep-groups": the caller's groups stay, among them those that a user namespace
 * does not map, by which a user may reach what is shared with him.
 */
static inline bool sandbox_keeps_groups(const struct sandbox *sb)
{
	const char *keep = spec_annotation(sb->spec, "run.oci.keep_original_groups");

	return keep && keep[0] == '1' && keep[1] == '\0';
}

static inline int sandbox_need_net(struct sandbox *sb, struct error *e)
{
	int (*await_net)(struct sandbox * sb, struct error * e) = sb->await_net;

	sb->await_net = NULL;
	return await_net ? await_net(sb, e) : 0;
}

/*
 * A path of the spec on the host: relative ones start in the bundle. By name and not by a
 * descriptor of the parent's, which would lead into the parent's mount namespace.
 */
static inline const char *sandbox_host_path(const struct sandbox *sb, const char *path,
					    char *dst, size_t size)
{
	if (path[0] == '/')
		return path;
	snprintf(dst, size, "%s/%s", sb->bundle, path);
	return dst;
}

/* A namespace that this container creates, in contrast to joining one or keeping the caller's. */
static inline bool sandbox_new_ns(const struct sandbox *sb, enum spec_ns ns)
{
	return sandbox_has_ns(sb, ns) && !sb->spec->linux_.namespaces[ns].path;
}
