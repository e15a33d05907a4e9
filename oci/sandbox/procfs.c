/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"
#include "sandbox/sandbox.h"

static int procfs_new(void)
{
	autoclose int fs_fd = fsopen("proc", FSOPEN_CLOEXEC);

	if (fs_fd < 0 || fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return fsmount(fs_fd, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int procfs_open(struct sandbox *sb, struct error *e)
{
	autoclose int fd = -1;
	struct statfs fs;

	if (sb->procfs_fd >= 0)
		return 0;
	fd = procfs_new();
	if (fd < 0)
		fd = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	/* What a user namespace got mounted below it may not be left off. We do not go there. */
	if (fd < 0)
		fd = open_tree(AT_FDCWD, "/proc",
			       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0)
		return error_set(e, errno, "open a private procfs");
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return error_say(e, EXDEV, "/proc is not a procfs");
	sb->procfs_fd = take_fd(&fd);
	return 0;
}

void procfs_close(struct sandbox *sb)
{
	mem_closep(&sb->procfs_fd);
	sb->procfs_fd = -1;
}

int procfs_open_file(struct sandbox *sb, const char *name, int flags, struct error *e)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd, r;

	r = procfs_open(sb, e);
	if (r < 0)
		return r;
	fd = sys_openat2(sb->procfs_fd, name, &how);
	if (fd < 0)
		return error_set(e, -fd, "open /proc/%s", name);
	return fd;
}
