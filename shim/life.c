/* SPDX-License-Identifier: Apache-2.0 */

/* How processes begin. Each step that may block is a worker's. */
#include "life.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "container.h"
#include "events.pb-c.h"
#include "process.h"
#include "spec/check.h"

void life_fail(struct call *call, enum code code, const char *what, const struct error *e)
{
	call_fail(call, code, "%s: %s%s%s", what, e->text, *e->hint ? "; " : "", e->hint);
}

enum code life_code(int r)
{
	return r == -EEXIST      ? CODE_ALREADY_EXISTS
	       : r == -ETIMEDOUT ? CODE_DEADLINE_EXCEEDED
				 : CODE_UNKNOWN;
}

struct runtime_target life_target(const struct process *p)
{
	struct runtime_target t = container_target(p->container);

	t.until = p->until;
	return t;
}

/* --- exec -------------------------------------------------------------------------------------- */

static int exec_add(struct container *c, const Pb__ExecRequest *rq)
{
	const struct process_options io = { rq->stdin, rq->stdout, rq->stderr, rq->terminal };
	struct process *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = process_init(p, c, rq->exec_id, &io);
	p->spec = malloc(rq->spec->value.len + 1);
	if (r < 0 || !p->spec) {
		process_done(p);
		free(p);
		return -ENOMEM;
	}
	memcpy(p->spec, rq->spec->value.data, rq->spec->value.len);
	p->spec_len = rq->spec->value.len;
	LIST_INSERT_HEAD(&c->execs, p, link);
	return 0;
}

void life_exec(struct shim *s, struct call *call, const Pb__ExecRequest *rq)
{
	struct container *c = container_find(s, rq->id);
	Pb__TaskExecAdded m = PB__TASK_EXEC_ADDED__INIT;
	struct error e = ERROR_INIT;

	if (!c)
		call_fail(call, CODE_NOT_FOUND, "container \"%s\" does not exist", rq->id);
	else if (spec_check_id(rq->exec_id, &e) < 0)
		life_fail(call, CODE_INVALID_ARGUMENT, "exec", &e);
	else if (process_find(c, rq->exec_id))
		call_fail(call, CODE_ALREADY_EXISTS, "exec \"%s\" exists", rq->exec_id);
	else if (c->init.status != PROCESS_RUNNING && c->init.status != PROCESS_CREATED)
		call_fail(call, CODE_FAILED_PRECONDITION,
			  "exec: the container's init process is %s",
			  process_status_name(&c->init));
	else if (!rq->spec || !rq->spec->value.len)
		call_fail(call, CODE_INVALID_ARGUMENT, "exec: no process is described");
	else if (exec_add(c, rq) < 0)
		call_fail(call, CODE_RESOURCE_EXHAUSTED, "exec: no memory");
	else {
		m.container_id = c->id;
		m.exec_id = (char *)(uintptr_t)rq->exec_id;
		events_publish(&s->events, "/tasks/exec-added", "TaskExecAdded", &m.base);
		call_reply(call, NULL);
	}
}

static int exec_run(void *job, struct worker_result *ret)
{
	const struct process *p = job;
	const struct runtime_target t = life_target(p);
	const struct runtime_io io = process_io(p);
	const struct runtime_exec x = { p->id, p->spec, p->spec_len };
	int r = process_start_logger(p, ret);

	return r < 0 ? r : runtime_of(t.options)->exec(&t, &x, &io, &ret->made, &ret->error);
}

/* --- start ------------------------------------------------------------------------------------- */

static int start_run(void *job, struct worker_result *ret)
{
	const struct process *p = job;
	const struct runtime_target t = life_target(p);

	return runtime_of(t.options)->start(&t, &ret->error);
}

