/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"

/* openat2 gives EAGAIN when a rename races with a ".." in the walk; an attacker can cause that. */
#define PATH_RETRIES 128

/* As many symlinks in a row as the kernel follows. */
#define PATH_LINKS 40

static int path_openat2(int root_fd, const char *path, struct open_how *how)
{
	int fd, i;

	how->flags |= O_CLOEXEC;
	if (!(how->flags & (O_CREAT | O_TMPFILE)))
		how->mode = 0;
	for (i = 0; i < PATH_RETRIES; i++) {
		fd = sys_openat2(root_fd, path, how);
		if (fd != -EAGAIN && fd != -EINTR)
			return fd;
	}
	return fd;
}

int path_open(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.mode = mode,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return path_openat2(root_fd, *path ? path : ".", &how);
}

int path_open_strict(int root_fd, const char *path, int flags, mode_t mode, int cross)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   (cross ? 0 : RESOLVE_NO_XDEV),
	};

	while (*path == '/')
		path++;
	return path_openat2(root_fd, *path ? path : ".", &how);
}

/*
 * Opens the longest part of `path` that exists and is a directory; *rest is the offset of the
 * first missing component. A component that exists but cannot be entered is an error. `path` is
 * as it was afterwards.
 */
static int path_open_existing(int root_fd, char *path, size_t *rest)
{
	size_t len = strlen(path);
	int fd;

	for (;;) {
		char after = path[len];

		path[len] = '\0';
		fd = path_open(root_fd, path, O_PATH | O_DIRECTORY, 0);
		path[len] = after;
		if (fd != -ENOENT || len == 0)
			break;
		while (len > 0 && path[len - 1] == '/')
			len--;
		while (len > 0 && path[len - 1] != '/')
			len--;
	}
	*rest = len;
	return fd;
}

/* Makes `rest` component by component below dir_fd, following nothing. Consumes dir_fd. */
static int path_mkdir_rest(int dir_fd, char *rest, mode_t mode)
{
	autoclose int at_fd = dir_fd;
	char *name, *save = NULL;

	for (name = strtok_r(rest, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		int next;

		/* Above something that does not exist there is nothing to name. */
		if (strcmp(name, "..") == 0)
			return -ENOENT;
		if (strcmp(name, ".") == 0)
			continue;
		if (mkdirat(at_fd, name, mode) < 0 && errno != EEXIST)
			return -errno;
		/* What we made, or what a rival made meanwhile: a directory, never a symlink. */
		next = openat(at_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		close(at_fd);
		at_fd = next;
	}
	return take_fd(&at_fd);
}

/* Puts what the symlink `name` says in place of the component of path[PATH_MAX] from `at` to `end`. */
static int path_replace(int dir_fd, const char *name, char *path, size_t at, size_t end)
	__attribute__((noinline));

static int path_replace(int dir_fd, const char *name, char *path, size_t at, size_t end)
{
	size_t rest = strlen(path + end) + 1;
	char link[PATH_MAX];
	ssize_t n;

	n = readlinkat(dir_fd, name, link, sizeof(link));
	if (n < 0)
		return -errno;
	if (link[0] == '/')
		at = 0;
	if (at + (size_t)n + rest > PATH_MAX)
		return -ENAMETOOLONG;
	/* Not cleaned: ".." behind another symlink is the kernel's to resolve, inside the root. */
	memmove(path + at + n, path + end, rest);
	memcpy(path + at, link, (size_t)n);
	return 1;
}

/*
 * If the component of path[PATH_MAX] at offset `at`, below dir_fd, is a symlink (here: a dangling one),
 * puts its target in its place. 1: replaced, 0: it is no symlink, or -errno.
 */
static int path_expand_link(int dir_fd, char *path, size_t at)
{
	size_t len = strcspn(path + at, "/");
	char name[NAME_MAX + 1], probe;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + at, len);
	name[len] = '\0';
	if (readlinkat(dir_fd, name, &probe, sizeof(probe)) < 0)
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	return path_replace(dir_fd, name, path, at, at + len);
}

int path_mkdir_all(int root_fd, const char *path, mode_t mode)
{
	char work[PATH_MAX];
	int r, i;

	r = path_clean(work, sizeof(work), path);
	if (r < 0)
		return r;
	for (i = 0; i < PATH_LINKS; i++) {
		autoclose int dir_fd = -1;
		size_t rest;

		dir_fd = path_open_existing(root_fd, work, &rest);
		if (dir_fd < 0)
			return dir_fd;
		r = path_expand_link(dir_fd, work, rest);
		if (r < 0)
			return r;
		if (r == 0)
			return path_mkdir_rest(take_fd(&dir_fd), work + rest, mode);
	}
	return -ELOOP;
}

/* The inode at `path` if it is there and may carry a file's mount. */
static int path_open_nondir(int root_fd, const char *path)
{
	autoclose int fd = path_open(root_fd, path, O_PATH, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? -EISDIR : take_fd(&fd);
}

int path_make_file(int root_fd, const char *path, mode_t mode)
{
	char work[PATH_MAX], parent[PATH_MAX];
	int r, i;

	r = path_clean(work, sizeof(work), path);
	if (r < 0)
		return r;
	for (i = 0; i < PATH_LINKS; i++) {
		autoclose int dir_fd = -1;
		size_t at;

		r = path_open_nondir(root_fd, work);
		if (r != -ENOENT)
			return r;

		at = (size_t)(strrchr(work, '/') - work) + 1;
		memcpy(parent, work, at);
		parent[at] = '\0';
		dir_fd = path_mkdir_all(root_fd, parent, 0755);
		if (dir_fd < 0)
			return dir_fd;
		r = path_expand_link(dir_fd, work, at);
		if (r < 0)
			return r;
		if (r == 0 && mknodat(dir_fd, work + at, S_IFREG | (mode & 07777), 0) < 0 &&
		    errno != EEXIST)
			return -errno;
	}
	return -ELOOP;
}

int path_clean(char *dst, size_t size, const char *path)
{
	size_t len = 0;

	if (size < 2)
		return -ENAMETOOLONG;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && dst[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			if (len + 1 + n >= size)
				return -ENAMETOOLONG;
			dst[len++] = '/';
			memcpy(dst + len, path, n);
			len += n;
		}
		path += n;
		path += strspn(path, "/");
	}
	if (len == 0)
		dst[len++] = '/';
	dst[len] = '\0';
	return 0;
}

const char *path_of_fd(char *dst, int fd)
{
	snprintf(dst, PATH_FD_MAX, "/proc/self/fd/%d", fd);
	return dst;
}
