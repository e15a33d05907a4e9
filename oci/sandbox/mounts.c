/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "sandbox/copyup.h"
#include "sandbox/filesystem.h"
#include "sandbox/mount_idmap.h"
#include "sandbox/sandbox.h"
#include "sandbox/tree.h"

/* "mounts[3] (/data)": how messages call a mount. */
static const char *mount_show(const struct sandbox *sb, const struct spec_mount *m, char *dst,
			      size_t size)
{
	char path[160];

	snprintf(dst, size, "mounts[%zu] (%s)", (size_t)(m - sb->spec->mounts),
		 str_show(path, sizeof(path), m->destination));
	return dst;
}

static int mount_open_source(const struct sandbox *sb, const struct spec_mount *m,
			     struct error *e)
{
	char name[PATH_MAX + 1];
	const char *path;
	int fd;

	if (str_empty(m->source))
		return error_say(e, EINVAL, "a bind mount needs a source");
	path = sandbox_host_path(sb, m->source, name, sizeof(name));
	fd = tree_clone(sb, AT_FDCWD, path, m->bind_rec ? AT_RECURSIVE : 0);
	return fd < 0 ? error_set(e, -fd, "open the source %s", path) : fd;
}

int mounts_open_sources(struct sandbox *sb, struct error *e)
{
	const struct spec *s = sb->spec;
	char name[200];
	size_t i;

	sb->source_fd = calloc(s->n_mounts + 1, sizeof(int));
	if (!sb->source_fd)
		return error_set(e, ENOMEM, "mounts");
	memset(sb->source_fd, 0xff, (s->n_mounts + 1) * sizeof(int));

	for (i = 0; i < s->n_mounts; i++) {
		if (!s->mounts[i].bind)
			continue;
		sb->source_fd[i] = mount_open_source(sb, &s->mounts[i], e);
		if (sb->source_fd[i] < 0 ||
		    (s->mounts[i].idmap &&
		     mount_idmap(sb, &s->mounts[i], sb->source_fd[i], e) < 0))
			return error_prefix(e, "%s",
					    mount_show(sb, &s->mounts[i], name, sizeof(name)));
	}
	return 0;
}

void mounts_close_sources(struct sandbox *sb)
{
	size_t i;

	for (i = 0; sb->source_fd && i < sb->spec->n_mounts; i++)
		mem_closep(&sb->source_fd[i]);
	free(sb->source_fd);
	sb->source_fd = NULL;
}

/* The cgroup tree without a cgroup namespace: only the container's own part of it. */
static int mount_bind_own_cgroup(const struct sandbox *sb, struct error *e)
{
	char path[PATH_MAX];
	int fd;

	if (str_format(path, sizeof(path), "/sys/fs/cgroup%s", sb->cgroup_path ?: "") < 0)
		return error_set(e, ENAMETOOLONG, "cgroup path");
	fd = tree_clone(sb, AT_FDCWD, path, 0);
	return fd < 0 ? error_set(e, -fd, "bind %s", path) : fd;
}

static int mount_bind_sysfs(const struct sandbox *sb, struct error *e)
{
	int fd = tree_clone(sb, AT_FDCWD, "/sys", AT_RECURSIVE);

	return fd < 0 ? error_set(e, -fd, "bind /sys") : fd;
}

static bool mount_is_cgroup(const struct spec_mount *m)
{
	return str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2");
}

/* A sysfs shows the network namespace of whoever makes it. */
static bool mount_shows_net(const struct spec_mount *m)
{
	return str_eq(m->type, "sysfs");
}

static bool mount_is_finished_later(const struct spec_mount *m)
{
	return str_eq(m->type, "tmpfs") && !m->bind && !m->remount &&
	       (m->attr_set & MOUNT_ATTR_RDONLY);
}

/* Other mounts and devices may have their places in it: mounts_finish() makes it read-only. */
static uint64_t mount_attr_now(const struct spec_mount *m)
{
	return m->attr_set & ~(mount_is_finished_later(m) ? (uint64_t)MOUNT_ATTR_RDONLY : 0);
}

