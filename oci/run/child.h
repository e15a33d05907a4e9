/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "run/seal.h"
#include "sandbox/sandbox.h"

struct seccomp_handoff;
struct seccomp_program;
struct state;
struct timing;

/*
 * The life of a container's process between clone3 and execve: what it knows, and its two stories
 * (the first process of a container; one that joins). Nothing here returns to the caller's code.
 */
struct child {
	struct sandbox sandbox;
	const struct state *state; /* for the hooks that run inside */
	/* Never NULL. May be empty, and is filled by the time READY is answered. */
	const struct seccomp_program *filter;
	struct seccomp_handoff *handoff; /* with a listener; else NULL */
	struct timing *timing;
	struct seal seal;   /* of our executable; its descriptors are borrowed */
	bool awaits_cgroup; /* systemd's: it begins with this process */
	int sync_fd;        /* to the parent */
	int listen_fd; /* create: where `start` will connect; -1: start comes over sync_fd */
	int lock_fd;   /* the parent's, until we are bound to die with it; -1 */
	int stdio[3];  /* -1: keep */
	pid_t pid;     /* as the parent sees it; learned on the way */
};

/* The parent, after spawn() and what SYNC_NET hands over: the child begins with all it ignores. 0 or -errno. */
int child_tell_signals(int sync_fd);

void child_main_create(struct child *c) __attribute__((noreturn));
void child_main_exec(struct child *c) __attribute__((noreturn));