static int restore_run(void *job, struct worker_result *ret)
{
	const struct process *p = job;
	const struct container *c = p->container;
	const struct runtime_target t = life_target(p);
	const struct runtime_io io = process_io(p);
	char work[PATH_MAX];
	const struct runtime_checkpoint checkpoint = {
		.image = c->checkpoint,
		.work = *c->options.criu_work ? c->options.criu_work : work,
	};

	if (str_format(work, sizeof(work), "%s/criu-work", c->bundle) < 0)
		return error_set(&ret->error, ENAMETOOLONG, "%s", c->bundle);
	return runtime_of(t.options)->restore(&t, &checkpoint, &io, &ret->made, &ret->error);
}

static void start_publish(const struct process *p)
{
	struct events *ev = &p->container->shim->events;
	Pb__TaskExecStarted exec = PB__TASK_EXEC_STARTED__INIT;
	Pb__TaskStart init = PB__TASK_START__INIT;

	if (!*p->id) {
		init.container_id = p->container->id;
		init.pid = (uint32_t)p->pid;
		events_publish(ev, "/tasks/start", "TaskStart", &init.base);
		return;
	}
	exec.container_id = p->container->id;
	exec.exec_id = p->id;
	exec.pid = (uint32_t)p->pid;
	events_publish(ev, "/tasks/exec-started", "TaskExecStarted", &exec.base);
}

/* It never ran: whoever waits learns so, and Delete works. */
static void start_fail(struct process *p)
{
	if (*p->id) {
		p->failed = true;
		p->exit_status = 255;
		clock_gettime(CLOCK_REALTIME, &p->exited_at);
		streams_done(&p->io);
		process_answer_waiters(p);
	}
}

static void start_done(void *job, const struct worker_result *result)
{
	struct process *p = job;
	struct call *call = take_ptr(&p->pending);
	Pb__PidResponse m = PB__PID_RESPONSE__INIT;
	struct error e = result->error;
	int r = result->r;

	p->busy = false;
	free(take_ptr(&p->spec));
	if (*p->id)
		streams_log_to(&p->io, result->logger);
	if (r == 0 && *p->id)
		r = process_adopt(p, result->made.pid, &e);
	else if (r == 0 && *p->container->checkpoint)
		r = life_adopt_init(p->container, &result->made, &e);
	if (r < 0) {
		start_fail(p);
		life_fail(call, life_code(r), "start", &e);
	} else {
		p->status = PROCESS_RUNNING;
		m.pid = (uint32_t)p->pid;
		call_reply(call, &m.base);
		start_publish(p);
		if (!*p->id && *p->container->checkpoint)
			life_settle_init(p->container);
	}
	/* A short one may have ended already. */
	process_tell_exit(p);
}

void life_start(struct process *p, struct call *call)
{
	struct shim *s = p->container->shim;
	struct work work = { *p->id ? "exec" : "start", start_run, start_done, p };
	enum process_status wanted = *p->id ? PROCESS_NEW : PROCESS_CREATED;
	struct error e = ERROR_INIT;
	int r = 0;

	if (p->busy || p->failed || p->status != wanted) {
		call_fail(call, CODE_FAILED_PRECONDITION, "cannot start a process that is %s",
			  p->failed ? "broken" : process_status_name(p));
		return;
	}
	if (*p->id && p->container->init.status != PROCESS_RUNNING &&
	    p->container->init.status != PROCESS_CREATED) {
		start_fail(p);
		call_fail(call, CODE_FAILED_PRECONDITION,
			  "exec: the container's init process has exited");
		return;
	}
	p->until = call->until;
	work.makes = *p->id || *p->container->checkpoint;
	if (*p->id)
		work.run = exec_run;
	else if (work.makes)
		work.run = restore_run;
	if (*p->id)
		r = process_open_io(p, &e);
	process_lend_io(p, &work);
	if (r == 0)
		r = worker_start(&s->workers, &work, &e);
	if (r < 0) {
		start_fail(p);
		life_fail(call, CODE_UNKNOWN, "start", &e);
		return;
	}
	p->busy = true;
	p->pending = call;
}
