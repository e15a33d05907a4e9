/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/sys.h"
#include "sandbox/sandbox.h"
#include "sandbox/tree.h"

int rootfs_clone(struct sandbox *sb, struct error *e)
{
	char name[PATH_MAX + 1];
	const char *path = sandbox_host_path(sb, sb->spec->root_path, name, sizeof(name));
	autoclose int fd = -1;
	struct stat st;
	int r;

	fd = tree_clone(sb, AT_FDCWD, path, AT_RECURSIVE);
	if (fd < 0) {
		r = error_set(e, -fd, "root.path: open the root file system %s", path);
		if (r == -ENOENT)
			error_hint(e, "unpack an image there, or name its folder in root.path");
		return r;
	}
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "root.path: stat %s", path);
	if (!S_ISDIR(st.st_mode))
		return error_say(e, ENOTDIR, "root.path: %s is not a directory", path);
	sb->tree_fd = take_fd(&fd);
	return 0;
}

/*
 * Mounts of the container must not appear on the host, while mounts of the host may still arrive
 * (slave), unless the spec asks for sharing. Then "/" itself is private: pivot_root(2) refuses a shared
 * parent. Else it stays a slave: what is bound from the host's root file system follows the host, too.
 */
static int rootfs_unshare_propagation(const struct spec *s, struct error *e)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };
	struct mount_attr private = { .propagation = MS_PRIVATE };

	if (s->linux_.rootfs_propagation != MS_SHARED)
		return mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof(slave)) < 0
			       ? error_set(e, errno, "keep mounts from reaching the host")
			       : 0;
	if (mount_setattr(AT_FDCWD, "/", 0, &private, sizeof(private)) < 0)
		return error_set(e, errno, "make the root mount private");
	return 0;
}

bool rootfs_is_shown(const struct spec *s)
{
	return s->hooks[SPEC_HOOK_PRESTART].n || s->hooks[SPEC_HOOK_CREATE_RUNTIME].n ||
	       s->hooks[SPEC_HOOK_CREATE_CONTAINER].n;
}

