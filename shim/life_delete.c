/* SPDX-License-Identifier: Apache-2.0 */

/* How containers and execs are deleted. */
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "container.h"
#include "events.pb-c.h"
#include "life.h"
#include "process.h"
#include "rootfs.h"

/* How long a deleted process's output may take to be read, and to be put where logs are kept. */
#define LIFE_DRAIN_MS  2000
#define LIFE_LOGGER_MS 10000

static void delete_reply(struct process *p, struct call *call)
{
	Pb__DeleteResponse m = PB__DELETE_RESPONSE__INIT;
	Pb__Timestamp at = message_time(&p->exited_at);

	m.pid = (uint32_t)p->pid;
	m.exit_status = p->exit_status;
	m.exited_at = &at;
	call_reply(call, &m.base);
}

static int delete_run(void *job, struct worker_result *ret)
{
	const struct container *c = job;
	const struct runtime_target t = life_target(&c->init);
	int r;

	r = runtime_of(t.options)->remove(&t, &ret->error);
	if (r < 0)
		return r;
	return rootfs_unmount(c->bundle, &ret->error);
}

static void delete_done(void *job, const struct worker_result *result)
{
	struct container *c = job;
	struct shim *s = c->shim;
	struct process *p = &c->init;
	struct call *call = take_ptr(&p->pending);
	Pb__TaskDelete m = PB__TASK_DELETE__INIT;
	Pb__Timestamp at = message_time(&p->exited_at);

	p->busy = false;
	if (result->r < 0) {
		life_fail(call, life_code(result->r), "delete", &result->error);
		return;
	}
	m.container_id = c->id;
	m.pid = (uint32_t)p->pid;
	m.exit_status = p->exit_status;
	m.exited_at = &at;
	delete_reply(p, call);
	events_publish(&s->events, "/tasks/delete", "TaskDelete", &m.base);
	container_free(c);
	shim_check_alone(s);
}

static void delete_go(struct process *p)
{
	struct container *c = p->container;
	const struct work work = { "delete", delete_run, delete_done, c };
	struct error e = ERROR_INIT;

	p->io.drained = NULL;
	timer_done(&c->shim->loop, &p->drain);
	if (*p->id) {
		delete_reply(p, take_ptr(&p->pending));
		LIST_REMOVE(p, link);
		process_done(p);
		free(p);
		return;
	}
	streams_done(&p->io);
	if (worker_start(&c->shim->workers, &work, &e) < 0) {
		p->busy = false;
		life_fail(take_ptr(&p->pending), CODE_UNKNOWN, "delete", &e);
	}
}

/* Not from within the copying itself, which goes on after this: by the timer, at once. */
static void delete_fire(struct timer *t)
{
	delete_go(loop_owner(t, struct process, drain));
}

static void delete_drained(struct streams *io)
{
	struct process *p = loop_owner(io, struct process, io);

	timer_set(io->loop, &p->drain, 0, delete_fire);
}

static void delete_drain(struct process *p)
{
	unsigned int ms = logger_runs(&p->io.logger) ? LIFE_LOGGER_MS : LIFE_DRAIN_MS;

	p->busy = true;
	if (streams_is_drained(&p->io) || timer_set(p->io.loop, &p->drain, ms, delete_fire) < 0)
		delete_go(p);
	else
		p->io.drained = delete_drained;
}

void life_delete_ended(struct process *p)
{
	delete_drain(p);
}

static void delete_begin(struct process *p, struct call *call, bool even_if_it_runs)
{
	bool is_init = !*p->id, runs = p->status == PROCESS_RUNNING;

	/* containerd, whose client has lost patience; it would call Shutdown next, and then forget us. */
	if (is_init && p->status == PROCESS_NEW && p->busy && !p->unwanted) {
		p->unwanted = call;
		return;
	}
	/* Who deletes it knows of its end. */
	process_stop_resting(p);
	if (p->busy || p->pending || (runs && !even_if_it_runs)) {
		call_fail(call, CODE_FAILED_PRECONDITION, "cannot delete a process that is %s",
			  p->busy ? "busy" : process_status_name(p));
		return;
	}
	if (is_init && !LIST_EMPTY(&p->container->execs)) {
		const struct process *x;

		LIST_FOREACH (x, &p->container->execs, link) {
			if (x->busy) {
				call_fail(call, CODE_FAILED_PRECONDITION,
					  "delete: exec \"%s\" is being started", x->id);
				return;
			}
		}
	}
	p->pending = call;
	p->until = call->until;
	if (is_init && p->pid && (runs || p->status == PROCESS_CREATED)) {
		/* It waits for a start that will not come; goes on in life_delete_ended(). */
		if (!p->ended)
			proc_kill(p->source.fd, SIGKILL);
		return;
	}
	delete_drain(p);
}

void life_delete(struct process *p, struct call *call)
{
	delete_begin(p, call, false);
}

void life_end(struct process *p, struct call *call)
{
	delete_begin(p, call, true);
}
