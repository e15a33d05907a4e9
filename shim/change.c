/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "container.h"
#include "events.pb-c.h"
#include "life.h"
#include "options.pb-c.h"

/* The container may be gone when the worker ends: everything is a copy. */
struct change {
	struct shim *shim;
	struct call *call;
	const char *what;
	int (*run)(const struct change *ch, const struct runtime_target *t, struct error *e);
	void (*then)(struct container *c); /* after success; may be NULL */
	uint32_t signum;
	uint64_t until; /* the call's */
	size_t len;     /* of the text behind the id */
	char *text;
	char id[];
};

static int change_run(void *job, struct worker_result *ret)
{
	const struct change *ch = job;
	/* A worker's memory is that of its beginning, when the container was there. */
	const struct container *c = container_find(ch->shim, ch->id);
	struct runtime_target t;

	if (!c)
		return error_say(&ret->error, ENOENT, "the container is gone");
	t = container_target(c);
	t.until = ch->until;
	return ch->run(ch, &t, &ret->error);
}

static void change_done(void *job, const struct worker_result *result)
{
	struct change *ch = job;
	struct container *c = container_find(ch->shim, ch->id);
	enum code code = result->r == -ESRCH || result->r == -ENOENT ? CODE_NOT_FOUND
			 : result->r == -EINVAL                      ? CODE_INVALID_ARGUMENT
								     : life_code(result->r);

	if (result->r < 0) {
		life_fail(ch->call, code, ch->what, &result->error);
	} else {
		if (c && ch->then)
			ch->then(c);
		call_reply(ch->call, NULL);
	}
	free(ch);
}

static void change_start(struct container *c, struct call *call, const struct change *how,
			 const void *text)
{
	size_t id_size = strlen(c->id) + 1;
	struct change *ch = malloc(sizeof(*ch) + id_size + how->len + 1);
	const struct work work = { how->what, change_run, change_done, ch };
	struct error e = ERROR_INIT;

	if (!ch) {
		call_fail(call, CODE_RESOURCE_EXHAUSTED, "%s: no memory", how->what);
		return;
	}
	*ch = *how;
	ch->shim = c->shim;
	ch->call = call;
	ch->until = call->until;
	memcpy(ch->id, c->id, id_size);
	ch->text = ch->id + id_size;
	if (how->len)
		memcpy(ch->text, text, how->len);
	if (worker_start(&c->shim->workers, &work, &e) < 0) {
		life_fail(call, CODE_UNKNOWN, how->what, &e);
		free(ch);
	}
}

/* --- pause and resume -------------------------------------------------------------------------- */

static int pause_run(const struct change *ch, const struct runtime_target *t, struct error *e)
{
	(void)ch;
	return runtime_of(t->options)->pause(t, e);
}

static void pause_then(struct container *c)
{
	Pb__TaskOf m = PB__TASK_OF__INIT;

	c->paused = true;
	m.container_id = c->id;
	events_publish(&c->shim->events, "/tasks/paused", "TaskPaused", &m.base);
}

void change_pause(struct container *c, struct call *call)
{
	const struct change how = { .what = "pause", .run = pause_run, .then = pause_then };

	change_start(c, call, &how, NULL);
}

static int resume_run(const struct change *ch, const struct runtime_target *t, struct error *e)
{
	(void)ch;
	return runtime_of(t->options)->resume(t, e);
}

static void resume_then(struct container *c)
{
	Pb__TaskOf m = PB__TASK_OF__INIT;

	c->paused = false;
	m.container_id = c->id;
	events_publish(&c->shim->events, "/tasks/resumed", "TaskResumed", &m.base);
}

void change_resume(struct container *c, struct call *call)
{
	const struct change how = { .what = "resume", .run = resume_run, .then = resume_then };

	change_start(c, call, &how, NULL);
}

/* --- checkpoint -------------------------------------------------------------------------------- */

static int checkpoint_run(const struct change *ch, const struct runtime_target *t,
			  struct error *e)
{
	automessage Pb__CheckpointRequest *rq = (Pb__CheckpointRequest *)message_unpack(
		&pb__checkpoint_request__descriptor, ch->text, ch->len);
	automessage Pb__CheckpointOptions *o = NULL;
	const Pb__Any *any = rq ? rq->options : NULL;
	char work[PATH_MAX];

	o = (Pb__CheckpointOptions *)message_unpack(&pb__checkpoint_options__descriptor,
						    any ? any->value.data : NULL,
						    any ? any->value.len : 0);
	if (!rq || !o || str_format(work, sizeof(work), "%s/criu-work", t->bundle) < 0)
		return error_say(e, EINVAL, "its options cannot be decoded");
	return runtime_of(t->options)
		->checkpoint(t,
			     &(struct runtime_checkpoint){
				     .image = rq->path,
				     .work = str_empty(o->work_path) ? work : o->work_path,
				     .parent = o->parent_path,
				     .leave_running = !o->exit,
				     .open_tcp = o->open_tcp,
				     .external_unix_sockets = o->external_unix_sockets,
				     .terminal = o->terminal,
				     .file_locks = o->file_locks,
				     .cgroups_mode = o->cgroups_mode,
				     .empty_namespaces = o->empty_namespaces,
				     .n_empty_namespaces = o->n_empty_namespaces,
			     },
			     e);
}

void change_checkpoint(struct container *c, struct call *call, const Pb__CheckpointRequest *rq)
{
	struct change how = { .what = "checkpoint", .run = checkpoint_run };
	autobuf bytes = { .max = FRAME_MAX };

	if (*rq->path != '/') {
		call_fail(call, CODE_INVALID_ARGUMENT,
			  "checkpoint: the folder \"%.128s\" is no whole path", rq->path);
	} else if (message_pack(&rq->base, &bytes) < 0) {
		call_fail(call, CODE_RESOURCE_EXHAUSTED, "checkpoint: no memory");
	} else {
		how.len = bytes.len;
		change_start(c, call, &how, bytes.data);
	}
}

/* --- update ------------------------------------------------------------------------------------ */

static int update_run(const struct change *ch, const struct runtime_target *t, struct error *e)
{
	return runtime_of(t->options)->update(t, ch->text, ch->len, e);
}

void change_update(struct container *c, struct call *call, const Pb__Any *resources)
{
	struct change how = { .what = "update", .run = update_run };

	if (!resources || !resources->value.len) {
		call_fail(call, CODE_INVALID_ARGUMENT, "update: no resources are given");
		return;
	}
	how.len = resources->value.len;
	change_start(c, call, &how, resources->value.data);
}

/* --- kill -------------------------------------------------------------------------------------- */

static int kill_run(const struct change *ch, const struct runtime_target *t, struct error *e)
{
	return runtime_of(t->options)->kill_all(t, (int)ch->signum, e);
}

void change_kill_all(struct container *c, struct call *call, uint32_t signum)
{
	const struct change how = { .what = "kill", .run = kill_run, .signum = signum };

	change_start(c, call, &how, NULL);
}
