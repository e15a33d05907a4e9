/* SPDX-License-Identifier: Apache-2.0 */

/* One more process in a container that runs: exec_steps[] is the story. */
#include "run/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/path.h"
#include "run/notice.h"
#include "run/rdt.h"
#include "run/report.h"
#include "run/resources.h"
#include "run/root_mount.h"
#include "run/spawn.h"
#include "run/start.h"
#include "run/sync.h"
#include "run/timing.h"
#include "sandbox/console.h"
#include "sandbox/lsm.h"
#include "seccomp/cache.h"
#include "seccomp/denied.h"
#include "seccomp/load.h"

static int exec_open_container(struct exec *x, struct error *e)
{
	enum oci_status status = OCI_STOPPED;
	int r;

	r = container_open(x->rt, x->opt->id, CONTAINER_UNLOCKED, &x->container, e);
	if (r == 0)
		r = container_status(&x->container, &status, e);
	if (r < 0)
		return r;
	if (status == OCI_PAUSED && !x->opt->ignore_paused) {
		error_say(e, EBUSY, "cannot exec in container \"%s\": it is paused",
			  x->opt->id);
		error_hint(e, "`strake resume` it, or use --ignore-paused");
		return -EBUSY;
	}
	if (status == OCI_STOPPED || status == OCI_CREATING)
		return error_say(e, EINVAL, "cannot exec in container \"%s\": it is %s",
				 x->opt->id, oci_status_name(status));
	x->init_fd = container_open_init(&x->container);
	if (x->init_fd < 0)
		return error_say(e, ESRCH, "cannot exec in container \"%s\": it is stopped",
				 x->opt->id);
	r = container_read_spec(&x->container, &x->spec, e);
	return r < 0 ? r : guard_open(&x->guard, &x->container, &x->spec, &x->arena, e);
}

static int exec_hold_to_policies(struct exec *x, struct error *e)
{
	int r = guard_exec(&x->guard, &x->spec, &x->process, &x->arena, e);

	notice_request(x->rt, x->opt->id, "exec", &x->guard.result);
	return r;
}

/* One that asks the reporter in its place. */
static int exec_watch_filter(struct exec *x, struct error *e)
{
	int r;

	if (x->filter.n == 0 || x->filter.has_notify)
		return 0;
	r = witness_open(&x->witness, &x->container, e);
	/* What is told as notices alone is told by who listens. */
	if (r <= 0 || (!x->witness.options.where && x->rt->policy_fd <= 0))
		return r < 0 ? r : 0;
	r = seccomp_watched(&x->witness.plain, &x->watched);
	return r < 0 ? error_set(e, -r, "linux.seccomp: make a filter that reports") : 0;
}

/* The filter that create proved and saved; a listener of its own comes with each process. */
static int exec_load_filter(struct exec *x, struct error *e)
{
	int r;

	/* Node policies may have given it one that its spec does not know of. */
	if (!x->spec.linux_.seccomp.present && policy_set_is_empty(&x->guard.set))
		return 0;
	r = seccomp_program_read(x->container.dir_fd, STATE_FILTER, &x->filter, e);
	if (r == -ENOENT && !x->spec.linux_.seccomp.present)
		return 0;
	if (r == -ENOENT)
		r = seccomp_obtain(-1, &x->spec.linux_.seccomp, &x->filter, e);
	/* The child asks this, to keep what loading a filter takes. */
	x->spec.linux_.seccomp.present = x->filter.n > 0;
	return r < 0 ? r : exec_watch_filter(x, e);
}

/*
 * A container that manages cgroups of its own, systemd's for one, has moved its first process further
 * down: what hands controllers to children can hold no process itself. So the new one goes to where
 * the first one is, as long as that is below the container's own.
 */
static int exec_follow_init(struct exec *x, struct error *e)
{
	char path[CGROUP_PATH_MAX];
	autocgroup cg = CGROUP_NONE;
	int r;

	r = cgroup_path_of(x->container.state.pid, path, e);
	if (r < 0)
		return r;
	if (str_eq(path, x->cgroup.path) || !cgroup_path_below(path, x->cgroup.path))
		return -EBUSY;
	r = cgroup_open(path, &cg, e);
	if (r < 0)
		return r;
	cgroup_done(&x->cgroup);
	x->cgroup = cg;
	cg = CGROUP_NONE;
	return 0;
}

static bool exec_has_cgroups_below(const struct exec *x)
{
	struct stat st;

	return fstat(x->cgroup.fd, &st) == 0 && st.st_nlink > 2;
}

