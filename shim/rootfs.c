/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "blockfile.h"
#include "overlay.h"
#include "sandbox/idmap.h"
#include "sandbox/mount_idmap.h"
#include "spec/names.h"
#include "spec/spec.h"

#define ROOTFS_OPTIONS_MAX 65536
#define ROOTFS_PAGE        4096 /* mount(2) takes no more of data */
#define ROOTFS_MAPS_MAX    340  /* user_namespaces(7) */

/*
 * The words of containerd's mounts, for mount(2). config.json's have other meanings (spec/mount_options.h): access times
 * are a field there, and some words are the runtime's own, which here would be a file system's.
 */
static const struct {
	const char *name;
	unsigned long set, clear;
} flags[] = {
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "bind", MS_BIND, 0 },
	{ "defaults", 0, 0 },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "sync", MS_SYNCHRONOUS, 0 },
};

struct rootfs_maps {
	struct spec_id_mapping v[ROOTFS_MAPS_MAX];
	size_t n;
};

struct rootfs_mount {
	unsigned long flags;
	unsigned long propagation;
	struct buf data;
	bool loop;                     /* its source is a file */
	struct rootfs_maps uids, gids; /* none: owners are as the file system has them */
};

/* One of "CONTAINER:HOST:SIZE,...", which ends at `end`. */
static int rootfs_map(const char *text, const char *end, struct spec_id_mapping *ret)
{
	uint32_t *const numbers[] = { &ret->container_id, &ret->host_id, &ret->size };
	char number[16];
	size_t i, len;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(numbers) && r == 0; i++) {
		len = strcspn(text, ":,");
		if ((text[len] == ':') != (i + 1 < ARRAY_SIZE(numbers)))
			return -EINVAL;
		r = str_format(number, sizeof(number), "%.*s", (int)len, text);
		if (r == 0)
			r = str_to_u32(number, numbers[i]);
		text += len + 1;
	}
	return r < 0 || text != end + 1 ? -EINVAL : 0;
}

static int rootfs_maps(const char *option, const char *text, struct rootfs_maps *ret,
		       struct error *e)
{
	const char *end;

	for (ret->n = 0; ret->n < ROOTFS_MAPS_MAX; text = end + 1) {
		end = text + strcspn(text, ",");
		if (rootfs_map(text, end, &ret->v[ret->n++]) < 0)
			break;
		if (!*end)
			return 0;
	}
	return error_say(e, EINVAL, "mount option \"%.128s\": CONTAINER:HOST:SIZE was expected",
			 option);
}

static int rootfs_option(struct rootfs_mount *m, const char *option, struct error *e)
{
	const struct spec_name *propagation;
	size_t i;
	int r;

	/* For containerd's own mounts; what it leaves to a shim has none. */
	if (str_starts(option, "X-containerd."))
		return error_say(e, ENOTSUP, "mount option \"%.128s\" is not supported",
				 option);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (str_eq(option, flags[i].name)) {
			m->flags |= flags[i].set;
			m->flags &= ~flags[i].clear;
			return 0;
		}
	}
	propagation = spec_name_find(spec_propagation_names, option);
	if (propagation) {
		m->propagation = propagation->value;
		return 0;
	}
	if (str_eq(option, "loop")) {
		m->loop = true;
		return 0;
	}
	if (str_starts(option, "uidmap="))
		return rootfs_maps(option, option + strlen("uidmap="), &m->uids, e);
	if (str_starts(option, "gidmap="))
		return rootfs_maps(option, option + strlen("gidmap="), &m->gids, e);
	r = buf_addf(&m->data, "%s%s", m->data.len ? "," : "", option);
	return r < 0 ? error_set(e, -r, "mount options") : 0;
}

/* Many layers make more text than a page: from the folder that they are in their names are short. */
static int rootfs_shorten(struct buf *data, struct error *e)
{
	char folder[PATH_MAX];
	size_t len = data->len;

	if (overlay_take_folder(data, folder, sizeof(folder), NULL) < 0 || chdir(folder) < 0 ||
	    data->len >= ROOTFS_PAGE)
		return error_say(e, E2BIG, "the mount's options have %zu bytes", len);
	return 0;
}