/* The mount that a folder lies on: where ".." leads, up to a mount's own root. */
static int rootfs_mount_of(const char *path, struct error *e)
{
	autoclose int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx st = { 0 };
	int up;

	while (fd >= 0 && statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0) {
		if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			return take_fd(&fd);
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	return error_set(e, errno, "root.path: find the mount that %s lies on", path);
}

/*
 * At its own path, as hooks expect it: those that run in the container's mount namespace find its
 * mounts there, and what they mount there is the container's. pivot_root(2) refuses a shared parent.
 */
static int rootfs_attach_in_place(struct sandbox *sb, struct error *e)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	char name[PATH_MAX + 1];
	const char *path = sandbox_host_path(sb, sb->spec->root_path, name, sizeof(name));
	autoclose int parent_fd = rootfs_mount_of(path, e);

	if (parent_fd < 0)
		return parent_fd;
	if (mount_setattr(parent_fd, "", AT_EMPTY_PATH, &private, sizeof(private)) < 0)
		return error_set(e, errno, "root.path: make the mount below %s private", path);
	if (move_mount(sb->tree_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(e, errno, "root.path: attach the root file system at %s",
				 path);
	sb->root_in_place = true;
	return 0;
}

static int rootfs_attach(struct sandbox *sb, struct error *e)
{
	int r;

	if (rootfs_is_shown(sb->spec)) {
		r = rootfs_attach_in_place(sb, e);
		if (r != -EACCES)
			return r;
	}
	/* Over "/": a place that every user namespace may reach, whatever the path's modes. */
	if (move_mount(sb->tree_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(e, errno, "root.path: attach the root file system");
	return 0;
}

int rootfs_attach_shared(struct sandbox *sb, int dir_fd, const char *place, struct error *e)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };

	/* What a shared mount gets to hold becomes shared itself: so this comes last. */
	if (move_mount(sb->tree_fd, "", dir_fd, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(e, errno, "root.path: attach the root file system at %s",
				 place);
	if (mount_setattr(sb->tree_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &private,
			  sizeof(private)) < 0)
		return error_set(e, errno, "root.path: make the mount private");
	return 0;
}

int rootfs_open(struct sandbox *sb, struct error *e)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	int r;

	if (sandbox_shares_mounts(sb)) {
		sb->root_fd = take_fd(&sb->tree_fd);
		return 0;
	}
	r = rootfs_unshare_propagation(sb->spec, e);
	if (r < 0)
		return r;
	if (sb->tree_fd < 0) {
		r = rootfs_clone(sb, e);
		if (r < 0)
			return r;
	}
	r = rootfs_attach(sb, e);
	if (r < 0)
		return r;
	if (mount_setattr(sb->tree_fd, "", AT_EMPTY_PATH, &private, sizeof(private)) < 0)
		return error_set(e, errno, "root.path: make the mount private");
	sb->root_fd = take_fd(&sb->tree_fd);
	return 0;
}

int rootfs_seal(struct sandbox *sb, struct error *e)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (!sb->spec->root_readonly)
		return 0;
	if (mount_setattr(sb->root_fd, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return error_set(e, errno,
				 "root.readonly: make the root file system read-only");
	return 0;
}

static int rootfs_set_propagation(const struct spec *s, struct error *e)
{
	struct mount_attr a = { .propagation = s->linux_.rootfs_propagation };
	unsigned int flags = s->linux_.rootfs_propagation_rec ? AT_RECURSIVE : 0;

	if (!a.propagation)
		return 0;
	if (mount_setattr(AT_FDCWD, "/", flags, &a, sizeof(a)) < 0)
		return error_set(e, errno, "linux.rootfsPropagation: apply");
	return 0;
}

/* The old root lands on top of the new one, at "."; then it is cut off with all it holds. */
static int rootfs_pivot_here(const struct spec *s, struct error *e)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };
	bool shared = s->linux_.rootfs_propagation == MS_SHARED;
	autoclose int old_fd = shared ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int r;

	if (shared && old_fd < 0)
		return error_set(e, errno, "open the host's root");
	r = sys_pivot_root(".", ".");
	if (r < 0) {
		r = error_set(e, -r, "pivot_root into the root file system");
		error_hint(e, "on an initramfs root, use --no-pivot");
		return r;
	}
	/* What we unmount must stay mounted on the host, also where mounts are shared with it. */
	if (shared &&
	    mount_setattr(old_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &slave, sizeof(slave)) < 0)
		return error_set(e, errno, "keep our unmounting from reaching the host");
	if (umount2(".", MNT_DETACH) < 0)
		return error_set(e, errno, "detach the host's file systems");
	return 0;
}

int rootfs_enter(const struct sandbox *sb, struct error *e)
{
	if (fchdir(sb->root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return error_set(e, errno, "chroot into the root file system");
	return 0;
}

int rootfs_pivot(struct sandbox *sb, struct error *e)
{
	int r;

	if (sb->pivoted)
		return 0;
	sb->pivoted = true;
	if (sandbox_shares_mounts(sb))
		return rootfs_enter(sb, e);
	if (fchdir(sb->root_fd) < 0)
		return error_set(e, errno, "enter the root file system");

	if (sb->no_pivot) {
		if (sb->root_in_place &&
		    move_mount(sb->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return error_set(e, errno, "move the root file system over \"/\"");
		/* It lies over "/": only our idea of the root has to move there. */
		if (chroot(".") < 0 || chdir("/") < 0)
			return error_set(e, errno, "chroot into the root file system");
		return rootfs_set_propagation(sb->spec, e);
	}

	r = rootfs_pivot_here(sb->spec, e);
	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return error_set(e, errno, "enter the new root");
	return rootfs_set_propagation(sb->spec, e);
}