/* The detached mount for one entry. `fresh`: a new file system, which came with its flags. */
static int mount_detached(struct sandbox *sb, const struct spec_mount *m, bool *ret_fresh,
			  struct error *e)
{
	size_t i = (size_t)(m - sb->spec->mounts);
	int fd, r;

	if (m->bind)
		return sb->source_fd ? take_fd(&sb->source_fd[i]) : mount_open_source(sb, m, e);
	if (mount_is_cgroup(m) && sb->cgroup_path_visible)
		return mount_bind_own_cgroup(sb, e);

	if (mount_shows_net(m) && (r = sandbox_need_net(sb, e)) < 0)
		return r;
	fd = filesystem_mount(m, mount_attr_now(m), sb->spec->linux_.mount_label, e);
	/* A user namespace without its own network namespace may not make a new sysfs. */
	if (fd == -EPERM && str_eq(m->type, "sysfs") && sb->own_userns)
		return mount_bind_sysfs(sb, e);
	*ret_fresh = true;
	return fd;
}

static int mount_apply_attr(int fd, uint64_t set, uint64_t clear, unsigned int flags)
{
	struct mount_attr a = { .attr_set = set, .attr_clr = clear };

	if (!set && !clear)
		return 0;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | flags, &a, sizeof(a)) == 0)
		return 0;
	/* Flags that a user namespace inherited locked cannot be cleared; the stricter one stays. */
	a.attr_clr &= MOUNT_ATTR__ATIME;
	if (errno != EPERM || !clear)
		return -errno;
	return mount_setattr(fd, "", AT_EMPTY_PATH | flags, &a, sizeof(a)) < 0 ? -errno : 0;
}

static int mount_set_attributes(const struct sandbox *sb, const struct spec_mount *m, int fd,
				struct error *e)
{
	uint64_t set = mount_attr_now(m), clear = m->attr_clear;
	int r;

	/* Without a cgroup namespace the tree is the host's: looking is all there is (A9). */
	if (mount_is_cgroup(m) && sb->cgroup_path_visible)
		set |= MOUNT_ATTR_RDONLY, clear &= ~(uint64_t)MOUNT_ATTR_RDONLY;

	/* The tree first: what is said of the mount itself has the last word ("rrw", "ro"). */
	r = mount_apply_attr(fd, m->attr_set_rec, m->attr_clear_rec, AT_RECURSIVE);
	if (r == 0)
		r = mount_apply_attr(fd, set, clear, 0);
	return r < 0 ? error_set(e, -r, "set its flags") : 0;
}

static int mount_set_propagation(const struct spec_mount *m, int fd, struct error *e)
{
	struct mount_attr a = { .propagation = m->propagation };

	if (!m->propagation)
		return 0;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (m->propagation_rec ? AT_RECURSIVE : 0), &a,
			  sizeof(a)) < 0)
		return error_set(e, errno, "set its propagation");
	return 0;
}

/* proc and sysfs land on real directories only: a symlink would move the masks (CVE-2023-27561). */
static int mount_open_strict_target(const struct sandbox *sb, const char *path, struct error *e)
{
	int fd;

	fd = path_open_strict(sb->root_fd, path, O_PATH | O_DIRECTORY, 0, 1);
	if (fd == -ENOENT) {
		fd = path_mkdir_all(sb->root_fd, path, 0755);
		if (fd >= 0) {
			close(fd);
			fd = path_open_strict(sb->root_fd, path, O_PATH | O_DIRECTORY, 0, 1);
		}
	}
	if (fd == -ELOOP || fd == -ENOTDIR)
		return error_say(e, -fd, "the target is not a real directory in the image");
	return fd < 0 ? error_set(e, -fd, "open the target") : fd;
}

