/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/events.h"
#include "cgroup1.h"
#include "events.pb-c.h"
#include "metrics.h"
#include "pod.h"
#include "process.h"

struct container *container_find(struct shim *s, const char *id)
{
	struct container *c;

	LIST_FOREACH (c, &s->containers, link)
		if (str_eq(c->id, id))
			return c;
	return NULL;
}

static void container_unwatch_oom(struct container *c)
{
	loop_close(&c->shim->loop, &c->memory);
	if (c->oom_control_fd >= 0)
		close(c->oom_control_fd);
	c->oom_control_fd = -1;
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
	container_unwatch_oom(c);
	LIST_REMOVE(c, link);
	free(c->id);
	free(c->bundle);
	free(c->checkpoint);
	free(c->cgroup);
	free(c->cgroup1);
	if (c->pod)
		pod_done(c->pod);
	free(c->pod);
	free(c);
}

struct runtime_target container_target(const struct container *c)
{
	return (struct runtime_target){
		.options = &c->options,
		.id = c->id,
		.bundle = c->bundle,
		.notices_fd = c->shim->notices.out_fd,
	};
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
	c->oom_control_fd = -1;
	LIST_INIT(&c->execs);
	LIST_INSERT_HEAD(&s->containers, c, link);
	c->id = strdup(rq->id);
	c->bundle = strdup(rq->bundle);
	c->checkpoint = strdup(rq->checkpoint);
	r = process_init(&c->init, c, "", &io);
	if (!c->id || !c->bundle || !c->checkpoint || r < 0)
		r = error_set(e, ENOMEM, "create");
	else
		r = options_read(rq->options, s->namespace, &c->options, e);
	if (r < 0) {
		container_free(c);
		return NULL;
	}
	return c;
}

int container_measure(const struct container *c, struct buf *bytes, Pb__Any *any,
		      struct error *e)
{
	static char v1[] = "io.containerd.cgroups.v1.Metrics";
	static char v2[] = "io.containerd.cgroups.v2.Metrics";
	bool old = !str_empty(c->cgroup1);
	int r;

	if (!old && str_empty(c->cgroup))
		return error_say(e, ENOENT, "container \"%s\" has no cgroup", c->id);
	r = old ? metrics_v1_pack(c->cgroup1, bytes, e) : metrics_pack(c->cgroup, bytes, e);
	any->type_url = old ? v1 : v2;
	any->value.data = (uint8_t *)bytes->data;
	any->value.len = bytes->len;
	return r;
}

/* --- memory ------------------------------------------------------------------------------------ */

static int container_read_oom(const struct container *c, uint64_t *ret)
{
	struct memory_events events;
	int r;

	if (c->oom_control_fd >= 0)
		return cgroup1_oom_kills(c->oom_control_fd, ret);
	r = memory_events_read(c->memory.fd, &events);
	if (r == 0)
		*ret = events.oom_kill;
	return r;
}

void container_check_oom(struct container *c)
{
	Pb__TaskOf m = PB__TASK_OF__INIT;
	uint64_t kills = 0;

	if (c->memory.fd < 0)
		return;
	if (container_read_oom(c, &kills) < 0) {
		container_unwatch_oom(c);
		return;
	}
	if (kills <= c->oom_kills)
		return;
	c->oom_kills = kills;
	m.container_id = c->id;
	events_publish(&c->shim->events, "/tasks/oom", "TaskOOM", &m.base);
}

static void container_memory_ready(struct source *s, uint32_t events)
{
	struct container *c = loop_owner(s, struct container, memory);

	uint64_t times;

	/* That of version 1 counts, and stays ready until it was read. */
	if (c->oom_control_fd >= 0)
		(void)!read(s->fd, &times, sizeof(times));
	container_check_oom(c);
	/* Gone with its cgroup, the file would be ready for ever. */
	if (c->memory.fd >= 0 && (events & EPOLLHUP))
		container_unwatch_oom(c);
}

void container_watch_oom(struct container *c)
{
	autocgroup cg = CGROUP_NONE;

	c->memory.ready = container_memory_ready;
	if (!str_empty(c->cgroup1)) {
		if (cgroup1_watch_oom(c->cgroup1, &c->memory.fd, &c->oom_control_fd) == 0)
			loop_set(&c->shim->loop, &c->memory, EPOLLIN);
		return;
	}
	if (str_empty(c->cgroup) || cgroup_open(c->cgroup, &cg, NULL) < 0)
		return;
	c->memory.fd = memory_events_open(&cg, NULL);
	if (c->memory.fd < 0) {
		c->memory.fd = -1;
		return;
	}
	/* The first reading arms it. */
	(void)container_read_oom(c, &c->oom_kills);
	loop_set(&c->shim->loop, &c->memory, EPOLLPRI);
}

/* --- its namespace of processes ---------------------------------------------------------------- */

void container_see_pidns(struct container *c)
{
	char path[64], *number;
	autofree char *line = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", c->init.pid);
	f = fopen(path, "re");
	while (f && getline(&line, &room, f) > 0) {
		if (!str_starts(line, "NSpid:"))
			continue;
		number = strrchr(line, '\t');
		c->own_pidns = number && str_eq(number, "\t1\n");
		break;
	}
	if (f)
		fclose(f);
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
