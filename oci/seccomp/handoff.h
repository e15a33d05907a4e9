/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;

/*
 * The way of a listener from child to parent, without a system call of the child: its filter may
 * notify about every one. Both map the same memory (a memfd, or a file of the state directory);
 * the child tells the number, the parent takes a copy with pidfd_getfd(2) (Linux 5.6) and lets the
 * child go on.
 */
struct seccomp_handoff;

int seccomp_handoff_map(int fd, struct seccomp_handoff **ret); /* sizes the file; 0 or -errno */
void seccomp_handoff_unmap(struct seccomp_handoff *h);         /* NULL is fine */

/* Child: says that seccomp_load() is next. Call it before the message that wakes the parent. */
void seccomp_handoff_begin(struct seccomp_handoff *h);

/*
 * Child: r is the answer of seccomp_load(). Returns at once where that failed; else it spins,
 * without a system call, until released. Should the parent never do so (it is gone), the child
 * ends itself by a trap after a minute or some: it can call nothing else.
 */
void seccomp_handoff_offer(struct seccomp_handoff *h, int r);

/*
 * Parent, once the child said it is about to load. Yields the processor until the offer stands:
 * there is nothing to poll, as the child can make no call. The listener, close-on-exec and
 * non-blocking; -errno of the child's seccomp(2); -EPROTO: that was no listener;
 * -ESRCH: the child has ended; -ETIMEDOUT.
 */
int seccomp_handoff_take(struct seccomp_handoff *h, int pid_fd, int timeout_ms,
			 struct error *e);

/* Parent: the listener is where it belongs, the child may execve(2). */
void seccomp_handoff_release(struct seccomp_handoff *h);