/* Nothing lands inside a procfs by way of a symlink; the few files that may are named in the spec. */
static int mount_check_target(const char *path, int fd, struct error *e)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return error_set(e, errno, "stat the target");
	if (fs.f_type == PROC_SUPER_MAGIC && !str_eq(path, "/proc") &&
	    !str_starts(path, "/proc/"))
		return error_say(e, EPERM, "the target leads into /proc");
	return 0;
}

static int mount_open_target(const struct sandbox *sb, const struct spec_mount *m, bool dir,
			     struct error *e)
{
	autoclose int fd = -1;
	char path[PATH_MAX];
	int r;

	if (path_clean(path, sizeof(path), m->destination) < 0)
		return error_set(e, ENAMETOOLONG, "destination");
	if (str_eq(m->type, "proc") || str_eq(m->type, "sysfs")) {
		fd = mount_open_strict_target(sb, path, e);
		return fd < 0 ? fd : take_fd(&fd);
	}

	fd = dir ? path_mkdir_all(sb->root_fd, path, 0755)
		 : path_make_file(sb->root_fd, path, 0644);
	if (fd == -ENOTDIR || fd == -EISDIR)
		return error_say(e, -fd, "the source is a %s but the target is not",
				 dir ? "directory" : "file");
	if (fd < 0)
		return error_set(e, -fd, "make the target");
	r = mount_check_target(path, fd, e);
	return r < 0 ? r : take_fd(&fd);
}

static int mount_remount(const struct sandbox *sb, const struct spec_mount *m, struct error *e)
{
	autoclose int fd = path_open(sb->root_fd, m->destination, O_PATH, 0);

	if (fd < 0)
		return error_set(e, -fd, "open the target to remount");
	return mount_set_attributes(sb, m, fd, e);
}

/*
 * A recursive bind of /sys brings the host's cgroup tree along, writable even under "ro", which is
 * not recursive (CVE-2023-25809).
 */
static int mount_protect_cgroups(const struct sandbox *sb, const struct spec_mount *m,
				 bool fresh, struct error *e)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	autoclose int fd = -1;
	char path[PATH_MAX];
	struct statfs fs;

	if (fresh || (!m->bind_rec && !str_eq(m->type, "sysfs")))
		return 0;
	if (str_format(path, sizeof(path), "%s/fs/cgroup", m->destination) < 0)
		return 0;
	fd = path_open(sb->root_fd, path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return 0;
	if (fs.f_type != CGROUP2_SUPER_MAGIC && fs.f_type != CGROUP_SUPER_MAGIC &&
	    fs.f_type != TMPFS_MAGIC)
		return 0;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0)
		return error_set(e, errno, "make the cgroup tree below it read-only");
	return 0;
}

#define PROC_ROOT_INO 1 /* include/linux/proc_fs.h */

/*
 * What is bound over /proc is a procfs, and its root: what is written there later, labels and
 * sysctls, must not go to files of somebody's making (CVE-2019-16884).
 */
static int mount_check_proc(const struct spec_mount *m, int fd, const struct stat *st,
			    struct error *e)
{
	char path[PATH_MAX];
	struct statfs fs;

	if (!m->bind || path_clean(path, sizeof(path), m->destination) < 0 ||
	    !str_eq(path, "/proc"))
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return error_set(e, errno, "stat the source");
	if (fs.f_type != PROC_SUPER_MAGIC || st->st_ino != PROC_ROOT_INO)
		return error_say(e, EPERM, "the source is no procfs");
	return 0;
}

/* The mode of the place too, unless the options say which. */
static int mount_copy_up(const struct spec_mount *m, int fd, int target_fd, struct error *e)
{
	autoclose int from_fd = -1, to_fd = -1;
	struct stat st;
	size_t i;
	int r;

	if (!m->tmpcopyup)
		return 0;
	from_fd = openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from_fd < 0 || to_fd < 0 || fstat(from_fd, &st) < 0)
		return error_set(e, errno, "tmpcopyup: open the directories");
	r = copyup_tree(from_fd, to_fd, e);
	for (i = 0; r == 0 && i < m->data.n; i++)
		if (str_starts(m->data.v[i], "mode="))
			return 0;
	if (r == 0 && fchmod(to_fd, st.st_mode & 07777) < 0)
		r = error_set(e, errno, "tmpcopyup: set the mode");
	return r;
}

