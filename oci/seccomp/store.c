/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

bool seccomp_store_is_ours(int dir_fd)
{
	struct stat st;

	return dir_fd >= 0 && fstat(dir_fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 022);
}

int seccomp_store_open(int dir_fd, const char *name, struct stat *ret, struct error *e)
{
	autoclose int fd = -1;

	/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP)
		return error_say(e, EPERM, "%s is a symlink", name);
	if (fd < 0)
		return error_set(e, errno, "open %s", name);
	if (fstat(fd, ret) < 0)
		return error_set(e, errno, "stat %s", name);
	if (!S_ISREG(ret->st_mode) || ret->st_nlink != 1)
		return error_say(e, EPERM, "%s is no regular file with one name", name);
	if (ret->st_uid != geteuid() || (ret->st_mode & 07777) != 0600)
		return error_say(e, EPERM, "%s: owner %u and mode %04o instead of %u and 0600",
				 name, ret->st_uid, ret->st_mode & 07777, geteuid());
	return take_fd(&fd);
}

struct entry {
	struct timespec changed;
	char name[NAME_MAX + 1];
};

static int entries_order(const void *px, const void *py)
{
	const struct entry *x = px, *y = py;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Reads what the folder holds: how many, or -errno. */
static ssize_t entries_read(DIR *dir, struct entry *v, size_t max)
{
	struct dirent *d;
	size_t n = 0;

	while (n < max && (d = readdir(dir))) {
		struct stat st;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		/* analyser: what readdir(3) reads has a descriptor */
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		v[n].changed = st.st_mtim;
		strcpy(v[n].name, d->d_name);
		n++;
	}
	return (ssize_t)n;
}

void seccomp_store_evict(int dir_fd)
{
	const size_t max = 4 * SECCOMP_STORE_MAX;
	autofree struct entry *v = NULL;
	ssize_t n;
	DIR *dir;
	int fd;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	v = calloc(max, sizeof(*v));
	n = v ? entries_read(dir, v, max) : 0;
	closedir(dir);
	if (n <= SECCOMP_STORE_MAX)
		return;

	qsort(v, (size_t)n, sizeof(*v), entries_order);
	for (ssize_t i = 0; i < n - SECCOMP_STORE_MAX * 3 / 4; i++)
		unlinkat(dir_fd, v[i].name, 0);
}
