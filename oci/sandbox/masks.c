/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/masks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "sandbox/tree.h"

#define ATTACH_FLAGS (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
#define CLONE_FLAGS  (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)

/* By linux.mountLabel, as every file system of the container's: it may look at what is empty. */
static bool mask_set_context(int fs_fd, const char *label)
{
	return str_empty(label) ||
	       fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", label, 0) == 0;
}

static int mask_new_dir(const struct sandbox *sb, struct error *e)
{
	autoclose int fs_fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs_fd < 0 || fsconfig(fs_fd, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    !mask_set_context(fs_fd, sb->spec->linux_.mount_label) ||
	    fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(e, errno, "make an empty tmpfs");
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC,
		     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			     MOUNT_ATTR_NOEXEC);
	return fd < 0 ? error_set(e, errno, "mount an empty tmpfs") : fd;
}

static int mask_new_file(const struct sandbox *sb, struct error *e)
{
	autoclose int fd = tree_clone(sb, AT_FDCWD, "/dev/null", 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(e, fd < 0 ? -fd : errno, "open the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return error_say(e, EINVAL, "the host's /dev/null is not the null device");
	return take_fd(&fd);
}

/*
 * The first use attaches the mount itself, later ones a clone of it: a detached mount that is closed
 * unused costs an RCU grace period.
 */
static int mask_attach(const struct sandbox *sb, int *cover_fd,
		       int (*make)(const struct sandbox *sb, struct error *e), int target_fd,
		       struct error *e)
{
	autoclose int clone_fd = -1;
	int fd = *cover_fd;

	if (fd < 0) {
		fd = *cover_fd = make(sb, e);
	} else {
		fd = clone_fd = open_tree(fd, "", CLONE_FLAGS);
		if (fd < 0)
			return error_set(e, errno, "clone the cover");
	}
	if (fd < 0)
		return fd;
	if (move_mount(fd, "", target_fd, "", ATTACH_FLAGS) < 0)
		return error_set(e, errno, "cover it");
	return 0;
}

static int mask_path(struct sandbox *sb, const char *path, struct error *e)
{
	autoclose int fd = path_open(sb->root_fd, path, O_PATH, 0);
	struct stat st;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_set(e, -fd, "open it");
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "stat it");
	if (S_ISDIR(st.st_mode))
		return mask_attach(sb, &sb->cover_dir_fd, mask_new_dir, fd, e);
	return mask_attach(sb, &sb->cover_file_fd, mask_new_file, fd, e);
}

static int mask_readonly(const struct sandbox *sb, const char *path, struct error *e)
{
	autoclose int target_fd = path_open(sb->root_fd, path, O_PATH, 0), fd = -1;
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (target_fd == -ENOENT)
		return 0;
	if (target_fd < 0)
		return error_set(e, -target_fd, "open it");
	fd = open_tree(target_fd, "", CLONE_FLAGS | AT_RECURSIVE);
	if (fd < 0)
		return error_set(e, errno, "clone it");
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0)
		return error_set(e, errno, "make it read-only");
	if (move_mount(fd, "", target_fd, "", ATTACH_FLAGS) < 0)
		return error_set(e, errno, "cover it with itself, read-only");
	return 0;
}

static bool mask_is_in_proc(const char *path)
{
	char clean[PATH_MAX];

	return path_clean(clean, sizeof(clean), path) >= 0 && str_starts(clean, "/proc/");
}

static int masks_make(struct sandbox *sb, bool proc, bool others, struct error *e)
{
	const struct spec_linux *l = &sb->spec->linux_;
	const char *path;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < l->readonly_paths.n; i++) {
		path = l->readonly_paths.v[i];
		if (mask_is_in_proc(path) ? !proc : !others)
			continue;
		r = mask_readonly(sb, path, e);
		if (r < 0)
			error_prefix(e, "linux.readonlyPaths[%zu] (%s)", i, path);
	}
	for (i = 0; r == 0 && i < l->masked_paths.n; i++) {
		path = l->masked_paths.v[i];
		if (mask_is_in_proc(path) ? !proc : !others)
			continue;
		r = mask_path(sb, path, e);
		if (r < 0)
			error_prefix(e, "linux.maskedPaths[%zu] (%s)", i, path);
	}
	return r;
}

int masks_apply_proc(struct sandbox *sb, struct error *e)
{
	sb->proc_masked = true;
	return masks_make(sb, true, false, e);
}

int masks_apply(struct sandbox *sb, struct error *e)
{
	int r = masks_make(sb, !sb->proc_masked, true, e);

	mem_closep(&sb->cover_dir_fd);
	mem_closep(&sb->cover_file_fd);
	sb->cover_dir_fd = sb->cover_file_fd = -1;
	return r;
}
