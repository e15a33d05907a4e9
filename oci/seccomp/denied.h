/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct seccomp_program;

/*
 * Denied calls, seen by somebody who watches. A watched filter asks its listener wherever the plain one
 * answers with an errno; the listener gives that very errno, which it finds by running the plain one on the
 * call. So being watched changes no answer, and without a listener the kernel gives ENOSYS: it never
 * lets through what the plain filter denies.
 */

/* The watched filter of a plain one that has no listener itself. 0 or -ENOMEM. */
int seccomp_watched(const struct seccomp_program *plain, struct seccomp_program *ret);

struct seccomp_denied {
	pid_t pid; /* the thread, as this process sees it; 0: it cannot */
	uint32_t arch;
	uint32_t nr;
	uint64_t args[6];
	int errnum; /* what it got; 0: it went on */
};

/*
 * The same for every call there is: those that the plain filter (n == 0: none) lets through go on, after they
 * were seen; those that it does not get an errno.
 */
int seccomp_watched_all(const struct seccomp_program *plain, struct seccomp_program *ret);

/* Whoever answers and whoever waits wake each other on one CPU (Linux 6.6); without that it works, too. */
void seccomp_watch_begin(int listener_fd);

/*
 * Takes one call from a listener that is readable and answers it.
 * 1: *ret is told; 0: whoever made it has gone, or was interrupted and makes it again; -errno.
 */
int seccomp_answer(int listener_fd, const struct seccomp_program *plain,
		   struct seccomp_denied *ret);
