/* SPDX-License-Identifier: Apache-2.0 */

/* The task service: task_methods[] says what there is. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/pids.h"
#include "cgroup1.h"
#include "change.h"
#include "container.h"
#include "life.h"
#include "process.h"
#include "service.h"
#include "shim.h"

#define TASK_DETAILS 256

static struct container *task_container(struct shim *s, struct call *call, const char *id)
{
	struct container *c = container_find(s, id);

	if (!c)
		call_fail(call, CODE_NOT_FOUND, "container \"%s\" does not exist", id);
	return c;
}

static struct process *task_process(struct shim *s, struct call *call, const char *id,
				    const char *exec_id)
{
	struct container *c = task_container(s, call, id);
	struct process *p = c ? process_find(c, exec_id) : NULL;

	if (c && !p)
		call_fail(call, CODE_NOT_FOUND,
			  "process \"%s\" of container \"%s\" does not exist", exec_id, id);
	return p;
}

/* --- asking ------------------------------------------------------------------------------------ */

static void task_state(struct shim *s, struct call *call, const void *m)
{
	const Pb__ProcessRequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);
	Pb__StateResponse ret = PB__STATE_RESPONSE__INIT;
	Pb__Timestamp at;

	if (!p)
		return;
	/* Who is told of it without a process asks no more: kubelet's statistics of a pod's network. */
	if (!*p->id && p->status == PROCESS_NEW) {
		call_fail(call, CODE_NOT_FOUND, "container \"%s\" is being created", rq->id);
		return;
	}
	at = message_time(&p->exited_at);
	ret.id = *p->id ? p->id : p->container->id;
	ret.bundle = p->container->bundle;
	ret.pid = (uint32_t)p->pid;
	ret.status = process_status(p);
	ret.stdin = p->in;
	ret.stdout = p->out;
	ret.stderr = p->err;
	ret.terminal = p->terminal;
	ret.exit_status = p->status == PROCESS_STOPPED || p->failed ? p->exit_status : 0;
	ret.exited_at = &at;
	ret.exec_id = p->id;
	call_reply(call, &ret.base);
}

static void task_wait(struct shim *s, struct call *call, const void *m)
{
	const Pb__ProcessRequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);

	if (!p)
		return;
	call->waiting = true;
	LIST_INSERT_HEAD(&p->waiters, call, of_waiters);
	if (p->status == PROCESS_STOPPED || p->failed)
		process_answer_waiters(p);
}

static void task_connect(struct shim *s, struct call *call, const void *m)
{
	const Pb__ContainerRequest *rq = m;
	const struct container *c = container_find(s, rq->id);
	Pb__ConnectResponse ret = PB__CONNECT_RESPONSE__INIT;
	char version[] = STRAKE_VERSION;

	ret.shim_pid = (uint32_t)getpid();
	ret.task_pid = c ? (uint32_t)c->init.pid : 0;
	ret.version = version;
	call_reply(call, &ret.base);
}

static const char *task_exec_of(const struct container *c, pid_t pid)
{
	const struct process *p;

	LIST_FOREACH (p, &c->execs, link)
		if (p->pid == pid && !p->ended)
			return p->id;
	return NULL;
}

struct task_pid {
	Pb__ProcessInfo info;
	Pb__Any any;
	uint8_t details[TASK_DETAILS];
};

static void task_describe_pid(const struct container *c, pid_t pid, struct task_pid *ret)
{
	static const char type[] = "containerd.runc.v1.ProcessDetails";
	Pb__ProcessDetails details = PB__PROCESS_DETAILS__INIT;
	const char *exec = task_exec_of(c, pid);

	pb__process_info__init(&ret->info);
	ret->info.pid = (uint32_t)pid;
	if (!exec)
		return;
	details.exec_id = (char *)(uintptr_t)exec;
	if (protobuf_c_message_get_packed_size(&details.base) > sizeof(ret->details))
		return;
	pb__any__init(&ret->any);
	ret->any.type_url = (char *)(uintptr_t)type;
	ret->any.value.data = ret->details;
	ret->any.value.len = protobuf_c_message_pack(&details.base, ret->details);
	ret->info.info = &ret->any;
}

