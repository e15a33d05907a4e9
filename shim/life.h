/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shim.h"

/* The task methods that begin and end processes. Each answers the call, now or later. */
void life_create(struct shim *s, struct call *call, const Pb__CreateRequest *rq,
		 struct pod *pod); /* of a sandbox, else NULL; it becomes the container's */
void life_exec(struct shim *s, struct call *call, const Pb__ExecRequest *rq);
void life_start(struct process *p, struct call *call);
void life_delete(struct process *p, struct call *call);
void life_end(struct process *p, struct call *call); /* deletes it, also if it runs */

/* The init process whose container is to be deleted has ended. */
void life_delete_ended(struct process *p);

/* For the files that this is made of: */

/* The target for the worker that does what this process's caller waits for. */
struct runtime_target life_target(const struct process *p);

/* The container's first process is there, and watched from now on; its cgroup, when whoever waited has been answered. */
int life_adopt_init(struct container *c, const struct runtime_made *made, struct error *e);
void life_settle_init(struct container *c);

/* Answers "what: the error's text". */
void life_fail(struct call *call, enum code code, const char *what, const struct error *e);
enum code life_code(int r); /* of what a worker gave */
