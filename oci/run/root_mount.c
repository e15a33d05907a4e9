/* SPDX-License-Identifier: Apache-2.0 */
#include "run/root_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "run/container.h"
#include "run/state.h"
#include "sandbox/rootfs.h"
#include "sandbox/sandbox.h"
#include "sandbox/tree.h"

#define ROOT_MOUNT_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define ROOT_MOUNT_STACK 4096 /* mounts over each other at most: a container may make some */

/* What is seen there: the topmost of the mounts that lie there. */
static int root_mount_look(const struct state *s, int dir_fd)
{
	int fd = s->root_in_place ? open(s->rootfs, ROOT_MOUNT_FLAGS)
				  : openat(dir_fd, STATE_ROOT, ROOT_MOUNT_FLAGS | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* 1: fd is the root of that mount; 0; -errno. */
static int root_mount_is(const struct state *s, int fd)
{
	bool is_root = false;
	uint64_t id = 0;
	int r = tree_mount_id(fd, &id, &is_root);

	return r < 0 ? r : is_root && id == s->root_mount;
}

/* --- making -------------------------------------------------------------------------------------- */

/* Over the root that everybody has, nobody would find anything any more. */
static int root_mount_check_place(const char *path, struct error *e)
{
	autoclose int fd = open(path, ROOT_MOUNT_FLAGS), top_fd = open("/", ROOT_MOUNT_FLAGS);
	struct stat st, top;
	uint64_t id = 0, top_id = 0;
	int r;

	if (fd < 0 || top_fd < 0 || fstat(fd, &st) < 0 || fstat(top_fd, &top) < 0)
		return error_set(e, errno, "root.path: open %s", path);
	r = tree_mount_id(fd, &id, NULL);
	if (r == 0)
		r = tree_mount_id(top_fd, &top_id, NULL);
	if (r < 0)
		return error_set(e, -r, "root.path: find the mount that %s lies on", path);
	if (st.st_ino != top.st_ino || st.st_dev != top.st_dev || id != top_id)
		return 0;
	error_say(
		e, EINVAL,
		"root.path: %s is the root of the mount namespace that the container shares, and "
		"hooks would have it covered",
		path);
	error_hint(e, "list \"mount\" in linux.namespaces, or leave the hooks out");
	return -EINVAL;
}

static int root_mount_attach(struct sandbox *sb, const struct state *s, int dir_fd,
			     struct error *e)
{
	if (s->root_in_place)
		return rootfs_attach_shared(sb, AT_FDCWD, s->rootfs, e);
	if (mkdirat(dir_fd, STATE_ROOT, 0700) < 0)
		return error_set(e, errno, "make a place for the root file system");
	return rootfs_attach_shared(sb, dir_fd, STATE_ROOT, e);
}

int root_mount_make(struct sandbox *sb, struct state *s, int dir_fd, struct error *e)
{
	bool in_place = rootfs_is_shown(sb->spec);
	uint64_t id;
	int r;

	r = in_place ? root_mount_check_place(s->rootfs, e) : 0;
	if (r == 0)
		r = rootfs_clone(sb, e);
	if (r < 0)
		return r;
	r = tree_mount_id(sb->tree_fd, &id, NULL);
	if (r < 0)
		return error_set(e, -r, "root.path: number the mount");
	s->root_mount = id;
	s->root_in_place = in_place;
	r = state_write(dir_fd, s, e);
	return r < 0 ? r : root_mount_attach(sb, s, dir_fd, e);
}

/* --- joining ------------------------------------------------------------------------------------- */

int root_mount_open(const struct container *c, int init_fd, struct error *e)
{
	autoclose int fd = root_mount_look(&c->state, c->dir_fd), its_fd = -1;
	char path[64];

	if (fd >= 0 && root_mount_is(&c->state, fd) == 1)
		return take_fd(&fd);
	/* Mounted over, or we are in another mount namespace than who made it. */
	snprintf(path, sizeof(path), "/proc/%d/root", c->state.pid);
	its_fd = open(path, ROOT_MOUNT_FLAGS);
	if (its_fd < 0)
		return error_set(e, errno, "open the container's root %s", path);
	if (proc_wait_exit(init_fd, 0) != 0)
		return error_say(e, ESRCH, "container \"%s\" has ended", c->state.id);
	if (root_mount_is(&c->state, its_fd) == 1)
		return take_fd(&its_fd);
	return error_say(e, EXDEV,
			 "container \"%s\": its root is not where it was made: something is "
			 "mounted over it, and its first process has left it",
			 c->state.id);
}

/* --- removing ------------------------------------------------------------------------------------ */

static int root_mount_detach(int fd, struct error *e)
{
	char link[PATH_FD_MAX];

	if (umount2(path_of_fd(link, fd), MNT_DETACH) < 0)
		return error_set(e, errno, "unmount the container's root");
	return 0;
}

/* What others have mounted is theirs, before us or since. */
static int root_mount_uncover(const struct state *s, struct error *e)
{
	autoclose int fd = root_mount_look(s, -1);
	int r;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR
			       ? 0
			       : error_set(e, -fd, "open %s to unmount it", s->rootfs);
	r = root_mount_is(s, fd);
	if (r < 0)
		return error_set(e, -r, "look at what is mounted on %s", s->rootfs);
	return r ? root_mount_detach(fd, e) : 0;
}

/* One after the other: what the container has mounted over its root lies there, too. */
static int root_mount_clear(const struct state *s, int dir_fd, struct error *e)
{
	int r = 0, i;

	for (i = 0; r == 0 && i < ROOT_MOUNT_STACK; i++) {
		autoclose int fd = root_mount_look(s, dir_fd);
		bool mounted = false;
		uint64_t id;

		if (fd < 0)
			return fd == -ENOENT
				       ? 0
				       : error_set(e, -fd,
						   "open the container's root to unmount it");
		r = tree_mount_id(fd, &id, &mounted);
		if (r < 0)
			return error_set(e, -r, "look at the container's root");
		if (mounted)
			r = root_mount_detach(fd, e);
		else if (unlinkat(dir_fd, STATE_ROOT, AT_REMOVEDIR) == 0)
			return 0;
		else if (errno != EBUSY)
			return error_set(e, errno, "remove the place of the container's root");
	}
	return r < 0 ? r
		     : error_say(e, EBUSY, "the container's root is mounted again and again");
}

int root_mount_remove(const struct state *s, int dir_fd, struct error *e)
{
	if (!s->root_mount || dir_fd < 0)
		return 0;
	return s->root_in_place ? root_mount_uncover(s, e) : root_mount_clear(s, dir_fd, e);
}
