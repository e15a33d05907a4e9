/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "container.h"
#include "events.pb-c.h"
#include "life.h"

/* How long an exit may be held back for the reader of the last output. */
#define PROCESS_REST_MS 1000

static void process_ready(struct source *s, uint32_t events)
{
	(void)events;
	process_reap(loop_owner(s, struct process, source));
}

int process_init(struct process *p, struct container *c, const char *id,
		 const struct process_options *io)
{
	p->container = c;
	p->source = (struct source){ .fd = -1, .ready = process_ready };
	p->drain = TIMER_NONE;
	p->rest = REST_NONE;
	p->exited_at = MESSAGE_NEVER;
	LIST_INIT(&p->waiters);
	streams_init(&p->io, &c->shim->loop);
	p->terminal = io->terminal;
	p->id = strdup(id);
	p->in = strdup(io->in);
	p->out = strdup(io->out);
	p->err = strdup(io->err);
	return p->id && p->in && p->out && p->err ? 0 : -ENOMEM;
}

void process_done(struct process *p)
{
	struct loop *l = &p->container->shim->loop;
	struct call *call;

	while ((call = LIST_FIRST(&p->waiters))) {
		LIST_REMOVE(call, of_waiters);
		call->waiting = false;
		call_fail(call, CODE_NOT_FOUND, "the process was deleted");
	}
	rest_done(&p->rest);
	if (p->io.loop)
		streams_done(&p->io);
	timer_done(l, &p->drain);
	loop_close(l, &p->source);
	free(p->id);
	free(p->in);
	free(p->out);
	free(p->err);
	free(p->spec);
}

struct process *process_find(struct container *c, const char *exec_id)
{
	struct process *p;

	if (str_empty(exec_id))
		return &c->init;
	LIST_FOREACH (p, &c->execs, link)
		if (str_eq(p->id, exec_id))
			return p;
	return NULL;
}

struct process *process_of_pid(struct shim *s, pid_t pid)
{
	struct container *c;
	struct process *p;

	LIST_FOREACH (c, &s->containers, link) {
		if (c->init.pid == pid && !c->init.ended)
			return &c->init;
		LIST_FOREACH (p, &c->execs, link)
			if (p->pid == pid && !p->ended)
				return p;
	}
	return NULL;
}

int process_open_io(struct process *p, struct error *e)
{
	const struct options *o = &p->container->options;
	const struct streams_options so = { p->in,       p->out,    p->err,
					    p->terminal, o->io_uid, o->io_gid };

	return streams_open(&p->io, &so, e);
}

void process_lend_io(const struct process *p, struct work *work)
{
	const struct streams *io = &p->io;
	const int fds[WORK_FDS] = {
		io->child[0],         io->child[1],         io->child[2],
		io->console[1],       io->logger.out_fd[0], io->logger.out_fd[1],
		io->logger.err_fd[0], io->logger.err_fd[1],
	};

	memcpy(work->fds, fds, sizeof(fds));
}

struct runtime_io process_io(const struct process *p)
{
	const int *child = p->io.child;

	return (struct runtime_io){ { child[0], child[1], child[2] }, p->io.console[1] };
}

int process_start_logger(const struct process *p, struct worker_result *ret)
{
	const struct container *c = p->container;

	return logger_start(&p->io.logger, c->id, c->shim->namespace, &ret->logger,
			    &ret->error);
}

static int process_hold(struct process *p, pid_t pid, struct error *e)
{
	int r = p->source.fd = proc_open(pid);

	if (r < 0)
		return error_set(e, -r, "open the new process");
	r = loop_set(&p->container->shim->loop, &p->source, EPOLLIN);
	if (r < 0)
		return error_set(e, -r, "watch the new process");
	return streams_begin(&p->io, e);
}