static int mount_make(struct sandbox *sb, const struct spec_mount *m, struct error *e)
{
	autoclose int fd = -1, target_fd = -1;
	struct stat st = { .st_mode = S_IFDIR }; /* a file system's root */
	bool fresh = false;
	int r;

	if (m->remount)
		return mount_remount(sb, m, e);

	fd = mount_detached(sb, m, &fresh, e);
	if (fd < 0)
		return fd;
	if (!fresh && fstat(fd, &st) < 0)
		return error_set(e, errno, "stat the source");
	r = mount_check_proc(m, fd, &st, e);
	if (r < 0)
		return r;
	target_fd = mount_open_target(sb, m, S_ISDIR(st.st_mode), e);
	if (target_fd < 0)
		return target_fd;
	r = mount_copy_up(m, fd, target_fd, e);
	if (r == 0 && !(fresh && !m->attr_set_rec && !m->attr_clear_rec))
		r = mount_set_attributes(sb, m, fd, e);
	if (r < 0)
		return r;
	if (move_mount(fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(e, errno, "attach it");
	r = mount_set_propagation(m, fd, e);
	if (r < 0)
		return r;
	return mount_protect_cgroups(sb, m, fresh, e);
}

static int mount_make_next(struct sandbox *sb, struct error *e)
{
	const struct spec_mount *m = &sb->spec->mounts[sb->n_mounted];
	char name[200];
	int r = mount_make(sb, m, e);

	if (r < 0)
		return error_prefix(e, "%s", mount_show(sb, m, name, sizeof(name)));
	sb->n_mounted++;
	return 0;
}

static bool mount_concerns(const struct spec_mount *m, const char *dir)
{
	char path[PATH_MAX];

	/* Through a symbolic link of the image it could land anywhere; only a new sysfs cannot. */
	if (!str_eq(m->type, "sysfs") && !str_starts(m->destination, "/sys/"))
		return true;
	return path_clean(path, sizeof(path), m->destination) < 0 || str_eq(path, "/") ||
	       (str_starts(path, dir) && strchr("/", path[strlen(dir)]));
}

bool mounts_left_concern(const struct sandbox *sb, const char *dir)
{
	size_t i;

	for (i = sb->n_mounted; i < sb->spec->n_mounts; i++)
		if (mount_concerns(&sb->spec->mounts[i], dir))
			return true;
	return false;
}

bool mounts_left_need_host(const struct sandbox *sb)
{
	size_t i;

	for (i = sb->n_mounted; i < sb->spec->n_mounts; i++) {
		const struct spec_mount *m = &sb->spec->mounts[i];

		/* Others may name a path, as their source or in an option. */
		if (m->bind || !(mount_shows_net(m) || mount_is_cgroup(m)) ||
		    (mount_is_cgroup(m) && sb->cgroup_path_visible))
			return true;
	}
	return false;
}

static bool mounts_can_wait(const struct sandbox *sb)
{
	return sb->await_net && mount_shows_net(&sb->spec->mounts[sb->n_mounted]) &&
	       !mounts_left_concern(sb, "/dev");
}

int mounts_make(struct sandbox *sb, struct error *e)
{
	int r = 0;

	while (r == 0 && sb->n_mounted < sb->spec->n_mounts && !mounts_can_wait(sb))
		r = mount_make_next(sb, e);
	return r;
}

int mounts_make_rest(struct sandbox *sb, struct error *e)
{
	int r = 0;

	while (r == 0 && sb->n_mounted < sb->spec->n_mounts)
		r = mount_make_next(sb, e);
	return r;
}

static int mount_finish(const struct sandbox *sb, const struct spec_mount *m, struct error *e)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	autoclose int fd = path_open(sb->root_fd, m->destination, O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return error_set(e, -fd, "open it to make it read-only");
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return error_set(e, errno, "make it read-only");
	return 0;
}

int mounts_finish(struct sandbox *sb, struct error *e)
{
	char name[200];
	size_t i;
	int r;

	for (i = 0; i < sb->spec->n_mounts; i++) {
		if (!mount_is_finished_later(&sb->spec->mounts[i]))
			continue;
		r = mount_finish(sb, &sb->spec->mounts[i], e);
		if (r < 0)
			return error_prefix(e, "%s",
					    mount_show(sb, &sb->spec->mounts[i], name,
						       sizeof(name)));
	}
	return 0;
}

/* --- a restore ----------------------------------------------------------------------------------- */

/* What is in a file system of the container's own comes with its image, or by itself. */
static bool mount_lies_in_another(const struct spec *s, const struct spec_mount *m)
{
	char path[PATH_MAX], above[PATH_MAX];
	const struct spec_mount *other;

	if (path_clean(path, sizeof(path), m->destination) < 0)
		return false;
	for (other = s->mounts; other < s->mounts + s->n_mounts; other++)
		if (other != m && !other->bind && !other->remount &&
		    path_clean(above, sizeof(above), other->destination) == 0 &&
		    str_starts(path, above) && path[strlen(above)] == '/')
			return true;
	return false;
}

static int mount_stage_source(struct sandbox *sb, const struct spec_mount *m, int dir_fd,
			      const char *prefix, mode_t *ret_mode, struct error *e)
{
	size_t i = (size_t)(m - sb->spec->mounts);
	autoclose int fd = take_fd(&sb->source_fd[i]), place_fd = -1;
	char name[64];
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "stat the source");
	r = mount_check_proc(m, fd, &st, e);
	if (r == 0)
		r = mount_set_attributes(sb, m, fd, e);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s%zu", prefix, i);
	r = S_ISDIR(st.st_mode) ? mkdirat(dir_fd, name, 0700)
				: mknodat(dir_fd, name, S_IFREG | 0600, 0);
	place_fd = r < 0 ? -1 : openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (place_fd < 0)
		return error_set(e, errno, "make a place for the source");
	if (move_mount(fd, "", place_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(e, errno, "put the source in its place");
	*ret_mode = st.st_mode;
	return take_fd(&fd);
}

static int mount_stage(struct sandbox *sb, const struct spec_mount *m, int dir_fd,
		       const char *prefix, struct error *e)
{
	autoclose int fd = -1, target_fd = -1, clone_fd = -1;
	mode_t mode = S_IFDIR;

	if (m->remount || (!m->bind && mount_is_cgroup(m)))
		return 0;
	if (m->bind) {
		fd = mount_stage_source(sb, m, dir_fd, prefix, &mode, e);
		if (fd < 0)
			return fd;
	}
	if (mount_lies_in_another(sb->spec, m))
		return 0;
	target_fd = mount_open_target(sb, m, S_ISDIR(mode), e);
	if (target_fd < 0 || !m->bind)
		return target_fd < 0 ? target_fd : 0;
	/* The places of others may be in it. */
	clone_fd = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone_fd < 0 || move_mount(clone_fd, "", target_fd, "",
				       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(e, errno, "attach it");
	return 0;
}

int mounts_stage(struct sandbox *sb, int dir_fd, const char *prefix, struct error *e)
{
	char name[200];
	size_t i;

	for (i = 0; i < sb->spec->n_mounts; i++) {
		const struct spec_mount *m = &sb->spec->mounts[i];

		if (mount_stage(sb, m, dir_fd, prefix, e) < 0)
			return error_prefix(e, "%s", mount_show(sb, m, name, sizeof(name)));
	}
	return 0;
}
