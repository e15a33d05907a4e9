/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/device_nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "sandbox/devices.h"
#include "sandbox/filesystem.h"
#include "sandbox/sandbox.h"

const char *device_node_name(char name[static DEVICE_NODE_NAME], size_t i)
{
	snprintf(name, DEVICE_NODE_NAME, "%zu", i);
	return name;
}

/* --- the parent ---------------------------------------------------------------------------------- */

static int node_make(int dir_fd, const struct spec_linux *l, size_t i)
{
	const struct spec_device *d = &l->devices[i];
	char name[DEVICE_NODE_NAME];
	uint32_t uid, gid;

	if (d->type == 'p' || !spec_host_id(l->uid_mappings, l->n_uid_mappings, d->uid, &uid) ||
	    !spec_host_id(l->gid_mappings, l->n_gid_mappings, d->gid, &gid))
		return 0;
	/* mknodat(2) goes by the caller's umask, and nobody else is in here. */
	if (mknodat(dir_fd, device_node_name(name, i), device_mode(d), device_number(d)) < 0 ||
	    fchownat(dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir_fd, name, device_mode(d) & 07777, 0) < 0)
		return -errno;
	return 0;
}

int device_nodes_make(struct sandbox *sb, struct error *e)
{
	const struct spec_linux *l = &sb->spec->linux_;
	char mode[] = "mode=711", *options[] = { mode };
	const struct spec_mount fs = { .type = "tmpfs",
				       .source = "devices",
				       .data = { ARRAY_SIZE(options), options } };
	autoclose int fd = -1;
	size_t i;
	int r;

	if (!sb->foreign_userns || l->n_devices == 0 || l->n_uid_mappings == 0)
		return 0;
	fd = filesystem_mount(&fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, l->mount_label, e);
	if (fd < 0)
		return error_prefix(e, "linux.devices");
	for (i = 0; i < l->n_devices; i++) {
		r = node_make(fd, l, i);
		if (r == -EPERM)
			return 0;
		if (r < 0)
			return error_set(e, -r, "device %s: make the node", l->devices[i].path);
	}
	sb->nodes_fd = take_fd(&fd);
	return 0;
}

/* --- the child ----------------------------------------------------------------------------------- */

static int nodes_clone(struct sandbox *sb, struct error *e)
{
	char name[DEVICE_NODE_NAME];
	size_t i;

	for (i = 0; i < sb->spec->linux_.n_devices; i++) {
		sb->node_fd[i] = open_tree(sb->nodes_fd, device_node_name(name, i),
					   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (sb->node_fd[i] < 0 && errno != ENOENT)
			return error_set(e, errno, "device %s: clone the node",
					 sb->spec->linux_.devices[i].path);
	}
	return 0;
}

/* Only of what is attached in its own namespace may it have clones. */
int device_nodes_take(struct sandbox *sb, int place_fd, struct error *e)
{
	size_t size = (sb->spec->linux_.n_devices + 1) * sizeof(int);
	char link[PATH_FD_MAX];
	int r;

	if (sb->nodes_fd < 0)
		return 0;
	sb->node_fd = malloc(size);
	if (!sb->node_fd)
		return error_set(e, ENOMEM, "devices");
	memset(sb->node_fd, 0xff, size);

	if (move_mount(sb->nodes_fd, "", place_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(e, errno, "mount the nodes of linux.devices");
	r = nodes_clone(sb, e);
	if (umount2(path_of_fd(link, sb->nodes_fd), MNT_DETACH) < 0 && r == 0)
		r = error_set(e, errno, "unmount the nodes of linux.devices");
	return r;
}

void device_nodes_close(struct sandbox *sb)
{
	size_t i;

	for (i = 0; sb->node_fd && i < sb->spec->linux_.n_devices; i++)
		mem_closep(&sb->node_fd[i]);
	free(sb->node_fd);
	sb->node_fd = NULL;
	mem_closep(&sb->nodes_fd);
	sb->nodes_fd = -1;
}