static int exec_open_cgroup(struct exec *x, struct error *e)
{
	autocgroup whole = CGROUP_NONE;
	int r;

	if (str_empty(x->container.state.cgroup))
		return 0;
	if (str_empty(x->opt->cgroup)) {
		r = container_open_cgroup(&x->container, &x->cgroup, e);
		/* Not only once it is told EBUSY: until then it would itself keep the controllers back. */
		if (r == 0 && exec_has_cgroups_below(x))
			exec_follow_init(x, NULL);
		return r;
	}
	r = container_open_cgroup(&x->container, &whole, e);
	return r < 0 ? r : cgroup_open_below(&whole, x->opt->cgroup, &x->cgroup, e);
}

static int exec_open_console(struct exec *x, struct error *e)
{
	const struct oci_exec_options *opt = x->opt;
	struct sandbox *sb = &x->child.sandbox;
	bool given = opt->console_fd >= 0 || !str_empty(opt->console_socket);

	if (!x->process.terminal)
		return 0;
	if (!given) {
		error_say(e, EINVAL, "a terminal is asked for, but there is no console socket");
		error_hint(e, "give --console-socket, or leave out --tty");
		return -EINVAL;
	}
	console_default_size(&x->process, opt->rows, opt->columns);
	sb->console_fd = opt->console_fd >= 0 ? fcntl(opt->console_fd, F_DUPFD_CLOEXEC, 3)
					      : console_connect(opt->console_socket, e);
	return sb->console_fd < 0 ? sb->console_fd : 0;
}

static int exec_open_pair(struct exec *x, struct error *e)
{
	int pair[2], r;

	r = sync_pair(pair);
	if (r < 0)
		return error_set(e, -r, "make the sync socket");
	x->sync_fd = pair[0];
	x->child.sync_fd = pair[1];
	return 0;
}

static int exec_open_sockets(struct exec *x, struct error *e)
{
	autoclose int fd = -1;
	int r;

	r = exec_open_pair(x, e);
	if (r < 0 || (!x->filter.has_notify && x->watched.n == 0))
		return r;
	fd = memfd_create("listener", MFD_CLOEXEC);
	r = fd < 0 ? -errno : seccomp_handoff_map(fd, &x->child.handoff);
	return r < 0 ? error_set(e, -r, "make memory for the listener") : 0;
}

/*
 * What setns(2) is to join: what the container does not share with us already. And its mounts: those of the
 * runtime that made it need not be ours.
 */
static uint64_t exec_namespaces(const struct spec *s)
{
	uint64_t flags = CLONE_NEWNS;
	int i;

	for (i = 0; i < SPEC_NS_COUNT; i++)
		if (s->linux_.namespaces[i].present)
			flags |= spec_ns_flag(i);
	return flags;
}

static int exec_adopt(void *arg, pid_t pid, struct error *e)
{
	struct exec *x = arg;
	const struct state *s = &x->container.state;
	struct manager m = MANAGER_INIT;
	int r;

	r = manager_open(&m, s->manager, s->cgroup, x->rt->rootless, e);
	if (r == 0)
		r = manager_adopt(&m, &x->cgroup, pid, e);
	manager_done(&m);
	return r;
}

static bool exec_grants_trace(const struct spec_process *p)
{
	const struct spec_capabilities *c = &p->capabilities;
	uint64_t any = c->bounding | c->effective | c->permitted | c->inheritable | c->ambient;

	return any & 1ull << CAP_SYS_PTRACE;
}

/*
 * Somebody in there may trace: then the new process is seen last (sandbox.h). It costs a second process,
 * so only then. Over one of the host's user namespace nobody in another one has any power.
 */
