/* SPDX-License-Identifier: Apache-2.0 */

/* How a container is made. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "container.h"
#include "events.pb-c.h"
#include "life.h"
#include "pod.h"
#include "process.h"
#include "rootfs.h"
#include "spec/check.h"
#include "spec/parse.h"
#include "spec/spec.h"

/*
 * "SLICE:PREFIX:NAME" is systemd's to make, whatever SystemdCgroup says: as folders it would be nobody's.
 * containerd writes it so for a kubelet that leaves cgroups to systemd, and passes no options of the
 * runtime on where a handler has none.
 */
static bool create_is_for_systemd(const struct spec *spec)
{
	const char *path = spec->linux_.cgroups_path;

	return !str_empty(path) && *path != '/' && strstr(path, ".slice:") &&
	       access("/run/systemd/system", F_OK) == 0;
}

/* A word that is not in the text is not in what it says: most need not be understood here for it. */
static bool create_wants_systemd(const struct container *c)
{
	autobuf text = { 0 };
	struct spec spec = { 0 };
	char path[PATH_MAX];
	bool wants = false;

	if (str_format(path, sizeof(path), "%s/config.json", c->bundle) == 0 &&
	    file_read(AT_FDCWD, path, SPEC_MAX_BYTES, &text, NULL) == 0 &&
	    memmem(text.data, text.len, ".slice:", strlen(".slice:")) &&
	    spec_parse(path, text.data, text.len, &spec, NULL) == 0)
		wants = create_is_for_systemd(&spec);
	spec_done(&spec);
	return wants;
}

/* A sandbox describes its container itself, and adds to what is said of its pod's others. */
static int create_write_pod(const struct container *c, struct error *e)
{
	const struct container *x;
	int r = 0;

	if (c->pod)
		return pod_write(c->pod, c->id, c->bundle, e);
	LIST_FOREACH (x, &c->shim->containers, link)
		if (x->pod && r == 0)
			r = pod_join(x->id, x->bundle, c->bundle, e);
	return r;
}

static int create_run(void *job, struct worker_result *ret)
{
	struct container *c = job; /* a worker's memory is its own */
	const struct runtime_target t = life_target(&c->init);
	const struct runtime_io io = process_io(&c->init);
	int r;

	r = options_save(&c->options, c->bundle, &ret->error);
	if (r == 0)
		r = process_start_logger(&c->init, ret);
	if (r == 0)
		r = rootfs_mount(c->bundle, c->request->rootfs, c->request->n_rootfs,
				 &ret->error);
	if (r < 0)
		return r;
	r = create_write_pod(c, &ret->error);
	ret->systemd_cgroup = c->options.systemd_cgroup || create_wants_systemd(c);
	if (r == 0 && ret->systemd_cgroup != c->options.systemd_cgroup) {
		c->options.systemd_cgroup = ret->systemd_cgroup;
		r = options_save(&c->options, c->bundle, &ret->error);
	}
	/* What goes on from a checkpoint is restored by start: until then nothing of it is there. */
	if (r == 0 && !*c->checkpoint)
		r = runtime_of(t.options)->create(&t, &io, &ret->made, &ret->error);
	if (r < 0)
		rootfs_unmount(c->bundle, NULL);
	return r;
}

static void create_publish(const struct container *c)
{
	Pb__TaskCreate m = PB__TASK_CREATE__INIT;
	Pb__TaskIO io = PB__TASK_IO__INIT;

	io.stdin = c->init.in;
	io.stdout = c->init.out;
	io.stderr = c->init.err;
	io.terminal = c->init.terminal;
	m.container_id = c->id;
	m.bundle = c->bundle;
	m.n_rootfs = c->request->n_rootfs;
	m.rootfs = c->request->rootfs;
	m.io = &io;
	m.checkpoint = c->checkpoint;
	m.pid = (uint32_t)c->init.pid;
	events_publish(&c->shim->events, "/tasks/create", "TaskCreate", &m.base);
}

/* `delete` finds it there when the shim is gone. */
static void create_write_pid(const struct container *c)
{
	char path[PATH_MAX], text[16];

	if (str_format(path, sizeof(path), "%s/init.pid", c->bundle) == 0 &&
	    str_format(text, sizeof(text), "%d", c->init.pid) == 0 &&
	    file_replace(AT_FDCWD, path, text, strlen(text), 0644, NULL) < 0)
		log_warning("cannot write %s", path);
}

int life_adopt_init(struct container *c, const struct runtime_made *made, struct error *e)
{
	c->cgroup = strdup(made->cgroup);
	c->cgroup1 = strdup(made->cgroup1);
	if (!c->cgroup || !c->cgroup1)
		return error_set(e, ENOMEM, "the container's cgroup");
	return process_adopt(&c->init, made->pid, e);
}

void life_settle_init(struct container *c)
{
	create_write_pid(c);
	container_watch_oom(c);
	container_see_pidns(c);
}

static void create_succeed(struct container *c)
{
	struct process *p = &c->init;
	Pb__PidResponse m = PB__PID_RESPONSE__INIT;

	p->busy = false;
	p->status = PROCESS_CREATED;
	clock_gettime(CLOCK_REALTIME, &c->created_at);
	m.pid = (uint32_t)p->pid;
	call_reply(take_ptr(&p->pending), &m.base);
	/* What nobody waits for. */
	create_publish(c);
	if (!*c->checkpoint)
		life_settle_init(c);
	message_free((ProtobufCMessage *)(uintptr_t)c->request);
	c->request = NULL;
	if (p->unwanted)
		life_end(p, take_ptr(&p->unwanted));
}

