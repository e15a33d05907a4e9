/* SPDX-License-Identifier: Apache-2.0 */
#include "run/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci.h"
#include "run/seal_overlay.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif

#define SEAL_SELF  "/proc/self/exe"
#define SEAL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* How we came to our second life, so that a seal that does not hold is not tried for ever. */
#define SEAL_MARK "_STRAKE_SEALED"

static bool seal_is_memfd(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEAL_SEALS) == SEAL_SEALS;
}

/*
 * Our own overlay: read-only, and a mount that no path leads to, so that the name the kernel gives
 * for the executable ("/strake") names nothing or something else.
 */
static bool seal_is_overlay(int fd)
{
	char name[PATH_MAX];
	struct stat here, there;
	struct statfs fs;
	ssize_t n;

	if (fstatfs(fd, &fs) < 0 || fs.f_type != OVERLAYFS_SUPER_MAGIC ||
	    !(fs.f_flags & ST_RDONLY))
		return false;
	n = readlink(SEAL_SELF, name, sizeof(name) - 1);
	if (n <= 0 || fstat(fd, &here) < 0)
		return false;
	name[n] = '\0';
	return stat(name, &there) < 0 || here.st_dev != there.st_dev ||
	       here.st_ino != there.st_ino;
}

static bool seal_is_verity(void)
{
	struct statx st;

	return statx(AT_FDCWD, SEAL_SELF, 0, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_VERITY);
}

static bool seal_stands(void)
{
	autoclose int fd = open(SEAL_SELF, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && (seal_is_memfd(fd) || seal_is_overlay(fd) || seal_is_verity());
}

int seal_check(struct error *e)
{
	if (seal_stands())
		return 0;
	error_say(e, EPERM, "this program does not run from a sealed executable");
	error_hint(e, "call oci_seal() first thing in main()");
	return -EPERM;
}

static int seal_open_memfd(void)
{
	autoclose int self_fd = open(SEAL_SELF, O_RDONLY | O_CLOEXEC), fd = -1;
	struct stat st;
	off_t done = 0;

	if (self_fd < 0 || fstat(self_fd, &st) < 0)
		return -errno;
	fd = memfd_create("strake", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("strake", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	while (done < st.st_size) {
		ssize_t n = sendfile(fd, self_fd, &done, (size_t)(st.st_size - done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
	}
	return fcntl(fd, F_ADD_SEALS, SEAL_SEALS) < 0 ? -errno : take_fd(&fd);
}

static int seal_execute(int fd, const char *kind, char *const argv[])
{
	if (fd < 0)
		return fd;
	if (setenv(SEAL_MARK, kind, 1) < 0)
		return -ENOMEM;
	return sys_execveat(fd, "", argv, environ, AT_EMPTY_PATH);
}

int oci_seal(char *const argv[], struct error *e)
{
	autoclose int overlay_fd = -1, memfd = -1;
	const char *tried = getenv(SEAL_MARK);
	int r = -ELOOP;

	if (seal_stands()) {
		unsetenv(SEAL_MARK);
		return 0;
	}
	if (!tried) {
		overlay_fd = seal_overlay_open();
		r = seal_execute(overlay_fd, "overlay", argv);
	}
	if (!str_eq(tried, "memfd")) {
		memfd = seal_open_memfd();
		r = seal_execute(memfd, "memfd", argv);
	}
	error_set(e, -r, "run from a sealed copy of the executable");
	error_hint(e, "/proc must be mounted, and memfds executable (sysctl vm.memfd_noexec)");
	return r;
}
