/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

int file_read(int dirfd, const char *name, size_t max, struct buf *ret, struct error *e)
{
	autoclose int fd = -1;
	struct stat st;
	int r;

	buf_init(ret, max);

	/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set(e, errno, "open %s", name);
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return error_say(e, EINVAL, "%s is not a regular file", name);

	r = buf_read_fd(ret, fd);
	if (r == 0)
		return 0;
	buf_done(ret);
	if (r == -EFBIG)
		return error_say(e, EFBIG, "%s is larger than %zu bytes", name, max);
	return error_set(e, -r, "read %s", name);
}

int file_read_line(int dirfd, const char *name, char *dst, size_t size)
{
	autoclose int fd = -1;
	ssize_t n;

	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		n = read(fd, dst, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n > 0 && dst[n - 1] == '\n')
		n--;
	dst[n] = '\0';
	return 0;
}

int file_write(int dirfd, const char *name, const char *text)
{
	size_t len = strlen(text);
	autoclose int fd = -1;
	ssize_t n;

	fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int file_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		 struct error *e)
{
	autoclose int fd = -1;
	char tmp[PATH_MAX];
	int r;

	if (str_format(tmp, sizeof(tmp), "%s.%d.tmp", name, (int)getpid()) < 0)
		return error_set(e, ENAMETOOLONG, "write %s", name);

	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 && errno == EEXIST) {
		/* Left by an earlier process of our number that was killed right here. */
		unlinkat(dirfd, tmp, 0);
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    mode);
	}
	if (fd < 0)
		return error_set(e, errno, "create %s", tmp);

	r = fd_write_all(fd, data, len);
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, tmp, 0);
		return error_set(e, -r, "write %s", name);
	}
	return 0;
}