static void create_fail(struct container *c, enum code code, const struct error *e)
{
	struct process *p = &c->init;
	struct shim *s = c->shim;

	life_fail(take_ptr(&p->pending), code, "create", e);
	if (p->unwanted)
		call_fail(take_ptr(&p->unwanted), CODE_NOT_FOUND,
			  "container \"%s\" was not created", c->id);
	message_free((ProtobufCMessage *)(uintptr_t)c->request);
	container_free(c);
	shim_check_alone(s);
}

/* --- one that was made, and could not be adopted ----------------------------------------------- */

struct create_undo {
	struct container *container;
	struct error why;
};

static int undo_run(void *job, struct worker_result *ret)
{
	const struct create_undo *u = job;
	const struct runtime_target t = container_target(u->container);
	int r = runtime_of(t.options)->remove(&t, &ret->error);

	return r < 0 ? r : rootfs_unmount(t.bundle, &ret->error);
}

static void undo_done(void *job, const struct worker_result *result)
{
	struct create_undo *u = job;

	if (result->r < 0)
		log_error(&result->error);
	create_fail(u->container, CODE_UNKNOWN, &u->why);
	free(u);
}

static void create_undo(struct container *c, const struct error *why)
{
	struct create_undo *u = malloc(sizeof(*u));
	const struct work work = { "create", undo_run, undo_done, u };

	if (u)
		*u = (struct create_undo){ c, *why };
	if (u && worker_start(&c->shim->workers, &work, NULL) == 0)
		return;
	/* containerd's `delete` finds it. */
	free(u);
	create_fail(c, CODE_UNKNOWN, why);
}

/* --- its worker's end -------------------------------------------------------------------------- */

static void create_done(void *job, const struct worker_result *result)
{
	struct container *c = job;
	struct error e = result->error;
	int r = result->r;

	streams_log_to(&c->init.io, result->logger);
	c->options.systemd_cgroup = result->systemd_cgroup;
	if (r == 0 && !*c->checkpoint)
		r = life_adopt_init(c, &result->made, &e);
	if (r == 0)
		create_succeed(c);
	else if (result->r == 0)
		create_undo(c, &e);
	else
		create_fail(c, life_code(r), &e);
}

/* --- the call ---------------------------------------------------------------------------------- */

/* The request outlives its frame. */
static const Pb__CreateRequest *create_keep(const Pb__CreateRequest *rq)
{
	autobuf bytes = { .max = FRAME_MAX };

	if (message_pack(&rq->base, &bytes) < 0)
		return NULL;
	return (const Pb__CreateRequest *)message_unpack(&pb__create_request__descriptor,
							 bytes.data, bytes.len);
}

static int create_check(struct shim *s, const Pb__CreateRequest *rq, enum code *ret,
			struct error *e)
{
	*ret = CODE_ALREADY_EXISTS;
	if (container_find(s, rq->id))
		return error_say(e, EEXIST, "container \"%s\" exists", rq->id);
	*ret = CODE_UNAVAILABLE;
	if (server_is_closed(&s->server))
		return error_say(e, ESHUTDOWN, "the shim was shut down, and ends");
	*ret = CODE_INVALID_ARGUMENT;
	if (*rq->bundle != '/')
		return error_say(e, EINVAL, "the bundle \"%.128s\" is no whole path",
				 rq->bundle);
	return spec_check_id(rq->id, e);
}

/* Of what is known when its options are. */
static int create_check_checkpoint(const struct container *c, enum code *ret, struct error *e)
{
	*ret = CODE_INVALID_ARGUMENT;
	if (*c->checkpoint && *c->checkpoint != '/')
		return error_say(e, EINVAL, "the checkpoint \"%.128s\" is no whole path",
				 c->checkpoint);
	*ret = CODE_UNKNOWN;
	return 0;
}

void life_create(struct shim *s, struct call *call, const Pb__CreateRequest *rq,
		 struct pod *pod)
{
	struct work work = { "create", create_run, create_done, NULL, .makes = true };
	struct error e = ERROR_INIT;
	struct container *c = NULL;
	enum code code;
	int r;

	if (create_check(s, rq, &code, &e) == 0)
		c = container_new(s, rq, &e);
	if (!c) {
		if (pod)
			pod_done(pod);
		free(pod);
		life_fail(call, code, "create", &e);
		return;
	}
	c->pod = pod;
	s->stopping = false;
	work.job = c;
	c->init.until = call->until;
	c->request = create_keep(rq);
	r = c->request ? create_check_checkpoint(c, &code, &e)
		       : error_set(&e, ENOMEM, "the request");
	if (r == 0)
		r = process_open_io(&c->init, &e);
	process_lend_io(&c->init, &work);
	if (r == 0)
		r = worker_start(&s->workers, &work, &e);
	if (r < 0) {
		life_fail(call, code, "create", &e);
		message_free((ProtobufCMessage *)(uintptr_t)c->request);
		container_free(c);
		return;
	}
	c->init.busy = true;
	c->init.pending = call;
}