/*
 * The init process is named even where the cgroup is not to be had, and until it is deleted: for an empty
 * list, a containerd that was restarted would throw the task away with its exit status.
 */
static int task_list_pids(const struct container *c, struct cgroup_pids *ret)
{
	autocgroup cg = CGROUP_NONE;

	if (!str_empty(c->cgroup) && cgroup_open(c->cgroup, &cg, NULL) == 0 &&
	    cgroup_pids(&cg, ret, NULL) == 0 && ret->n)
		return 0;
	if (!str_empty(c->cgroup1) && cgroup1_pids(c->cgroup1, ret) == 0 && ret->n)
		return 0;
	cgroup_pids_done(ret);
	*ret = (struct cgroup_pids){ 0 };
	if (!c->init.pid)
		return 0;
	ret->v = malloc(sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	ret->v[0] = c->init.pid;
	ret->n = 1;
	return 0;
}

static void task_pids(struct shim *s, struct call *call, const void *m)
{
	const Pb__ContainerRequest *rq = m;
	const struct container *c = task_container(s, call, rq->id);
	Pb__PidsResponse ret = PB__PIDS_RESPONSE__INIT;
	struct cgroup_pids pids = { 0 };
	autofree struct task_pid *each = NULL;
	autofree Pb__ProcessInfo **list = NULL;
	size_t i;

	if (!c)
		return;
	if (task_list_pids(c, &pids) == 0) {
		each = calloc(pids.n + 1, sizeof(*each));
		list = calloc(pids.n + 1, sizeof(*list));
	}
	if (!each || !list) {
		call_fail(call, CODE_RESOURCE_EXHAUSTED, "pids: no memory");
	} else {
		for (i = 0; i < pids.n; i++) {
			task_describe_pid(c, pids.v[i], &each[i]);
			list[i] = &each[i].info;
		}
		ret.n_processes = pids.n;
		ret.processes = list;
		call_reply(call, &ret.base);
	}
	cgroup_pids_done(&pids);
}

static void task_stats(struct shim *s, struct call *call, const void *m)
{
	const struct container *c =
		task_container(s, call, ((const Pb__ContainerRequest *)m)->id);
	Pb__StatsResponse ret = PB__STATS_RESPONSE__INIT;
	Pb__Any any = PB__ANY__INIT;
	autobuf metrics = { .max = FRAME_MAX };
	struct error e = ERROR_INIT;

	if (!c)
		return;
	if (container_measure(c, &metrics, &any, &e) < 0) {
		call_fail(call, CODE_NOT_FOUND, "stats: %s", e.text);
		return;
	}
	ret.stats = &any;
	call_reply(call, &ret.base);
}

/* --- changing ---------------------------------------------------------------------------------- */

static void task_create(struct shim *s, struct call *call, const void *m)
{
	life_create(s, call, m, NULL);
}

static void task_exec(struct shim *s, struct call *call, const void *m)
{
	life_exec(s, call, m);
}

static void task_start(struct shim *s, struct call *call, const void *m)
{
	const Pb__ProcessRequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);

	if (p)
		life_start(p, call);
}

static void task_delete(struct shim *s, struct call *call, const void *m)
{
	const Pb__ProcessRequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);

	if (p)
		life_delete(p, call);
}

static void task_kill(struct shim *s, struct call *call, const void *m)
{
	const Pb__KillRequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);
	int r;

	if (!p)
		return;
	if (rq->signal > (uint32_t)SIGRTMAX) {
		call_fail(call, CODE_INVALID_ARGUMENT, "kill: there is no signal %u",
			  rq->signal);
	} else if (rq->all && !*p->id && p->status != PROCESS_NEW) {
		change_kill_all(p->container, call, rq->signal);
	} else if (!p->pid) {
		call_fail(call, CODE_FAILED_PRECONDITION, "kill: the process is %s",
			  process_status_name(p));
	} else if (p->ended) {
		call_fail(call, CODE_NOT_FOUND, "process already finished");
	} else {
		r = proc_kill(p->source.fd, (int)rq->signal);
		if (r == 0)
			call_reply(call, NULL);
		else if (r == -ESRCH)
			call_fail(call, CODE_NOT_FOUND, "process already finished");
		else
			call_fail(call, CODE_UNKNOWN, "kill: %s", strerror(-r));
	}
}

