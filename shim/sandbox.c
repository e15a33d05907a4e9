/* SPDX-License-Identifier: Apache-2.0 */

/* The sandbox service: a pod's sandbox is a container like any other, which pod.c describes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "container.h"
#include "life.h"
#include "pod.h"
#include "process.h"
#include "service.h"
#include "shim.h"
#include "spec/parse.h"

#define SANDBOX_TREE_MAX (64u << 20)

/* The container that is this sandbox, or NULL and the call is answered. */
static struct container *sandbox_find(struct shim *s, struct call *call, const char *id)
{
	struct container *c = container_find(s, id);

	if (c && c->pod)
		return c;
	call_fail(call, CODE_NOT_FOUND, "sandbox \"%s\" does not exist", id);
	return NULL;
}

static void sandbox_answer_empty(struct call *call, const ProtobufCMessage *m)
{
	(void)m;
	call_reply(call, NULL);
}

/* --- its life ---------------------------------------------------------------------------------- */

static void sandbox_create(struct shim *s, struct call *call, const void *m)
{
	const Pb__CreateSandboxRequest *rq = m;
	Pb__CreateRequest as_task = PB__CREATE_REQUEST__INIT;
	char type[] = "tmpfs", mode[] = "mode=0755", size[] = POD_SHM_SIZE;
	char nosuid[] = "nosuid", nodev[] = "nodev", noexec[] = "noexec";
	char *options[] = { nosuid, nodev, noexec, mode, size };
	Pb__Mount root = PB__MOUNT__INIT, *roots[] = { &root };
	struct pod *pod = calloc(1, sizeof(*pod));
	struct error e = ERROR_INIT;
	int r = pod ? pod_read(rq, pod, &e) : error_set(&e, ENOMEM, "the sandbox");

	if (r < 0) {
		free(pod);
		call_fail(call, CODE_INVALID_ARGUMENT, "create sandbox: %s", e.text);
		return;
	}
	root.type = type;
	root.source = type;
	root.options = options;
	root.n_options = ARRAY_SIZE(options);
	as_task.id = rq->sandbox_id;
	as_task.bundle = rq->bundle_path;
	as_task.rootfs = roots;
	as_task.n_rootfs = ARRAY_SIZE(roots);
	/* Those of the runtime were given to `start`. */
	as_task.options = (Pb__Any *)(uintptr_t)s->options;
	call->translate = sandbox_answer_empty;
	life_create(s, call, &as_task, pod);
}

static void sandbox_answer_start(struct call *call, const ProtobufCMessage *m)
{
	const struct container *c = call->arg;
	Pb__StartSandboxResponse ret = PB__START_SANDBOX_RESPONSE__INIT;
	Pb__Timestamp at = message_time(&c->created_at);
	char type[] = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
	Pb__Any spec = PB__ANY__INIT;
	autobuf text = { 0 };
	char path[PATH_MAX];

	(void)m;
	ret.pid = (uint32_t)c->init.pid;
	ret.created_at = &at;
	if (str_format(path, sizeof(path), "%s/config.json", c->bundle) == 0 &&
	    file_read(AT_FDCWD, path, FRAME_MAX, &text, NULL) == 0) {
		spec.type_url = type;
		spec.value.data = (uint8_t *)text.data;
		spec.value.len = text.len;
		ret.spec = &spec;
	}
	call_reply(call, &ret.base);
}

static void sandbox_start(struct shim *s, struct call *call, const void *m)
{
	struct container *c = sandbox_find(s, call, ((const Pb__ContainerRequest *)m)->id);

	if (!c)
		return;
	call->arg = c;
	call->translate = sandbox_answer_start;
	life_start(&c->init, call);
}

static void sandbox_await(struct process *p, struct call *call)
{
	call->waiting = true;
	LIST_INSERT_HEAD(&p->waiters, call, of_waiters);
	if (p->status == PROCESS_STOPPED)
		process_answer_waiters(p);
}

