/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "loop.h"

struct error;

/*
 * A program that takes a process's output: binary:///PROGRAM?KEY=VALUE&..., the keys and values being its
 * arguments. It reads stdout from 3 and stderr from 4 to their ends, and tells by 5 that it is ready: by
 * closing it, or for binary-v2 by a byte. It runs as root, and so only if the node names it: see
 * LOGGER_LIST.
 */
struct logger {
	struct loop *loop;
	char *uri;     /* NULL: there is none */
	int out_fd[2]; /* it reads [0]; [1] is for the process */
	int err_fd[2];
	struct source process; /* its pidfd, while it runs */
	void (*ended)(struct logger *l);
};

/* A line for each program that may be one, with its whole path. The file and they are root's alone. */
#define LOGGER_LIST "/etc/strake/log-programs"

void logger_init(struct logger *l, struct loop *loop);
int logger_open(struct logger *l, const char *uri, struct error *e);

/* In a worker, before the process is made; waits for it to be ready. *ret is 0 where there is none. */
int logger_start(const struct logger *l, const char *id, const char *ns, pid_t *ret,
		 struct error *e);

/* In the shim, afterwards: it is our child now. Calls ended() when it has ended. */
void logger_adopt(struct logger *l, pid_t pid, void (*ended)(struct logger *l));
bool logger_runs(const struct logger *l);
void logger_done(struct logger *l); /* kills it if it still runs; safe on an initialised one */
