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

#define SECCOMP_DENIED_COMM 16 /* TASK_COMM_LEN */

struct seccomp_denied {
	uint64_t id; /* the listener's */
	pid_t pid;   /* the thread, as this process sees it; 0: it cannot */
	uint32_t arch;
	uint32_t nr;
	uint64_t args[6];
	int errnum;                     /* what it gets; 0: it goes on */
	char comm[SECCOMP_DENIED_COMM]; /* "" where nobody asked: seccomp_denied_name() */
};

/*
 * The same for every call there is: those that the plain filter (n == 0: none) lets through go on, after they
 * were seen; those that it does not get an errno.
 */
int seccomp_watched_all(const struct seccomp_program *plain, struct seccomp_program *ret);

/* Whoever answers and whoever waits wake each other on one CPU (Linux 6.6); without that it works, too. */
void seccomp_watch_begin(int listener_fd);

/*
 * Takes one call from a listener that is readable; whoever made it waits until it is answered.
 * 1: *ret is what it is and what it gets; 0: whoever made it has gone, or was interrupted and makes it again;
 * -errno.
 */
int seccomp_hear(int listener_fd, const struct seccomp_program *plain,
		 struct seccomp_denied *ret);

/* ->comm, while it waits: afterwards it may have ended, and its number may be another's. */
void seccomp_denied_name(struct seccomp_denied *d);

/* 1, 0, -errno: as above. */
int seccomp_answer(int listener_fd, const struct seccomp_denied *d);
