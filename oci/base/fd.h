/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* File descriptors: whole writes, flags, waiting, passing them over sockets. */

int fd_write_all(int fd, const void *data, size_t len);    /* 0 or -errno */
int fd_set_nonblock(int fd, bool on);                      /* 0 or -errno */
int fd_set_cloexec(int fd, bool on);                       /* 0 or -errno */
int fd_close_except(int first, const int *keep, size_t n); /* every fd >= first but these */
int fd_cloexec_from(int first);                            /* every fd >= first; 0 or -errno */

/*
 * Waits until poll(2) reports one of `events` on fd. 1: it did (or error/hang-up stands);
 * 0: timeout_ms passed (-1: wait for ever); -errno. Restarts after signals with the time left.
 */
int fd_wait(int fd, short events, int timeout_ms);

/*
 * One message with up to 8 descriptors over a unix socket. fd_send returns 0 or -errno;
 * fd_recv returns the number of bytes (0: the peer closed) or -errno, sets *nfds to how many
 * descriptors arrived (close-on-exec) and closes those that did not fit.
 */
int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds);
ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t *nfds);