/* Its containers are stopped by who made them; what holds it has nothing to put in order. */
static void sandbox_stop(struct shim *s, struct call *call, const void *m)
{
	struct container *c = sandbox_find(s, call, ((const Pb__ContainerRequest *)m)->id);

	if (!c)
		return;
	if (c->init.busy) {
		call_fail(call, CODE_FAILED_PRECONDITION,
			  "the sandbox is being made or removed");
		return;
	}
	if (c->init.pid && !c->init.ended)
		proc_kill(c->init.source.fd, SIGKILL);
	call->translate = sandbox_answer_empty;
	sandbox_await(&c->init, call);
}

/* WaitSandboxResponse has the fields of a task's WaitResponse. */
static void sandbox_wait(struct shim *s, struct call *call, const void *m)
{
	struct container *c = sandbox_find(s, call, ((const Pb__ContainerRequest *)m)->id);

	if (c)
		sandbox_await(&c->init, call);
}

static void sandbox_answer_shutdown(struct call *call, const ProtobufCMessage *m)
{
	struct container *c = call->arg;
	struct shim *s = c->shim;

	(void)m;
	/* It leaves the list after this. */
	if (LIST_FIRST(&s->containers) == c && !LIST_NEXT(c, link))
		shim_stop(s);
	call_reply(call, NULL);
}

static void sandbox_shutdown(struct shim *s, struct call *call, const void *m)
{
	struct container *c = container_find(s, ((const Pb__ContainerRequest *)m)->id);

	if (!c || !c->pod) { /* it was never made, or is gone */
		if (LIST_EMPTY(&s->containers))
			shim_stop(s);
		call_reply(call, NULL);
		return;
	}
	call->arg = c;
	call->translate = sandbox_answer_shutdown;
	life_end(&c->init, call);
}

/* --- asking ------------------------------------------------------------------------------------ */

static void sandbox_ping(struct shim *s, struct call *call, const void *m)
{
	if (sandbox_find(s, call, ((const Pb__ContainerRequest *)m)->id))
		call_reply(call, NULL);
}

/* The network is a file that its namespace is mounted on: an empty one once it is gone. */
static bool sandbox_has_network(const struct pod *p)
{
	struct statfs about;

	return str_empty(p->network) ||
	       (statfs(p->network, &about) == 0 && about.f_type == NSFS_MAGIC);
}

static int sandbox_put_spec(struct json_writer *w, const struct container *c)
{
	autobuf text = { 0 };
	char path[PATH_MAX];
	struct json *spec;
	struct arena a;
	int r;

	arena_init(&a, SANDBOX_TREE_MAX);
	r = str_format(path, sizeof(path), "%s/config.json", c->bundle);
	if (r == 0)
		r = file_read(AT_FDCWD, path, SPEC_MAX_BYTES, &text, NULL);
	if (r == 0)
		r = json_parse(&a, path, text.data, text.len, &spec, NULL);
	if (r == 0) {
		json_write_key(w, "runtimeSpec");
		json_write_tree(w, spec);
	}
	arena_done(&a);
	return r;
}

/* What containerd's own sandboxes say of themselves under "info", as far as a shim knows it. */
static int sandbox_describe(const struct container *c, struct buf *ret)
{
	autojson *w = json_writer_new(false);
	int r;

	if (!w)
		return -ENOMEM;
	json_write_object(w);
	json_put_i64(w, "pid", c->init.ended ? 0 : c->init.pid);
	json_put_string(w, "processStatus", process_status_name(&c->init));
	json_put_bool(w, "netNamespaceClosed", !sandbox_has_network(c->pod));
	r = sandbox_put_spec(w, c);
	json_write_end(w);
	return r < 0 ? r : json_writer_end(w, ret);
}