/* The kernel maps the owners of a mount only before it is attached: this one comes off, and back. */
static int rootfs_map_owners(const char *target, int userns_fd, struct error *e)
{
	autoclose int fd = mount_idmap_copy(target, userns_fd, false, e);

	if (fd < 0)
		return fd;
	if (umount2(target, UMOUNT_NOFOLLOW) < 0 ||
	    move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(e, errno, "mount %s again", target);
	return 0;
}

static int rootfs_mount_plain(const Pb__Mount *m, struct rootfs_mount *p, const char *target,
			      struct error *e)
{
	const unsigned long again = MS_BIND | MS_REMOUNT | (p->flags & ~(unsigned long)MS_REC);
	autoclose int device_fd = -1; /* until it is mounted */
	const char *source = m->source;
	char device[32];
	int r = 0;

	if (p->loop) {
		r = device_fd = blockfile_open(m->source, p->flags & MS_RDONLY, device,
					       sizeof(device), e);
		source = device;
	}
	if (r < 0)
		return r;
	if (p->data.len >= ROOTFS_PAGE && rootfs_shorten(&p->data, e) < 0)
		return -E2BIG;
	if (mount(source, target, m->type, p->flags, p->data.data) < 0)
		return error_set(e, errno, "mount %s (%s) on %s", m->source, m->type, target);
	/* The first call of a bind mount takes no other flag. */
	if ((p->flags & MS_BIND) && (p->flags & ~(unsigned long)(MS_BIND | MS_REC)) &&
	    mount(NULL, target, NULL, again, NULL) < 0)
		return error_set(e, errno, "remount %s", target);
	return 0;
}

static int rootfs_mount_mapped(const Pb__Mount *m, struct rootfs_mount *p, const char *target,
			       struct error *e)
{
	autoclose int userns_fd = -1;
	int r;

	if (!p->uids.n || !p->gids.n)
		return error_say(e, EINVAL, "uidmap= and gidmap= need each other");
	r = userns_fd = idmap_open(p->uids.v, p->uids.n, p->gids.v, p->gids.n, e);
	if (r < 0)
		return r;
	if (str_eq(m->type, "overlay"))
		return overlay_mount_mapped(target, p->flags, &p->data, userns_fd, e);
	r = rootfs_mount_plain(m, p, target, e);
	return r < 0 ? r : rootfs_map_owners(target, userns_fd, e);
}

static int rootfs_mount_prepared(const Pb__Mount *m, struct rootfs_mount *p, const char *target,
				 struct error *e)
{
	int r = p->uids.n || p->gids.n ? rootfs_mount_mapped(m, p, target, e)
				       : rootfs_mount_plain(m, p, target, e);

	if (r < 0)
		return r;
	if (p->propagation && mount(NULL, target, NULL, p->propagation, NULL) < 0)
		return error_set(e, errno, "set the propagation of %s", target);
	return 0;
}

static int rootfs_mount_one(const char *rootfs, const Pb__Mount *m, struct error *e)
{
	struct rootfs_mount p = { .data = { .max = ROOTFS_OPTIONS_MAX } };
	char target[PATH_MAX];
	size_t i;
	int r = 0;

	if (str_empty(m->target))
		r = str_copy(target, sizeof(target), rootfs);
	else if (strstr(m->target, ".."))
		r = -EINVAL;
	else
		r = str_format(target, sizeof(target), "%s/%s", rootfs, m->target);
	if (r < 0)
		return error_set(e, -r, "mount target %.256s", m->target);
	for (i = 0; r == 0 && i < m->n_options; i++)
		r = rootfs_option(&p, m->options[i], e);
	if (r == 0)
		r = rootfs_mount_prepared(m, &p, target, e);
	buf_done(&p.data);
	return r;
}

int rootfs_mount(const char *bundle, Pb__Mount *const *mounts, size_t n, struct error *e)
{
	char rootfs[PATH_MAX];
	size_t i;
	int r;

	if (n == 0)
		return 0;
	if (str_format(rootfs, sizeof(rootfs), "%s/rootfs", bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	if (mkdir(rootfs, 0711) < 0 && errno != EEXIST)
		return error_set(e, errno, "make %s", rootfs);
	for (i = 0, r = 0; r == 0 && i < n; i++)
		r = rootfs_mount_one(rootfs, mounts[i], e);
	if (r < 0)
		rootfs_unmount(bundle, NULL);
	return r;
}

/* "a\040b" -> "a b", in place. */
static void rootfs_unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The last mount in the table that is on rootfs or below: nothing stands on it. 0: there is none. */
static int rootfs_last_mount(const char *rootfs, char *ret, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	autofree char *line = NULL;
	size_t len = strlen(rootfs), room = 0;
	int found = 0;

	if (!f)
		return -errno;
	while (getline(&line, &room, f) > 0) {
		char *at = line, *end;
		int field;

		for (field = 0; field < 4 && at; field++)
			at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
		end = at ? strchr(at, ' ') : NULL;
		if (!end)
			continue;
		*end = '\0';
		rootfs_unescape(at);
		if (strncmp(at, rootfs, len) == 0 && (!at[len] || at[len] == '/') &&
		    str_copy(ret, size, at) == 0)
			found = 1;
	}
	fclose(f);
	return found;
}

/*
 * Without the table of all mounts of the node, where that will do: what is mounted on it comes off by name, and in an
 * empty folder nothing is mounted.
 */
static bool rootfs_unmount_plain(const char *bundle)
{
	struct dirent *entry;
	char rootfs[PATH_MAX];
	bool empty = true;
	DIR *dir;

	if (str_format(rootfs, sizeof(rootfs), "%s/rootfs", bundle) < 0)
		return false;
	while (umount2(rootfs, UMOUNT_NOFOLLOW) == 0)
		;
	if (errno != EINVAL)
		return errno == ENOENT;
	/* Nothing is mounted on it: who looks into it waits for no file system. */
	dir = opendir(rootfs);
	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)))
		empty = str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..");
	closedir(dir);
	return empty;
}

static int rootfs_unmount_all(const char *bundle, struct error *e)
{
	char rootfs[PATH_MAX], at[PATH_MAX];
	/* The table of mounts knows no links; the root itself is not looked at: it may be one that hangs. */
	autofree char *real = realpath(bundle, NULL);
	int r;

	if (str_format(rootfs, sizeof(rootfs), "%s/rootfs", real ?: bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	while ((r = rootfs_last_mount(rootfs, at, sizeof(at))) > 0) {
		if (umount2(at, UMOUNT_NOFOLLOW) == 0)
			continue;
		/* Its processes are gone; who else looks into it keeps what he sees, and nothing new. */
		if (errno != EBUSY || umount2(at, UMOUNT_NOFOLLOW | MNT_DETACH) < 0)
			return error_set(e, errno, "unmount %s", at);
	}
	return r < 0 ? error_set(e, -r, "read /proc/self/mountinfo") : 0;
}

int rootfs_unmount(const char *bundle, struct error *e)
{
	return rootfs_unmount_plain(bundle) ? 0 : rootfs_unmount_all(bundle, e);
}
