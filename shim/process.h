/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "runtime.h"
#include "shim.h"

struct process_options {
	const char *in, *out, *err;
	bool terminal;
};

/* 0 or -ENOMEM. Either way process_done() may follow. */
int process_init(struct process *p, struct container *c, const char *id,
		 const struct process_options *io);
void process_done(struct process *p);

struct process *process_find(struct container *c, const char *exec_id); /* "": init */
struct process *process_of_pid(struct shim *s, pid_t pid);

/* What the new process gets, after process_open_io(). */
struct runtime_io process_io(const struct process *p);
int process_open_io(struct process *p, struct error *e);
/* What the worker that makes it needs of that. */
void process_lend_io(const struct process *p, struct work *work);
/* In a worker: the program that takes its output, where there is one. */
int process_start_logger(const struct process *p, struct worker_result *ret);
/* It is there, as the worker said: holds it and watches for its end; or ends it. */
int process_adopt(struct process *p, pid_t pid, struct error *e);

void process_reap(struct process *p); /* it has ended */
/* Tells its exit, once, when its turn has come: after its start, and init after its execs. */
void process_tell_exit(struct process *p);
void process_stop_resting(struct process *p); /* tells it even if its output is not read yet */
void process_answer_waiters(struct process *p);

Pb__Status process_status(const struct process *p);
const char *process_status_name(const struct process *p);