static int exec_look_for_tracer(struct exec *x, struct error *e)
{
	const struct spec_namespace *pids = &x->spec.linux_.namespaces[SPEC_NS_PID];
	int dir_fd = x->container.dir_fd;
	autoclose int fd = -1;

	if (!pids->present || x->spec.linux_.namespaces[SPEC_NS_USER].present)
		return 0;
	x->born_last = exec_grants_trace(&x->spec.process) ||
		       faccessat(dir_fd, STATE_TRACER, F_OK, 0) == 0;
	if (x->born_last || !exec_grants_trace(&x->process))
		return 0;
	x->born_last = true;
	fd = openat(dir_fd, STATE_TRACER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? error_set(e, errno, "make " STATE_TRACER) : 0;
}

/* In a mount namespace of its own it is what that begins with. */
static int exec_open_root(struct exec *x, struct error *e)
{
	struct sandbox *sb = &x->child.sandbox;

	if (!sandbox_shares_mounts(sb) || sb->root_fd >= 0)
		return 0;
	sb->root_fd = root_mount_open(&x->container, x->init_fd, e);
	return sb->root_fd < 0 ? sb->root_fd : 0;
}

static int exec_spawn_once(struct exec *x, struct error *e)
{
	struct sandbox *sb = &x->child.sandbox;
	struct spawn s = {
		.cgroup_fd = x->cgroup.fd,
		.user_ns_fd = -1,
		.pid_ns_fd = -1,
		.sync_fd = x->sync_fd,
		.main = child_main_exec,
		.adopt = exec_adopt,
		.adopt_arg = x,
	};
	int r;

	sb->spec = &x->spec;
	sb->process = &x->process;
	sb->id = x->opt->id;
	sb->bundle = x->container.state.bundle;
	sb->joining = true;
	sb->preserve_fds = x->opt->preserve_fds;
	sb->preserve_gaps = x->opt->preserve_gaps;
	sb->listen_fds = x->opt->listen_fds;
	sb->listen_names = x->opt->listen_names;
	sb->own_userns = sandbox_has_ns(sb, SPEC_NS_USER);
	sb->target_fd = x->init_fd;
	sb->target_flags = exec_namespaces(&x->spec);
	if (x->container.state.own_time)
		sb->target_flags |= CLONE_NEWTIME;
	sb->born_last = x->born_last;
	if ((sb->target_flags & CLONE_NEWPID) && !sb->born_last)
		s.pid_ns_fd = x->init_fd;
	/* Only in his user namespace may a user enter the others: that one comes first. */
	if (sb->own_userns && x->rt->rootless) {
		s.user_ns_fd = x->init_fd;
		sb->target_flags &= ~(uint64_t)CLONE_NEWUSER;
	}

	r = lsm_check(sb, e);
	if (r == 0)
		r = exec_open_root(x, e);
	if (r == 0)
		r = seal_open(&x->child.seal, e);
	if (r < 0)
		return r;
	x->child.state = &x->container.state;
	x->child.filter = x->watched.n ? &x->watched : &x->filter;
	x->child.timing = x->rt->timing;
	memcpy(x->child.stdio, x->opt->stdio, sizeof(x->child.stdio));
	return spawn(&s, &x->child, &x->pid, &x->pid_fd, e);
}

static int exec_spawn(struct exec *x, struct error *e)
{
	struct error busy = ERROR_INIT;
	int r;

	r = exec_spawn_once(x, &busy);
	if (r == -EBUSY && x->cgroup.fd >= 0 && str_empty(x->opt->cgroup) &&
	    exec_follow_init(x, NULL) == 0) {
		mem_closep(&x->sync_fd);
		x->sync_fd = -1;
		seal_done(&x->child.seal);
		busy = ERROR_INIT;
		r = exec_open_pair(x, &busy);
		if (r == 0)
			r = exec_spawn_once(x, &busy);
	}
	if (r < 0 && e)
		*e = busy;
	return r;
}

/* The one that the program will be is there, and the one that made it has ended. */
static int exec_take_sibling(struct exec *x, pid_t pid, struct error *e)
{
	int status, r;

	proc_reap(x->pid_fd, &status);
	mem_closep(&x->pid_fd);
	x->pid_fd = proc_open(pid);
	if (x->pid_fd < 0)
		return error_set(e, -x->pid_fd, "open the new process");
	x->pid = pid;
	r = resources_set_oom_score(x->rt, x->pid, &x->process, e);
	if (r < 0)
		return r;
	r = sync_send(x->sync_fd, SYNC_GO, pid);
	return r < 0 ? error_set(e, -r, "let the new process begin") : 0;
}

static int exec_join_rdt(struct exec *x, struct error *e)
{
	const struct spec_intel_rdt *rdt = &x->spec.linux_.intel_rdt;
	autoclose int rdt_fd = -1;

	if (!rdt->present)
		return 0;
	rdt_fd = rdt_open(e);
	return rdt_fd < 0 ? rdt_fd : rdt_add(rdt_fd, rdt, x->container.state.id, x->pid, e);
}

static int exec_serve_child(struct exec *x, struct error *e)
{
	bool awaits_sibling = x->child.sandbox.born_last;
	struct sync_msg m;
	int r;

	/* While the child builds, and before anything can run in there. */
	seal_done(&x->child.seal);
	r = child_tell_signals(x->sync_fd);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET) /* what it died of waits to be read */
		return error_set(e, -r, "tell the signals to reset");
	if (x->child.sandbox.own_userns)
		resources_raise_rlimits(x->pid, &x->process);
	r = exec_join_rdt(x, e);
	if (r == 0 && !awaits_sibling)
		r = resources_set_oom_score(x->rt, x->pid, &x->process, e);
	while (r == 0) {
		r = sync_recv_alive(x->sync_fd, x->rt->cancel_fd,
				    awaits_sibling ? x->pid_fd : -1, &m);
		if (r < 0)
			return error_set(e, -r, "wait for the new process");
		if (r == 0)
			return report_dead_child(x->pid_fd, &x->cgroup, e);
		if (m.kind == SYNC_READY)
			return 0;
		r = 0;
		if (m.kind == SYNC_PID && awaits_sibling) {
			awaits_sibling = false;
			r = exec_take_sibling(x, (pid_t)m.arg, e);
		} else if (m.kind == SYNC_WARNING) {
			report_warning(x->rt, m.error.text);
		} else if (m.kind == SYNC_ERROR) {
			if (e)
				*e = m.error;
			return m.error.errnum ? -m.error.errnum : -EIO;
		}
	}
	return r;
}

