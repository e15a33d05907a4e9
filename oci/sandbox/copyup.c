/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

#define COPYUP_DEPTH 64 /* directories inside each other: each holds descriptors open */

static int copyup_directory(int from_fd, int to_fd, int depth, struct error *e);

/* Ids that a user namespace does not map cannot be given, and are not. */
static int copyup_owner(int fd, const struct stat *st)
{
	if (fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return -errno;
	return 0;
}

static int copyup_metadata(int fd, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };
	int r = copyup_owner(fd, st);

	/* After the owner, whose change takes set-id bits away. */
	if (r == 0 && fchmod(fd, st->st_mode & 07777) < 0)
		r = -errno;
	if (r == 0 && futimens(fd, times) < 0)
		r = -errno;
	return r;
}

static int copyup_content(int from_fd, int to_fd)
{
	ssize_t n;

	do
		n = sendfile(to_fd, from_fd, NULL, 1 << 20);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int copyup_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	autoclose int from_fd =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	autoclose int to_fd = -1;
	struct stat now;
	int r;

	if (from_fd < 0)
		return -errno;
	if (fstat(from_fd, &now) < 0 || !S_ISREG(now.st_mode))
		return -ESTALE;
	to_fd = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (to_fd < 0)
		return -errno;
	r = copyup_content(from_fd, to_fd);
	return r < 0 ? r : copyup_metadata(to_fd, st);
}

static int copyup_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0)
		return -errno;
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return -errno;
	return 0;
}

static int copyup_special(int to_dir, const char *name, const struct stat *st)
{
	if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0)
		return -errno;
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return -errno;
	/* mknodat(2) has gone by the umask; what we have just made is no symlink. */
	return fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0 ? -errno : 0;
}

static int copyup_below(int from_dir, int to_dir, const char *name, const struct stat *st,
			int depth, struct error *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	autoclose int from_fd = openat(from_dir, name, flags);
	autoclose int to_fd = -1;
	int r;

	if (from_fd < 0 || mkdirat(to_dir, name, 0700) < 0)
		return error_set(e, errno, "directory");
	to_fd = openat(to_dir, name, flags);
	if (to_fd < 0)
		return error_set(e, errno, "directory");
	r = copyup_directory(from_fd, to_fd, depth + 1, e);
	if (r < 0)
		return r;
	r = copyup_metadata(to_fd, st);
	return r < 0 ? error_set(e, -r, "directory") : 0;
}

static int copyup_one(int from_dir, int to_dir, const char *name, int depth, struct error *e)
{
	struct stat st;
	int r;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(e, errno, "look at it");
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copyup_below(from_dir, to_dir, name, &st, depth, e);
	case S_IFREG:
		r = copyup_file(from_dir, to_dir, name, &st);
		break;
	case S_IFLNK:
		r = copyup_link(from_dir, to_dir, name, &st);
		break;
	case S_IFSOCK:
		return 0;
	default:
		r = copyup_special(to_dir, name, &st);
	}
	return r < 0 ? error_set(e, -r, "copy it") : 0;
}

static int copyup_directory(int from_fd, int to_fd, int depth, struct error *e)
{
	/* A stream takes its descriptor over; ours stays the caller's. */
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *d;
	char shown[256];
	DIR *dir;
	int r = 0;

	if (depth > COPYUP_DEPTH) {
		mem_closep(&fd);
		return error_say(e, ELOOP, "more than %d directories inside each other",
				 COPYUP_DEPTH);
	}
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = error_set(e, errno, "list it");
		mem_closep(&fd);
		return r;
	}
	while (r == 0 && (errno = 0, d = readdir(dir))) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		r = copyup_one(from_fd, to_fd, d->d_name, depth, e);
		if (r < 0)
			error_prefix(e, "%s", str_show(shown, sizeof(shown), d->d_name));
	}
	if (r == 0 && errno)
		r = error_set(e, errno, "list it");
	closedir(dir);
	return r;
}

int copyup_tree(int from_fd, int to_fd, struct error *e)
{
	int r = copyup_directory(from_fd, to_fd, 0, e);

	return r < 0 ? error_prefix(e, "tmpcopyup") : 0;
}
