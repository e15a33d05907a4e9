/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/error.h"
#include "loop.h"
#include "runtime.h"

/*
 * A forked child that does one thing which may block, or whose memory the shim shall not keep, and
 * leaves its answer in memory that both share. It dies with the shim; what it made lives on and becomes
 * the shim's child, which is a subreaper. It needs no descriptor of the shim's, which may have none left:
 * with one, its answer does not wait for its end.
 */
struct worker_result {
	int r; /* 0 or -errno, then `error` says more */
	struct runtime_made made;
	pid_t logger; /* the log program that it has started; 0 */
	bool systemd_cgroup;
	struct error error;
};

struct workers {
	struct loop *loop;
	LIST_HEAD(, worker) all;
	int notices_fd; /* which each child has open as well (notices.h); -1 */
};

struct worker;

#define WORK_FDS 8

struct work {
	const char *what; /* "create", for messages */
	/* In the child. `job` is the child's copy of the shim's memory. */
	int (*run)(void *job, struct worker_result *ret);
	/* In the shim, with the same job, when the child has answered or ended. */
	void (*done)(void *job, const struct worker_result *result);
	void *job;
	bool makes; /* a process: that is ours only after the child has ended, and so is the answer */
	/*
	 * What the child has open of the shim's, besides its log and notices; -1 and 0 are none. All else is closed there: a
	 * pipe has no end, and no client is hung up on, while somebody who may block holds it, too.
	 */
	int fds[WORK_FDS];
};

void workers_init(struct workers *ws, struct loop *l);
int worker_start(struct workers *ws, const struct work *work, struct error *e);

/* After SIGCHLD: finishes the worker with this number, or each that has ended; true where there was one. */
bool workers_finish(struct workers *ws, pid_t pid);
bool workers_finish_ended(struct workers *ws);