static void task_pause(struct shim *s, struct call *call, const void *m)
{
	struct container *c = task_container(s, call, ((const Pb__ContainerRequest *)m)->id);

	if (!c)
		return;
	if (c->init.status != PROCESS_RUNNING)
		call_fail(call, CODE_FAILED_PRECONDITION, "cannot pause a container that is %s",
			  process_status_name(&c->init));
	else
		change_pause(c, call);
}

static void task_resume(struct shim *s, struct call *call, const void *m)
{
	struct container *c = task_container(s, call, ((const Pb__ContainerRequest *)m)->id);

	if (!c)
		return;
	if (!c->paused)
		call_fail(call, CODE_FAILED_PRECONDITION,
			  "cannot resume a container that is %s",
			  process_status_name(&c->init));
	else
		change_resume(c, call);
}

static void task_update(struct shim *s, struct call *call, const void *m)
{
	const Pb__UpdateRequest *rq = m;
	struct container *c = task_container(s, call, rq->id);

	if (c)
		change_update(c, call, rq->resources);
}

static void task_checkpoint(struct shim *s, struct call *call, const void *m)
{
	const Pb__CheckpointRequest *rq = m;
	struct container *c = task_container(s, call, rq->id);

	if (!c)
		return;
	if (c->init.status != PROCESS_RUNNING)
		call_fail(call, CODE_FAILED_PRECONDITION,
			  "cannot make a checkpoint of a container that is %s",
			  process_status_name(&c->init));
	else
		change_checkpoint(c, call, rq);
}

static void task_close_io(struct shim *s, struct call *call, const void *m)
{
	const Pb__CloseIORequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);

	if (!p)
		return;
	if (rq->stdin)
		streams_close_stdin(&p->io);
	call_reply(call, NULL);
}

static void task_resize_pty(struct shim *s, struct call *call, const void *m)
{
	const Pb__ResizePtyRequest *rq = m;
	struct process *p = task_process(s, call, rq->id, rq->exec_id);
	int r;

	if (!p)
		return;
	r = p->terminal ? streams_resize(&p->io, rq->height, rq->width) : 0;
	if (r < 0)
		call_fail(call, CODE_FAILED_PRECONDITION, "resize: %s", strerror(-r));
	else
		call_reply(call, NULL);
}

static void task_shutdown(struct shim *s, struct call *call, const void *m)
{
	(void)m;
	/* Who has the answer may execute `start` again. */
	if (LIST_EMPTY(&s->containers))
		shim_stop(s);
	call_reply(call, NULL);
}

/* --- the table --------------------------------------------------------------------------------- */

const struct method task_methods[] = {
	{ "State", &pb__process_request__descriptor, task_state },
	{ "Create", &pb__create_request__descriptor, task_create },
	{ "Start", &pb__process_request__descriptor, task_start },
	{ "Delete", &pb__process_request__descriptor, task_delete },
	{ "Pids", &pb__container_request__descriptor, task_pids },
	{ "Pause", &pb__container_request__descriptor, task_pause },
	{ "Resume", &pb__container_request__descriptor, task_resume },
	{ "Checkpoint", &pb__checkpoint_request__descriptor, task_checkpoint },
	{ "Kill", &pb__kill_request__descriptor, task_kill },
	{ "Exec", &pb__exec_request__descriptor, task_exec },
	{ "ResizePty", &pb__resize_pty_request__descriptor, task_resize_pty },
	{ "CloseIO", &pb__close_iorequest__descriptor, task_close_io },
	{ "Update", &pb__update_request__descriptor, task_update },
	{ "Wait", &pb__process_request__descriptor, task_wait },
	{ "Stats", &pb__container_request__descriptor, task_stats },
	{ "Connect", &pb__container_request__descriptor, task_connect },
	{ "Shutdown", &pb__container_request__descriptor, task_shutdown },
	{ 0 },
};