static void sandbox_status(struct shim *s, struct call *call, const void *m)
{
	const Pb__SandboxStatusRequest *rq = m;
	const struct container *c = sandbox_find(s, call, rq->sandbox_id);
	Pb__SandboxStatusResponse ret = PB__SANDBOX_STATUS_RESPONSE__INIT;
	Pb__SandboxStatusResponse__InfoEntry entry =
		PB__SANDBOX_STATUS_RESPONSE__INFO_ENTRY__INIT;
	Pb__SandboxStatusResponse__InfoEntry *entries[] = { &entry };
	char ready[] = "SANDBOX_READY", not_ready[] = "SANDBOX_NOTREADY", info[] = "info";
	autobuf text = { .max = FRAME_MAX / 2 };
	Pb__Timestamp created_at, exited_at;

	if (!c)
		return;
	created_at = message_time(&c->created_at);
	exited_at = message_time(&c->init.exited_at);
	ret.sandbox_id = c->id;
	ret.pid = c->init.ended ? 0 : (uint32_t)c->init.pid;
	ret.state = c->init.status == PROCESS_RUNNING && !c->init.ended ? ready : not_ready;
	ret.created_at = &created_at;
	ret.exited_at = &exited_at;
	if (rq->verbose && sandbox_describe(c, &text) == 0) {
		entry.key = info;
		entry.value = text.data;
		ret.info = entries;
		ret.n_info = ARRAY_SIZE(entries);
	}
	call_reply(call, &ret.base);
}

/* As Go has it, whose names containers' images go by. */
static const char *sandbox_architecture(const char *machine)
{
	static const struct {
		const char *machine, *name;
	} names[] = {
		{ "x86_64", "amd64" }, { "aarch64", "arm64" }, { "i686", "386" },
		{ "armv7l", "arm" },   { "armv6l", "arm" },    { "loongarch64", "loong64" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(names[i].machine, machine))
			return names[i].name;
	return machine;
}

static void sandbox_platform(struct shim *s, struct call *call, const void *m)
{
	Pb__Platform platform = PB__PLATFORM__INIT;
	Pb__PlatformResponse ret = PB__PLATFORM_RESPONSE__INIT;
	struct utsname about;
	char os[] = "linux";

	if (!sandbox_find(s, call, ((const Pb__ContainerRequest *)m)->id))
		return;
	if (uname(&about) < 0) {
		call_fail(call, CODE_UNKNOWN, "the machine is not known");
		return;
	}
	platform.os = os;
	platform.architecture = (char *)(uintptr_t)sandbox_architecture(about.machine);
	ret.platform = &platform;
	call_reply(call, &ret.base);
}

static void sandbox_metrics(struct shim *s, struct call *call, const void *m)
{
	const struct container *c =
		sandbox_find(s, call, ((const Pb__ContainerRequest *)m)->id);
	Pb__SandboxMetricsResponse ret = PB__SANDBOX_METRICS_RESPONSE__INIT;
	Pb__Metric metric = PB__METRIC__INIT;
	Pb__Any any = PB__ANY__INIT;
	autobuf bytes = { .max = FRAME_MAX };
	struct error e = ERROR_INIT;
	struct timespec now;
	Pb__Timestamp at;

	if (!c)
		return;
	if (container_measure(c, &bytes, &any, &e) < 0) {
		call_fail(call, CODE_NOT_FOUND, "metrics: %s", e.text);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	at = message_time(&now);
	metric.timestamp = &at;
	metric.id = c->id;
	metric.data = &any;
	ret.metrics = &metric;
	call_reply(call, &ret.base);
}

const struct method sandbox_methods[] = {
	{ "CreateSandbox", &pb__create_sandbox_request__descriptor, sandbox_create },
	{ "StartSandbox", &pb__container_request__descriptor, sandbox_start },
	{ "Platform", &pb__container_request__descriptor, sandbox_platform },
	{ "StopSandbox", &pb__container_request__descriptor, sandbox_stop },
	{ "WaitSandbox", &pb__container_request__descriptor, sandbox_wait },
	{ "SandboxStatus", &pb__sandbox_status_request__descriptor, sandbox_status },
	{ "PingSandbox", &pb__container_request__descriptor, sandbox_ping },
	{ "ShutdownSandbox", &pb__container_request__descriptor, sandbox_shutdown },
	{ "SandboxMetrics", &pb__container_request__descriptor, sandbox_metrics },
	{ 0 },
};
