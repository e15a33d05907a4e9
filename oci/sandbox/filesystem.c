/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

/* The kernel's words ("e tmpfs: Bad value for 'size'") are waiting in the context's log. */
static int filesystem_error(int fs_fd, int errnum, const char *what, struct error *e)
{
	char line[256];
	ssize_t n;
	int r;

	n = read(fs_fd, line, sizeof(line) - 1);
	if (n <= 2)
		return error_set(e, errnum, "%s", what);
	while (n > 0 && line[n - 1] == '\n')
		n--;
	line[n] = '\0';
	r = error_set(e, errnum, "%s (%s)", what, line + 2);
	return r;
}

static int filesystem_set(int fs_fd, const char *option, struct error *e)
{
	const char *value = strchr(option, '=');
	char key[64], what[160], show[100];
	size_t len;
	int r;

	if (!value) {
		r = fsconfig(fs_fd, FSCONFIG_SET_FLAG, option, NULL, 0);
	} else {
		len = (size_t)(value - option);
		if (len >= sizeof(key))
			return error_say(e, EINVAL, "option name too long");
		memcpy(key, option, len);
		key[len] = '\0';
		r = fsconfig(fs_fd, FSCONFIG_SET_STRING, key, value + 1, 0);
	}
	if (r == 0)
		return 0;
	r = errno;
	snprintf(what, sizeof(what), "option \"%s\"", str_show(show, sizeof(show), option));
	return filesystem_error(fs_fd, r, what, e);
}

/* Types whose superblock is shared or made by the kernel: read-only is the mount's affair alone. */
static bool filesystem_has_device(const struct spec_mount *m)
{
	return m->source && m->source[0] == '/';
}

static int filesystem_configure(int fs_fd, const struct spec_mount *m, struct error *e)
{
	static const char *const flags[] = { "sync", "dirsync", "mand", "lazytime" };
	const bool wanted[] = { m->sync, m->dirsync, m->mand, m->lazytime };
	size_t i;
	int r;

	if (!str_empty(m->source) &&
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", m->source, 0) < 0)
		return filesystem_error(fs_fd, errno, "set its source", e);
	for (i = 0; i < m->data.n; i++) {
		r = filesystem_set(fs_fd, m->data.v[i], e);
		if (r < 0)
			return r;
	}
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (wanted[i] && fsconfig(fs_fd, FSCONFIG_SET_FLAG, flags[i], NULL, 0) < 0)
			return filesystem_error(fs_fd, errno, flags[i], e);
	if (m->sb_readonly && filesystem_has_device(m) &&
	    fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return filesystem_error(fs_fd, errno, "ro", e);
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return filesystem_error(fs_fd, errno, "make the file system", e);
	return 0;
}

/* What the kernel labels by itself, and what takes a label only once it is there. */
static bool filesystem_takes_context(const char *type)
{
	static const char *const own[] = { "proc", "sysfs", "cgroup2", "mqueue" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (str_eq(type, own[i]))
			return false;
	return true;
}

static int filesystem_set_context(int fs_fd, const char *type, const char *label,
				  struct error *e)
{
	if (str_empty(label) || !filesystem_takes_context(type) ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", label, 0) == 0)
		return 0;
	return filesystem_error(fs_fd, errno, "label it by linux.mountLabel", e);
}

static int filesystem_label_root(int fd, const char *type, const char *label, struct error *e)
{
	autoclose int root_fd = -1;

	if (str_empty(label) || !str_eq(type, "mqueue"))
		return 0;
	root_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0 || fsetxattr(root_fd, "security.selinux", label, strlen(label), 0) < 0)
		return error_set(e, errno, "label it by linux.mountLabel");
	return 0;
}

int filesystem_mount(const struct spec_mount *m, uint64_t attr, const char *label,
		     struct error *e)
{
	const char *type = str_eq(m->type, "cgroup") ? "cgroup2" : m->type;
	autoclose int fs_fd = -1, fd = -1;
	int r;

	if (str_empty(type))
		return error_say(e, EINVAL, "it has neither a type nor the option \"bind\"");
	fs_fd = fsopen(type, FSOPEN_CLOEXEC);
	if (fs_fd < 0 && errno == ENODEV)
		return error_say(e, ENODEV, "this kernel has no file system of type \"%s\"",
				 type);
	if (fs_fd < 0)
		return error_set(e, errno, "open a %s file system", type);
	r = filesystem_set_context(fs_fd, type, label, e);
	if (r == 0)
		r = filesystem_configure(fs_fd, m, e);
	if (r < 0)
		return error_prefix(e, "type %s", type);

	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)attr);
	if (fd < 0)
		return filesystem_error(fs_fd, errno, "mount it", e);
	r = filesystem_label_root(fd, type, label, e);
	return r < 0 ? r : take_fd(&fd);
}
