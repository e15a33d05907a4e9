/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct child;
struct error;

/*
 * Makes the child: one clone3(2), straight into its cgroup (no cgroup.procs write, which would wait
 * for an RCU grace period) and into its pid namespace. Only where it must first join a user
 * namespace, or a pid namespace from which we could not return, an intermediate process does so and
 * makes it our child with CLONE_PARENT. The same where we may not clone into the cgroup, but somebody
 * else may move the intermediate process there.
 */
struct spawn {
	uint64_t flags; /* CLONE_NEW* */
	int cgroup_fd;  /* -1: stay in the caller's cgroup */
	int user_ns_fd; /* to be joined before anything is made; -1 */
	int pid_ns_fd;  /* pid namespace, or pidfd of somebody in it, to be born into; -1 */
	int sync_fd;    /* our end; the child's is in child->sync_fd */
	void (*main)(struct child *c) __attribute__((noreturn));
	int (*adopt)(void *arg, pid_t pid,
		     struct error *e); /* moves it into the cgroup; or NULL */
	void *adopt_arg;
};

/*
 * In a child of ours: makes its younger sibling, our child as well, in the pid namespace that the
 * caller has joined. 0 in the sibling; in the caller its pid, or -errno.
 */
pid_t spawn_sibling(struct error *e);

/* 0, the child's pid and pidfd. The child's end of the socket is closed here. */
int spawn(const struct spawn *s, struct child *c, pid_t *ret_pid, int *ret_pid_fd,
	  struct error *e);
