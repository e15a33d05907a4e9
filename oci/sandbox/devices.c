/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "sandbox/device_nodes.h"
#include "sandbox/sandbox.h"
#include "sandbox/tree.h"

static const struct spec_device device_defaults[] = {
	{ .type = 'c', .path = "/dev/null", .major = 1, .minor = 3 },
	{ .type = 'c', .path = "/dev/zero", .major = 1, .minor = 5 },
	{ .type = 'c', .path = "/dev/full", .major = 1, .minor = 7 },
	{ .type = 'c', .path = "/dev/random", .major = 1, .minor = 8 },
	{ .type = 'c', .path = "/dev/urandom", .major = 1, .minor = 9 },
	{ .type = 'c', .path = "/dev/tty", .major = 5, .minor = 0 },
};

static const struct {
	const char *name;
	const char *target;
} device_links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
};

mode_t device_mode(const struct spec_device *d)
{
	mode_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;

	return type | (d->set_file_mode ? d->file_mode & 07777 : 0666);
}

dev_t device_number(const struct spec_device *d)
{
	if (d->type == 'p')
		return 0;
	return makedev((unsigned int)d->major, (unsigned int)d->minor);
}

/* A node that is there already serves, if it is the very one. Other inodes of an image make way. */
static int device_make_room(int dir_fd, const char *name, mode_t mode, dev_t number)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if ((st.st_mode & S_IFMT) == (mode & S_IFMT) && st.st_rdev == number)
		return 1;
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

