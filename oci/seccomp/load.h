/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct error;
struct seccomp_program;
struct seccomp_target;

/*
 * The last call before execve(2) in the child: one system call, no allocation, nothing else.
 * Needs no_new_privs or CAP_SYS_ADMIN in the caller's user namespace.
 * 0: loaded; a listener where the program has_notify (a descriptor >= 0, close-on-exec); -errno:
 * not loaded, and nothing was tried instead. An empty program is 0 without a call.
 */
int seccomp_load(const struct seccomp_program *p);

/*
 * This machine as a compile target. `flags` are those the caller is interested in: the kernel is
 * asked about them only (no call for 0), with a NULL program, so nothing is ever loaded.
 */
void seccomp_target_host(struct seccomp_target *ret, uint32_t flags);

/*
 * The way of a listener from child to parent, without a system call of the child: its filter may
 * notify about every one. Both map the same memory (a memfd, or a file of the state directory);
 * the child tells the number, the parent takes a copy with pidfd_getfd(2) and lets the child go on.
 */
struct seccomp_handoff;

int seccomp_handoff_map(int fd, struct seccomp_handoff **ret); /* sizes the file; 0 or -errno */
void seccomp_handoff_unmap(struct seccomp_handoff *h);         /* NULL is fine */

/* Child: says that seccomp_load() is next. Call it before the message that wakes the parent. */
void seccomp_handoff_begin(struct seccomp_handoff *h);
/* Child: r is the answer of seccomp_load(). Spins, without a system call, until released. */
void seccomp_handoff_offer(struct seccomp_handoff *h, int r);

/*
 * Parent, once the child said it is about to load. Yields the processor until the offer stands:
 * there is nothing to poll, as the child can make no call. The listener, close-on-exec and
 * non-blocking; -errno of the child's seccomp(2); -ESRCH: the child has ended; -ETIMEDOUT.
 */
int seccomp_handoff_take(struct seccomp_handoff *h, int pid_fd, int timeout_ms,
			 struct error *e);
/* Parent: the listener is where it belongs, the child may execve(2). */
void seccomp_handoff_release(struct seccomp_handoff *h);
