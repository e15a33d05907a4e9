/* SPDX-License-Identifier: Apache-2.0 */

/* How containers and their processes begin and end. Each step that may block is a worker's. */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "container.h"
#include "events.pb-c.h"
#include "pod.h"
#include "process.h"
#include "rootfs.h"
#include "spec/check.h"
#include "spec/parse.h"
#include "spec/spec.h"

/* How long a deleted process's output may take to be read, and to be put where logs are kept. */
#define LIFE_DRAIN_MS  2000
#define LIFE_LOGGER_MS 10000

static void life_fail(struct call *call, enum code code, const char *what,
		      const struct error *e)
{
	call_fail(call, code, "%s: %s%s%s", what, e->text, *e->hint ? "; " : "", e->hint);
}

static enum code life_code(int r)
{
	return r == -EEXIST      ? CODE_ALREADY_EXISTS
	       : r == -ETIMEDOUT ? CODE_DEADLINE_EXCEEDED
				 : CODE_UNKNOWN;
}

/* For the worker that does what this process's caller waits for. */
static struct runtime_target life_target(const struct process *p)
{
	struct runtime_target t = container_target(p->container);

	t.until = p->until;
	return t;
}

/* --- create ------------------------------------------------------------------------------------ */

/* Unreadable counts as shared. */
static bool create_has_pidns(const struct container *c)
{
	autobuf text = { 0 };
	struct spec spec = { 0 };
	char path[PATH_MAX];
	bool own = false;

	if (str_format(path, sizeof(path), "%s/config.json", c->bundle) == 0 &&
	    file_read(AT_FDCWD, path, SPEC_MAX_BYTES, &text, NULL) == 0 &&
	    spec_parse(path, text.data, text.len, &spec, NULL) == 0)
		own = spec.linux_.namespaces[SPEC_NS_PID].present &&
		      str_empty(spec.linux_.namespaces[SPEC_NS_PID].path);
	spec_done(&spec);
	return own;
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
	const struct container *c = job;
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
	ret->own_pidns = create_has_pidns(c);
	if (r == 0)
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

static int create_take(struct container *c, const struct worker_result *result, struct error *e)
{
	c->own_pidns = result->own_pidns;
	c->cgroup = strdup(result->made.cgroup);
	c->cgroup1 = strdup(result->made.cgroup1);
	if (!c->cgroup || !c->cgroup1)
		return error_set(e, ENOMEM, "create");
	return process_adopt(&c->init, result->made.pid, e);
}

static void create_done(void *job, const struct worker_result *result)
{
	struct container *c = job;
	struct process *p = &c->init;
	struct call *call = take_ptr(&p->pending);
	Pb__CreateResponse m = PB__CREATE_RESPONSE__INIT;
	struct error e = result->error;
	int r = result->r;

	streams_log_to(&p->io, result->logger);
	if (r == 0)
		r = create_take(c, result, &e);
	if (r == 0) {
		p->busy = false;
		p->status = PROCESS_CREATED;
		clock_gettime(CLOCK_REALTIME, &c->created_at);
		create_write_pid(c);
		container_watch_oom(c);
		create_publish(c);
		m.pid = (uint32_t)p->pid;
		call_reply(call, &m.base);
		message_free((ProtobufCMessage *)(uintptr_t)c->request);
		c->request = NULL;
		return;
	}
	life_fail(call, life_code(r), "create", &e);
	message_free((ProtobufCMessage *)(uintptr_t)c->request);
	container_free(c);
}

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
	*ret = CODE_UNIMPLEMENTED;
	if (!str_empty(rq->checkpoint))
		return error_say(e, ENOTSUP, "restoring a checkpoint is not supported");
	*ret = CODE_INVALID_ARGUMENT;
	if (*rq->bundle != '/')
		return error_say(e, EINVAL, "the bundle \"%.128s\" is no whole path",
				 rq->bundle);
	return spec_check_id(rq->id, e);
}

void life_create(struct shim *s, struct call *call, const Pb__CreateRequest *rq,
		 struct pod *pod)
{
	struct work work = { "create", create_run, create_done, NULL };
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
	r = c->request ? process_open_io(&c->init, &e) : error_set(&e, ENOMEM, "the request");
	if (r == 0)
		r = worker_start(&s->workers, &work, &e);
	if (r < 0) {
		life_fail(call, CODE_UNKNOWN, "create", &e);
		message_free((ProtobufCMessage *)(uintptr_t)c->request);
		container_free(c);
		return;
	}
	c->init.busy = true;
	c->init.pending = call;
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

/* A runtime reads it from a file; this one is gone as soon as it was read. */
static int exec_run(void *job, struct worker_result *ret)
{
	const struct process *p = job;
	const struct container *c = p->container;
	const struct runtime_target t = life_target(p);
	const struct runtime_io io = process_io(p);
	char path[PATH_MAX];
	const struct runtime_exec x = { p->id, path };
	int r;

	if (str_format(path, sizeof(path), "%s/%s.process.json", c->bundle, p->id) < 0)
		return error_set(&ret->error, ENAMETOOLONG, "%s", p->id);
	r = file_replace(AT_FDCWD, path, p->spec, p->spec_len, 0600, &ret->error);
	if (r == 0)
		r = process_start_logger(p, ret);
	if (r == 0)
		r = runtime_of(t.options)->exec(&t, &x, &io, &ret->made, &ret->error);
	(void)unlink(path);
	return r;
}

/* --- start ------------------------------------------------------------------------------------- */

static int start_run(void *job, struct worker_result *ret)
{
	const struct process *p = job;
	const struct runtime_target t = life_target(p);

	return runtime_of(t.options)->start(&t, &ret->error);
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
	Pb__StartResponse m = PB__START_RESPONSE__INIT;
	struct error e = result->error;
	int r = result->r;

	p->busy = false;
	free(take_ptr(&p->spec));
	if (*p->id)
		streams_log_to(&p->io, result->logger);
	if (r == 0 && *p->id)
		r = process_adopt(p, result->made.pid, &e);
	if (r < 0) {
		start_fail(p);
		life_fail(call, life_code(r), "start", &e);
	} else {
		p->status = PROCESS_RUNNING;
		start_publish(p);
		m.pid = (uint32_t)p->pid;
		call_reply(call, &m.base);
	}
	/* A short one may have ended already. */
	process_tell_exit(p);
}

void life_start(struct process *p, struct call *call)
{
	struct shim *s = p->container->shim;
	const struct work init = { "start", start_run, start_done, p };
	const struct work exec = { "exec", exec_run, start_done, p };
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
	if (*p->id)
		r = process_open_io(p, &e);
	if (r == 0)
		r = worker_start(&s->workers, *p->id ? &exec : &init, &e);
	if (r < 0) {
		start_fail(p);
		life_fail(call, CODE_UNKNOWN, "start", &e);
		return;
	}
	p->busy = true;
	p->pending = call;
}

/* --- delete ------------------------------------------------------------------------------------ */

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
	events_publish(&c->shim->events, "/tasks/delete", "TaskDelete", &m.base);
	container_free(c);
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
	if (is_init && (runs || p->status == PROCESS_CREATED)) {
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
