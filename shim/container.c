/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/events.h"
#include "events.pb-c.h"
#include "process.h"

struct container *container_find(struct shim *s, const char *id)
{
	struct container *c;

	LIST_FOREACH (c, &s->containers, link)
		if (str_eq(c->id, id))
			return c;
	return NULL;
}

void container_free(struct container *c)
{
	struct process *p;

	while ((p = LIST_FIRST(&c->execs))) {
		LIST_REMOVE(p, link);
		process_done(p);
		free(p);
	}
	process_done(&c->init);
	loop_close(&c->shim->loop, &c->memory);
	LIST_REMOVE(c, link);
	free(c->id);
	free(c->bundle);
	free(c->cgroup);
	free(c);
}

struct runtime_target container_target(const struct container *c)
{
	return (struct runtime_target){ &c->options, c->id, c->bundle, 0 };
}

struct container *container_new(struct shim *s, const Pb__CreateRequest *rq, struct error *e)
{
	struct container *c = calloc(1, sizeof(*c));
	const struct process_options io = { rq->stdin, rq->stdout, rq->stderr, rq->terminal };
	int r;

	if (!c) {
		error_set(e, ENOMEM, "create");
		return NULL;
	}
	c->shim = s;
	c->memory = SOURCE_NONE;
	LIST_INIT(&c->execs);
	LIST_INSERT_HEAD(&s->containers, c, link);
	c->id = strdup(rq->id);
	c->bundle = strdup(rq->bundle);
	r = process_init(&c->init, c, "", &io);
	if (!c->id || !c->bundle || r < 0)
		r = error_set(e, ENOMEM, "create");
	else
		r = options_read(rq->options, s->namespace, &c->options, e);
	if (r < 0) {
		container_free(c);
		return NULL;
	}
	return c;
}

/* --- memory ------------------------------------------------------------------------------------ */

void container_check_oom(struct container *c)
{
	Pb__TaskOOM m = PB__TASK_OOM__INIT;
	struct memory_events events;

	if (c->memory.fd < 0)
		return;
	if (memory_events_read(c->memory.fd, &events) < 0) {
		loop_close(&c->shim->loop, &c->memory);
		return;
	}
	if (events.oom_kill <= c->oom_kills)
		return;
	c->oom_kills = events.oom_kill;
	m.container_id = c->id;
	events_publish(&c->shim->events, "/tasks/oom", "TaskOOM", &m.base);
}

static void container_memory_ready(struct source *s, uint32_t events)
{
	struct container *c = loop_owner(s, struct container, memory);

	container_check_oom(c);
	/* Gone with its cgroup, the file would be ready for ever. */
	if (c->memory.fd >= 0 && (events & EPOLLHUP))
		loop_close(&c->shim->loop, &c->memory);
}

void container_watch_oom(struct container *c)
{
	autocgroup cg = CGROUP_NONE;
	struct memory_events events;

	if (str_empty(c->cgroup) || cgroup_open(c->cgroup, &cg, NULL) < 0)
		return;
	c->memory.fd = memory_events_open(&cg, NULL);
	if (c->memory.fd < 0) {
		c->memory.fd = -1;
		return;
	}
	/* The first reading arms it. */
	if (memory_events_read(c->memory.fd, &events) == 0)
		c->oom_kills = events.oom_kill;
	c->memory.ready = container_memory_ready;
	loop_set(&c->shim->loop, &c->memory, EPOLLPRI);
}

/* --- the rest ---------------------------------------------------------------------------------- */

struct kill_rest {
	struct shim *shim;
	char id[];
};

static int kill_rest_run(void *job, struct worker_result *ret)
{
	const struct kill_rest *k = job;
	/* A worker's memory is that of its beginning, when the container was there. */
	const struct container *c = container_find(k->shim, k->id);
	struct runtime_target t;

	if (!c)
		return error_say(&ret->error, ENOENT, "the container is gone");
	t = container_target(c);
	return runtime_of(t.options)->kill_all(&t, SIGKILL, &ret->error);
}

static void kill_rest_done(void *job, const struct worker_result *result)
{
	struct kill_rest *k = job;
	struct container *c = container_find(k->shim, k->id);

	(void)result;
	if (c) {
		c->killing = false;
		process_tell_exit(&c->init);
	}
	free(k);
}

void container_kill_rest(struct container *c)
{
	struct kill_rest *k = malloc(sizeof(*k) + strlen(c->id) + 1);
	const struct work work = { "kill what is left", kill_rest_run, kill_rest_done, k };

	if (!k)
		return;
	k->shim = c->shim;
	memcpy(k->id, c->id, strlen(c->id) + 1);
	c->killing = worker_start(&c->shim->workers, &work, NULL) == 0;
	if (!c->killing)
		free(k);
}
