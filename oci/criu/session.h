/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct criu_request;
struct error;

/*
 * One `criu swrk`: a child of ours that does what one request asks, and asks us back on its way. The
 * program is found by PATH, or where packages put it.
 */
struct criu_session {
	pid_t pid;
	int pid_fd;
	int socket_fd;
};

#define CRIU_SESSION_NONE ((struct criu_session){ .pid_fd = -1, .socket_fd = -1 })

struct criu_start {
	int cgroup_fd;     /* to be born into; -1 */
	bool bound;        /* it dies with us */
	const int *stdio;  /* three; -1: the caller's own. NULL: these all */
	const int *handed; /* files that it gets, under their own numbers */
	size_t n_handed;
	/* In the child, before it becomes CRIU; or NULL. */
	int (*prepare)(void *arg, struct error *e);
	void *arg;
};

struct criu_events {
	/*
	 * It is at `where` ("setup-namespaces", "post-restore" ...), with the process it restores as we see
	 * it, or 0; passed_fd is borrowed, -1: none. An error ends it.
	 */
	int (*notify)(void *arg, const char *where, pid_t pid, int passed_fd, struct error *e);
	void *arg;
	int cancel_fd; /* readable: end it, -ECANCELED; -1: none */
};

/* 0, or what `prepare` failed for, or that there is no such program (-ENOENT), and what to do then. */
int criu_begin(struct criu_session *s, const struct criu_start *how, struct error *e);

/* Asks, serves, and waits for the program's end. *ret_pid, where not NULL: what has been restored. */
int criu_serve(struct criu_session *s, const struct criu_request *rq,
	       const struct criu_events *ev, pid_t *ret_pid, struct error *e);

void criu_end(struct criu_session *s); /* kills what is still there; safe at any time */
