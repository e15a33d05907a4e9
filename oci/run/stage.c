/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/external.h"
#include "sandbox/identity.h"
#include "sandbox/mounts.h"
#include "sandbox/sandbox.h"

#define STAGE_PLACES "places" /* the rootfs once more, only to make places for mounts in it */

#define STAGE_ATTACH (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
#define STAGE_CLONE  (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE)

/* What the host mounts still arrives; nothing goes back. */
static int stage_leave_host(struct error *e)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };

	if (unshare(CLONE_NEWNS) < 0)
		return error_set(e, errno, "make a mount namespace for criu");
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof(slave)) < 0)
		return error_set(e, errno, "keep mounts from reaching the host");
	return 0;
}

/* CRIU wants a parent that nothing is mounted over: the folder gets a file system of its own. */
static int stage_open(const char *folder, struct error *e)
{
	int fd;

	if (mount("stage", folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=711") < 0)
		return error_set(e, errno, "mount a tmpfs on %s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "open %s", folder) : fd;
}

static int stage_attach(int folder_fd, const char *name, int tree_fd, struct error *e)
{
	autoclose int place_fd = -1;

	if (mkdirat(folder_fd, name, 0711) == 0)
		place_fd = openat(folder_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place_fd < 0 || move_mount(tree_fd, "", place_fd, "", STAGE_ATTACH) < 0)
		return error_set(e, errno, "attach %s", name);
	return 0;
}

/* CRIU makes mounts, but not the places that they are on. */
static int stage_make_places(struct sandbox *sb, int folder_fd, struct error *e)
{
	char link[PATH_FD_MAX];
	int r;

	sb->root_fd = open_tree(sb->tree_fd, "", STAGE_CLONE);
	if (sb->root_fd < 0)
		return error_set(e, errno, "clone the root file system");
	r = stage_attach(folder_fd, STAGE_PLACES, sb->root_fd, e);
	if (r < 0)
		return r;
	r = mounts_stage(sb, folder_fd, EXTERNAL_STAGED, e);
	if (umount2(path_of_fd(link, sb->root_fd), MNT_DETACH) < 0 && r == 0)
		r = error_set(e, errno, "leave the root file system");
	mem_closep(&sb->root_fd);
	sb->root_fd = -1;
	return r;
}

/* CRIU restores the flags of every mount but this one. */
static int stage_seal(const struct sandbox *sb, struct error *e)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (sb->spec->root_readonly &&
	    mount_setattr(sb->tree_fd, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return error_set(e, errno,
				 "root.readonly: make the root file system read-only");
	return 0;
}

int stage_enter(struct sandbox *sb, struct error *e)
{
	/* CRIU restores no keyring: without one of its own the container would have the caller's. */
	int r = identity_join_keyring(sb, e);

	return r < 0 ? r : stage_leave_host(e);
}

int stage_make(struct sandbox *sb, const char *folder, struct error *e)
{
	autoclose int folder_fd = -1;
	int r;

	folder_fd = stage_open(folder, e);
	if (folder_fd < 0)
		return folder_fd;
	r = stage_attach(folder_fd, STAGE_ROOT, sb->tree_fd, e);
	if (r == 0 && sb->nodes_fd >= 0)
		r = stage_attach(folder_fd, STAGE_NODES, sb->nodes_fd, e);
	if (r == 0)
		r = stage_make_places(sb, folder_fd, e);
	return r < 0 ? r : stage_seal(sb, e);
}
