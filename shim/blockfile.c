/* SPDX-License-Identifier: Apache-2.0 */
#include "blockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

/* Others look for a free device at the same time, and may be faster. */
#define BLOCKFILE_TRIES 64

/* -EBUSY: it is not free any more. */
static int blockfile_configure(int number, int file_fd, bool read_only, char *ret, size_t size)
{
	struct loop_config config = {
		.fd = (uint32_t)file_fd,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0),
	};
	autoclose int fd = -1;

	if (str_format(ret, size, "/dev/loop%d", number) < 0)
		return -ENAMETOOLONG;
	fd = open(ret, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		return -errno;
	return take_fd(&fd);
}

int blockfile_open(const char *path, bool read_only, char *ret, size_t size, struct error *e)
{
	autoclose int file_fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	autoclose int control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int i, number, r = -EBUSY;

	if (file_fd < 0)
		return error_set(e, errno, "open %s", path);
	if (control_fd < 0)
		return error_set(e, errno, "open /dev/loop-control for %s", path);
	for (i = 0; r == -EBUSY && i < BLOCKFILE_TRIES; i++) {
		number = ioctl(control_fd, LOOP_CTL_GET_FREE);
		r = number < 0 ? -errno
			       : blockfile_configure(number, file_fd, read_only, ret, size);
	}
	return r < 0 ? error_set(e, -r, "make %s a block device", path) : r;
}