static int exec_release(struct exec *x, struct error *e)
{
	struct start s = {
		.rt = x->rt,
		.spec = &x->spec,
		.state = &x->container.state,
		.status = OCI_RUNNING,
		.sync_fd = x->sync_fd,
		.pid_fd = x->pid_fd,
		.pid = x->pid,
		.handoff = x->child.handoff,
		.reporter = x->watched.n ? &x->witness.reporter : NULL,
		.report = &x->witness.options,
	};
	int r;

	r = report_pid_fd(x->opt->pidfd_socket, x->pid_fd, e);
	if (r == 0)
		r = start_payload(&s, e);
	if (r == 0)
		r = report_pid_file(x->opt->pid_file, x->pid, e);
	return r;
}

/* clang-format off: one step a line */
static const struct {
	const char *name;
	int (*run)(struct exec *x, struct error *e);
} exec_steps[] = {
	{ "container", exec_open_container },
	{ "process", exec_describe },
	{ "policy", exec_hold_to_policies },
	{ "tracer", exec_look_for_tracer },
	{ "seccomp", exec_load_filter },
	{ "cgroup", exec_open_cgroup },
	{ "console", exec_open_console },
	{ "sockets", exec_open_sockets },
	{ "spawn", exec_spawn },
	{ "child", exec_serve_child },
	{ "release", exec_release },
};
/* clang-format on */

static void exec_done(struct exec *x, bool failed)
{
	int status;

	if (failed && x->pid_fd >= 0) {
		proc_kill(x->pid_fd, SIGKILL);
		proc_reap(x->pid_fd, &status);
	}
	seal_done(&x->child.seal);
	mem_closep(&x->child.sandbox.console_fd);
	mem_closep(&x->child.sandbox.root_fd);
	mem_closep(&x->child.sync_fd);
	mem_closep(&x->sync_fd);
	mem_closep(&x->pid_fd);
	mem_closep(&x->init_fd);
	seccomp_handoff_unmap(x->child.handoff);
	seccomp_program_done(&x->watched);
	seccomp_program_done(&x->filter);
	witness_done(&x->witness);
	guard_done(&x->guard);
	cgroup_done(&x->cgroup);
	arena_done(&x->arena);
	spec_done(&x->spec);
	container_done(&x->container);
}

int oci_exec(const struct oci_runtime *rt, const struct oci_exec_options *opt,
	     struct oci_process *ret, struct error *e)
{
	struct exec x = {
		.rt = rt,
		.opt = opt,
		.witness = WITNESS_INIT,
		.container = CONTAINER_INIT,
		.cgroup = CGROUP_NONE,
		.child = { .sandbox = SANDBOX_INIT,
			   .seal = SEAL_NONE,
			   .sync_fd = -1,
			   .listen_fd = -1,
			   .lock_fd = -1 },
		.init_fd = -1,
		.sync_fd = -1,
		.pid_fd = -1,
	};
	size_t i;
	int r;

	arena_init(&x.arena, 64u << 20);
	for (i = 0, r = 0; r >= 0 && i < ARRAY_SIZE(exec_steps); i++) {
		r = exec_steps[i].run(&x, e);
		if (r < 0)
			error_step(e, exec_steps[i].name);
		timing_mark(rt->timing, exec_steps[i].name);
	}
	if (r >= 0) {
		ret->pid = x.pid;
		ret->pid_fd = take_fd(&x.pid_fd);
	}
	exec_done(&x, r < 0);
	return r < 0 ? r : 0;
}
