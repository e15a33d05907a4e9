/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct error;

/* Whole small files, below a directory's fd (or AT_FDCWD). Everything opened is close-on-exec. */

/*
 * Reads a regular file below dirfd whole, at most `max` bytes (-EFBIG). Never blocks on a FIFO
 * and never follows the last component if it is a symlink. The buffer is initialised here.
 */
int file_read(int dirfd, const char *name, size_t max, struct buf *ret, struct error *e);

/* As file_read, for files of procfs, sysfs and cgroupfs: text without its last newline. */
int file_read_line(int dirfd, const char *name, char *dst, size_t size);

/* One write(2) to an existing file: for procfs, sysfs, cgroupfs. 0 or -errno. */
int file_write(int dirfd, const char *name, const char *text);

/* Replaces dirfd/name by "name.PID.tmp" and rename(2): readers see the old or the new. */
int file_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		 struct error *e);
