/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/* Processes, held as pidfds (Linux 5.3). */

/* 0 and *ret = field 22 of /proc/PID/stat (clock ticks since boot), or -errno (-ESRCH: gone). */
int proc_start_time(pid_t pid, uint64_t *ret);

/* One letter of /proc/PID/stat (R S D Z T ...), or 0 where it is gone. */
char proc_state(pid_t pid);

/* A pidfd, close-on-exec, or -errno. */
int proc_open(pid_t pid);

/*
 * A pidfd for the process that is still the one which started at `start_time` (0: do not check).
 * -ESRCH where it is gone or its number was used again.
 */
int proc_open_checked(pid_t pid, uint64_t start_time);

int proc_kill(int pid_fd, int signum); /* 0 or -errno */

/* 1: it has ended (perhaps unreaped), 0: timeout, or -errno. timeout_ms -1: wait for ever. */
int proc_wait_exit(int pid_fd, int timeout_ms);

/* Reaps our child: 0 and its wait status (as of waitpid), or -errno. Blocks. */
int proc_reap(int pid_fd, int *ret_status);

/* 128 + signal, or the exit code: what a shell would show. */
int proc_exit_code(int status);

/* Whether nobody above us has user namespaces. */
bool proc_in_first_userns(void);

/*
 * Whether a file's owner is root: 0, or who root is called in a user namespace that lacks him. He owns "/", so
 * that is "nobody" where "/" is nobody's.
 */
bool proc_is_root(uid_t uid);

/*
 * Whether /proc/self/ns/NAME belongs to our user namespace, or to one below: who has our powers may change it, and
 * come back to it. One of our parent's may belong to a user namespace above, which we do not even see.
 */
bool proc_owns_ns(const char *name);

/* "TERM", "SIGTERM", "15", "RTMIN+3" -> number, or -EINVAL. */
int proc_signal_from_name(const char *name);

/* Milliseconds and nanoseconds of CLOCK_MONOTONIC. */
uint64_t proc_now_ms(void);
uint64_t proc_now_ns(void);