int process_adopt(struct process *p, pid_t pid, struct error *e)
{
	int r = process_hold(p, pid, e);

	if (r == 0) {
		p->pid = pid;
		return 0;
	}
	/* Our child, and unreaped: the number is still its own. It is reaped as a stranger. */
	kill(pid, SIGKILL);
	loop_close(&p->container->shim->loop, &p->source);
	return r;
}

void process_answer_waiters(struct process *p)
{
	Pb__WaitResponse m = PB__WAIT_RESPONSE__INIT;
	Pb__Timestamp at = message_time(&p->exited_at);
	struct call *call;

	m.exit_status = p->exit_status;
	m.exited_at = &at;
	while ((call = LIST_FIRST(&p->waiters))) {
		LIST_REMOVE(call, of_waiters);
		call->waiting = false;
		call_reply(call, &m.base);
	}
}

static void process_rest_taken(struct rest *rt)
{
	process_tell_exit(loop_owner(rt, struct process, rest));
}

void process_reap(struct process *p)
{
	const char *const outputs[] = { p->out, p->err };
	struct loop *l = &p->container->shim->loop;
	int status = 0;

	loop_remove(l, &p->source);
	p->exit_status =
		proc_reap(p->source.fd, &status) < 0 ? 255 : (uint32_t)proc_exit_code(status);
	clock_gettime(CLOCK_REALTIME, &p->exited_at);
	loop_close(l, &p->source);
	p->ended = true;
	streams_process_ended(&p->io);
	streams_flush(&p->io);
	rest_await(&p->rest, &p->container->shim->rests, &p->io, outputs, PROCESS_REST_MS,
		   process_rest_taken);
	if (!*p->id && !p->container->own_pidns)
		container_kill_rest(p->container);
	process_tell_exit(p);
}

static bool process_awaits_others(const struct process *p)
{
	const struct container *c = p->container;
	const struct process *x;

	if (*p->id)
		return false;
	if (c->killing)
		return true;
	LIST_FOREACH (x, &c->execs, link)
		if (x->status == PROCESS_RUNNING || (x->pid && !x->ended))
			return true;
	return false;
}

static void process_publish_exit(const struct process *p)
{
	const struct container *c = p->container;
	Pb__TaskExit m = PB__TASK_EXIT__INIT;
	Pb__Timestamp at = message_time(&p->exited_at);

	m.container_id = c->id;
	m.id = *p->id ? p->id : c->id;
	m.pid = (uint32_t)p->pid;
	m.exit_status = p->exit_status;
	m.exited_at = &at;
	events_publish(&c->shim->events, "/tasks/exit", "TaskExit", &m.base);
}

void process_tell_exit(struct process *p)
{
	struct container *c = p->container;

	if (!p->ended || p->busy || p->status == PROCESS_STOPPED || rest_is_awaited(&p->rest) ||
	    process_awaits_others(p))
		return;
	container_check_oom(c);
	p->status = PROCESS_STOPPED;
	if (!*p->id)
		c->paused = false;
	process_answer_waiters(p);
	process_publish_exit(p);
	if (*p->id)
		process_tell_exit(&c->init);
	else if (p->pending)
		life_delete_ended(p);
}

void process_stop_resting(struct process *p)
{
	if (!rest_is_awaited(&p->rest))
		return;
	rest_done(&p->rest);
	process_tell_exit(p);
}

Pb__Status process_status(const struct process *p)
{
	switch (p->status) {
	case PROCESS_NEW:
	case PROCESS_CREATED:
		return PB__STATUS__CREATED;
	case PROCESS_RUNNING:
		return p->container->paused ? PB__STATUS__PAUSED : PB__STATUS__RUNNING;
	case PROCESS_STOPPED:
		break;
	}
	return PB__STATUS__STOPPED;
}

const char *process_status_name(const struct process *p)
{
	static const char *const names[] = { "new", "created", "running", "stopped" };

	return p->status == PROCESS_RUNNING && p->container->paused ? "paused"
								    : names[p->status];
}
