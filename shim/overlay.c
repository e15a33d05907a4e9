/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/mount_idmap.h"

/* The length of what all names in begin..end have in common, up to a slash; 0: nothing. */
static size_t overlay_common(const char *begin, const char *end)
{
	const char *p = memchr(begin, ':', (size_t)(end - begin)), *slash;
	size_t len = (size_t)((p ? p : end) - begin);

	for (p = begin; p < end; p += strcspn(p, ":,"), p += *p == ':') {
		size_t same = 0;

		while (same < len && p[same] == begin[same])
			same++;
		len = same;
	}
	slash = memrchr(begin, '/', len);
	return slash && slash > begin ? (size_t)(slash - begin) + 1 : 0;
}

int overlay_take_folder(struct buf *data, char *ret, size_t size, struct error *e)
{
	autobuf shorter = { .max = data->max };
	const char *begin = data->data ? strstr(data->data, "lowerdir=/") : NULL, *end, *p;
	size_t len;

	if (!begin)
		return error_say(e, E2BIG, "the layers' names are not whole paths");
	begin += strlen("lowerdir=");
	end = begin + strcspn(begin, ",");
	len = overlay_common(begin, end);
	if (!len || str_format(ret, size, "%.*s", (int)len, begin) < 0)
		return error_say(e, E2BIG, "the layers have no folder in common");
	for (p = data->data; *p;) {
		if (p >= begin && p < end && strncmp(p, ret, len) == 0) {
			p += len;
			continue;
		}
		if (buf_addc(&shorter, *p++) < 0)
			return error_set(e, ENOMEM, "mount options");
	}
	buf_reset(data);
	return buf_add(data, shorter.data, shorter.len) < 0
		       ? error_set(e, ENOMEM, "mount options")
		       : 0;
}

/* In a mount namespace of its own: a mount that is attached nowhere, as an fd. */
static int overlay_make(const char *folder, const char *target, unsigned long flags,
			const char *data, int userns_fd, struct error *e)
{
	autoclose int layers_fd = -1;
	int fd;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(e, errno, "leave the node's mounts");
	layers_fd = mount_idmap_copy(folder, userns_fd, true, e);
	if (layers_fd < 0)
		return layers_fd;
	if (move_mount(layers_fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(e, errno, "mount %s on %s", folder, target);
	if (chdir(target) < 0)
		return error_set(e, errno, "go to %s", target);
	if (mount("overlay", target, "overlay", flags, data) < 0)
		return error_set(e, errno, "mount overlay on %s", target);
	fd = open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "take %s", target) : fd;
}

/*
 * The kernel takes mapped layers by name alone, from where they are mounted. That is a mount namespace
 * which ends with this: nobody sees them but the overlay, and whoever is killed here leaves none.
 */
int overlay_mount_mapped(const char *target, unsigned long flags, struct buf *data,
			 int userns_fd, struct error *e)
{
	autoclose int node_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), fd = -1;
	char folder[PATH_MAX];
	int r;

	if (node_fd < 0)
		return error_set(e, errno, "open /proc/self/ns/mnt");
	r = overlay_take_folder(data, folder, sizeof(folder), e);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(e, errno, "make a mount namespace");
	r = fd = overlay_make(folder, target, flags, data->data, userns_fd, e);
	if (setns(node_fd, CLONE_NEWNS) < 0)
		return error_set(e, errno, "return to the node's mounts");
	if (r < 0)
		return r;
	if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(e, errno, "mount overlay on %s", target);
	return 0;
}
