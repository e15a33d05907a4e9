/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct error;

/* File descriptors and whole small files. Everything opened here is close-on-exec. */

int fd_write_all(int fd, const void *data, size_t len); /* 0 or -errno */
int fd_set_nonblock(int fd, bool on);                   /* 0 or -errno */
int fd_set_cloexec(int fd, bool on);                    /* 0 or -errno */
int fd_cloexec_from(int first);                         /* every fd >= first; 0 or -errno */

/*
 * Waits until poll(2) reports one of `events` on fd. 1: it did (or error/hang-up stands);
 * 0: timeout_ms passed (-1: wait for ever); -errno. Restarts after signals with the time left.
 */
int fd_wait(int fd, short events, int timeout_ms);

/*
 * Reads a regular file below dirfd whole, at most `max` bytes (-EFBIG). Never blocks on a FIFO
 * and never follows the last component if it is a symlink. The buffer is initialised here.
 */
int file_read(int dirfd, const char *name, size_t max, struct buf *ret, struct error *e);

/* As file_read, for files of procfs, sysfs and cgroupfs: text without its last newline. */
int file_read_line(int dirfd, const char *name, char *dst, size_t size);

/* One write(2) to an existing file: for procfs, sysfs, cgroupfs. 0 or -errno. */
int file_write(int dirfd, const char *name, const char *text);

/* Replaces dirfd/name by a temporary file and rename(2): readers see the old or the new. */
int file_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
		 struct error *e);

/*
 * One message with up to 8 descriptors over a unix socket. fd_send returns 0 or -errno;
 * fd_recv returns the number of bytes (0: the peer closed) or -errno, sets *nfds to how many
 * descriptors arrived (close-on-exec) and closes those that did not fit.
 */
int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds);
ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t *nfds);