static int device_mknod(int dir_fd, const char *name, const struct spec_device *d)
{
	mode_t mode = device_mode(d);
	int r;

	if (mknodat(dir_fd, name, mode, device_number(d)) < 0) {
		if (errno != EEXIST)
			return -errno;
		r = device_make_room(dir_fd, name, mode, device_number(d));
		if (r < 0)
			return r;
		if (r == 0 && mknodat(dir_fd, name, mode, device_number(d)) < 0)
			return -errno;
	}
	if ((d->set_uid || d->set_gid) &&
	    fchownat(dir_fd, name, d->set_uid ? d->uid : (uid_t)-1,
		     d->set_gid ? d->gid : (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* The host's own node, if it is the one that was asked for. */
static int device_of_host(const struct sandbox *sb, const struct spec_device *d,
			  struct error *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	autoclose int fd = -1;
	struct stat st;

	fd = tree_clone(sb, AT_FDCWD, d->path, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(e, fd < 0 ? -fd : errno, "open the host's %s to bind it",
				 d->path);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return error_set(e, errno, "bind the host's %s nosuid and noexec", d->path);
	if ((st.st_mode & S_IFMT) != (device_mode(d) & S_IFMT) ||
	    st.st_rdev != device_number(d))
		return error_say(e, EINVAL, "the host's %s is another device than %c %lld:%lld",
				 d->path, d->type, (long long)d->major, (long long)d->minor);
	return take_fd(&fd);
}

/* In a user namespace: the node that the parent has made, else the host's. */
static int device_bind(const struct sandbox *sb, int dir_fd, const char *name,
		       const struct spec_device *d, int node_fd, struct error *e)
{
	autoclose int host_fd = -1, target_fd = -1;
	int fd = node_fd;

	if (fd < 0)
		fd = host_fd = device_of_host(sb, d, e);
	if (fd < 0)
		return fd;
	if (mknodat(dir_fd, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return error_set(e, errno, "make a file to bind it on");
	target_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target_fd < 0)
		return error_set(e, errno, "open the file to bind it on");
	if (move_mount(fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(e, errno, "bind it");
	return 0;
}

/* Where the node's name goes: /dev itself for most, which is open already. */
static int device_open_parent(const struct sandbox *sb, int dev_fd, const char *path,
			      const char **ret_name)
{
	char parent[4096];
	const char *name = strrchr(path, '/') + 1;

	*ret_name = name;
	if (name - path == 5 && str_starts(path, "/dev/"))
		return dev_fd;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	return path_mkdir_all(sb->root_fd, parent, 0755);
}

static int device_make(const struct sandbox *sb, int dev_fd, const struct spec_device *d,
		       int node_fd, struct error *e)
{
	autoclose int own_fd = -1;
	char path[4096];
	const char *name;
	int dir_fd, r;

	if (path_clean(path, sizeof(path), d->path) < 0 || str_eq(path, "/"))
		return error_say(e, EINVAL, "device %s: no usable path", d->path);
	dir_fd = device_open_parent(sb, dev_fd, path, &name);
	if (dir_fd < 0)
		return error_set(e, -dir_fd, "device %s: make its folder", d->path);
	if (dir_fd != dev_fd)
		own_fd = dir_fd;

	r = sb->own_userns ? -EPERM : device_mknod(dir_fd, name, d);
	if (r == -EPERM && d->type != 'p') {
		r = device_bind(sb, dir_fd, name, d, node_fd, e);
		return r < 0 ? error_prefix(e, "device %s", d->path) : 0;
	}
	if (r == -EPERM)
		r = device_mknod(dir_fd, name, d);
	return r < 0 ? error_set(e, -r, "device %s: make the node", d->path) : 0;
}

static int device_link(int dev_fd, const char *name, const char *target, struct error *e)
{
	char now[64];
	ssize_t n;

	if (symlinkat(target, dev_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return error_set(e, errno, "link /dev/%s", name);
	n = readlinkat(dev_fd, name, now, sizeof(now) - 1);
	if (n >= 0 && (size_t)n == strlen(target) && memcmp(now, target, (size_t)n) == 0)
		return 0;
	if (unlinkat(dev_fd, name, 0) < 0 || symlinkat(target, dev_fd, name) < 0)
		return error_set(e, errno, "link /dev/%s", name);
	return 0;
}

static bool device_wanted(const struct sandbox *sb, const struct spec_device *d)
{
	size_t i;

	/* The spec's own entry for the same path knows more (mode, owner). */
	for (i = 0; i < sb->spec->linux_.n_devices; i++)
		if (str_eq(sb->spec->linux_.devices[i].path, d->path))
			return false;
	return true;
}

static bool devices_come_with_bundle(const struct spec *s)
{
	size_t i;

	for (i = 0; i < s->n_mounts; i++)
		if (s->mounts[i].bind && (str_eq(s->mounts[i].destination, "/dev") ||
					  str_eq(s->mounts[i].destination, "/dev/")))
			return true;
	return false;
}

static int devices_open_dir(const struct sandbox *sb, struct error *e)
{
	int fd = path_open_strict(sb->root_fd, "dev", O_PATH | O_DIRECTORY, 0, 1);

	if (fd == -ENOENT) {
		if (mkdirat(sb->root_fd, "dev", 0755) < 0 && errno != EEXIST)
			return error_set(e, errno, "make /dev");
		fd = path_open_strict(sb->root_fd, "dev", O_PATH | O_DIRECTORY, 0, 1);
	}
	if (fd == -ELOOP || fd == -ENOTDIR)
		return error_say(e, -fd, "/dev is not a real directory in the image");
	return fd < 0 ? error_set(e, -fd, "open /dev") : fd;
}

int devices_make(struct sandbox *sb, struct error *e)
{
	const struct spec_linux *l = &sb->spec->linux_;
	autoclose int dev_fd = -1;
	size_t i;
	int r = 0;

	if (devices_come_with_bundle(sb->spec))
		return 0;
	dev_fd = devices_open_dir(sb, e);
	if (dev_fd < 0)
		return dev_fd;

	r = device_nodes_take(sb, dev_fd, e);
	for (i = 0; r == 0 && i < ARRAY_SIZE(device_defaults); i++)
		if (device_wanted(sb, &device_defaults[i]))
			r = device_make(sb, dev_fd, &device_defaults[i], -1, e);
	for (i = 0; r == 0 && i < l->n_devices; i++)
		r = device_make(sb, dev_fd, &l->devices[i], sb->node_fd ? sb->node_fd[i] : -1,
				e);
	for (i = 0; r == 0 && i < ARRAY_SIZE(device_links); i++) {
		/* Not every kernel has it (CONFIG_PROC_KCORE). */
		if (str_eq(device_links[i].name, "core") && access("/proc/kcore", F_OK) < 0)
			continue;
		r = device_link(dev_fd, device_links[i].name, device_links[i].target, e);
	}
	return r;
}
