/* SPDX-License-Identifier: Apache-2.0 */
#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "run/container.h"
#include "run/hooks.h"
#include "run/parent.h"
#include "run/payload.h"
#include "run/signals.h"
#include "run/spawn.h"
#include "run/sync.h"
#include "run/timing.h"
#include "sandbox/command.h"
#include "sandbox/console.h"
#include "sandbox/devices.h"
#include "sandbox/identity.h"
#include "sandbox/idmap.h"
#include "sandbox/lsm.h"
#include "sandbox/masks.h"
#include "sandbox/mounts.h"
#include "sandbox/ns.h"
#include "sandbox/procfs.h"
#include "sandbox/rootfs.h"
#include "sandbox/schedule.h"
#include "sandbox/sysctl.h"

struct child_step {
	const char *name;
	int (*run)(struct child *c, struct error *e);
};

/* --- steps, in the order of the story ---------------------------------------------------------- */

static int child_take_on_seal(struct child *c, struct error *e)
{
	return seal_take_on(&c->seal, e);
}

static int child_settle(struct child *c, struct error *e)
{
	int i;

	if (!c->sandbox.joining && ns_net_apart(&c->sandbox))
		c->sandbox.await_net = parent_await_net;
	c->sandbox.warn = parent_warn;
	c->sandbox.warn_arg = c;
	signals_unblock();
	umask(0);
	for (i = 0; i < 3; i++)
		if (c->stdio[i] >= 0 && dup2(c->stdio[i], i) < 0)
			return error_set(e, errno, "set up fd %d", i);
	if (setsid() < 0 && errno != EPERM)
		return error_set(e, errno, "make a session");
	if (c->sandbox.joining) {
		int r = schedule_initial_affinity(&c->sandbox, e);

		if (r < 0)
			return r;
	}
	return parent_bind(c, e);
}

/* What it takes before is not held by its limits, and its namespace would not begin there. */
static int child_enter_cgroup(struct child *c, struct error *e)
{
	return c->awaits_cgroup ? parent_await_cgroup(c, e) : 0;
}

static int child_enter_userns(struct child *c, struct error *e)
{
	int r;

	if (sandbox_new_ns(&c->sandbox, SPEC_NS_USER)) {
		r = parent_ask(c, SYNC_MAP, SYNC_GO, e);
		if (r < 0)
			return r;
	}
	if (c->sandbox.own_userns) {
		r = idmap_become_root(&c->sandbox.process->user,
				      sandbox_keeps_groups(&c->sandbox), e);
		if (r < 0)
			return r;
		r = parent_die_with(true, e);
		if (r < 0)
			return r;
	}
	/* From here on nobody who shares a pid namespace with us looks into us (CVE-2016-9962). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set(e, errno, "hide from ptrace");
	return 0;
}

static int child_enter_namespaces(struct child *c, struct error *e)
{
	int r;

	r = ns_join(&c->sandbox, e);
	if (r == 0)
		r = ns_unshare_late(&c->sandbox, e);
	if (r == 0)
		r = ns_set_names(&c->sandbox, e);
	return r;
}

static int child_join_target(struct child *c, struct error *e)
{
	int r;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set(e, errno, "hide from ptrace");
	r = lsm_prepare(&c->sandbox, e);
	procfs_close(&c->sandbox);
	if (r == 0)
		r = ns_join_target(&c->sandbox, e);
	if (r == 0 && c->sandbox.own_userns)
		r = idmap_become_root(&c->sandbox.process->user,
				      sandbox_keeps_groups(&c->sandbox), e);
	if (r == 0)
		r = parent_die_with(true, e);
	if (r < 0)
		return r;
	if (sandbox_shares_mounts(&c->sandbox))
		return rootfs_enter(&c->sandbox, e);
	c->sandbox.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->sandbox.root_fd < 0 ? error_set(e, errno, "open the container's root") : 0;
}

static int child_join_keyring(struct child *c, struct error *e)
{
	return identity_join_keyring(&c->sandbox, e);
}

static int child_open_rootfs(struct child *c, struct error *e)
{
	return rootfs_open(&c->sandbox, e);
}

static int child_make_mounts(struct child *c, struct error *e)
{
	return mounts_make(&c->sandbox, e);
}

/* Nothing that is left to mount reaches into a procfs that is there. Hooks see /proc as it was. */
static bool child_may_mask_early(const struct child *c)
{
	const struct sandbox *sb = &c->sandbox;
	size_t i;

	if (!sb->await_net || mounts_left_concern(sb, "/proc"))
		return false;
	for (i = 0; i < SPEC_HOOK_STAGES; i++)
		if (sb->spec->hooks[i].n > 0)
			return false;
	for (i = 0; i < sb->n_mounted; i++)
		if (str_eq(sb->spec->mounts[i].destination, "/proc") &&
		    str_eq(sb->spec->mounts[i].type, "proc"))
			return true;
	return false;
}

/* What can be done while the network namespace is not there yet. */
static int child_mask_early(struct child *c, struct error *e)
{
	return child_may_mask_early(c) ? masks_apply_proc(&c->sandbox, e) : 0;
}

/* Nothing that is left to do looks at the host, or is done by a program with our capabilities. */
static bool child_may_leave_early(const struct child *c)
{
	const struct sandbox *sb = &c->sandbox;

	return sb->proc_masked && sb->cover_file_fd >= 0 && !mounts_left_need_host(sb) &&
	       !sb->own_userns && !sb->process->terminal &&
	       !sb->spec->linux_.rootfs_propagation;
}

static int child_leave_early(struct child *c, struct error *e)
{
	int r;

	if (!child_may_leave_early(c))
		return 0;
	r = rootfs_pivot(&c->sandbox, e);
	return r < 0 ? r : identity_drop_bounding(&c->sandbox, e);
}

static int child_enter_network(struct child *c, struct error *e)
{
	int r = sandbox_need_net(&c->sandbox, e);

	return r < 0 ? r : mounts_make_rest(&c->sandbox, e);
}

static int child_make_devices(struct child *c, struct error *e)
{
	return devices_make(&c->sandbox, e);
}

static int child_run_hooks(struct child *c, enum spec_hook_stage stage, enum oci_status status,
			   struct error *e)
{
	const struct spec *s = c->sandbox.spec;
	autobuf state = { .max = STATE_MAX };
	autoclose int cwd_fd = -1;
	struct hooks_run h = {
		.hooks = s->hooks,
		.stage = stage,
		.state = &state,
		.cancel_fd = -1,
	};
	int r;

	if (s->hooks[stage].n == 0)
		return 0;
	if (stage == SPEC_HOOK_CREATE_CONTAINER)
		cwd_fd = open(c->sandbox.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	h.cwd_fd = cwd_fd;
	r = container_state_json(c->state, status, c->pid, &state);
	return r < 0 ? error_set(e, -r, "hooks: write the state") : hooks_run(&h, e);
}

static int child_hooks_at_create(struct child *c, struct error *e)
{
	const struct spec_hooks *h = c->sandbox.spec->hooks;
	int r;

	if (h[SPEC_HOOK_PRESTART].n || h[SPEC_HOOK_CREATE_RUNTIME].n ||
	    h[SPEC_HOOK_CREATE_CONTAINER].n || c->sandbox.spec->linux_.n_net_devices) {
		r = parent_ask(c, SYNC_HOOKS, SYNC_GO, e);
		if (r < 0)
			return r;
	}
	return child_run_hooks(c, SPEC_HOOK_CREATE_CONTAINER, OCI_CREATING, e);
}

static int child_hooks_at_start(struct child *c, struct error *e)
{
	return c->sandbox.joining
		       ? 0
		       : child_run_hooks(c, SPEC_HOOK_START_CONTAINER, OCI_CREATED, e);
}

static int child_make_console(struct child *c, struct error *e)
{
	if (!c->sandbox.process->terminal)
		return 0;
	return console_make(&c->sandbox, !c->sandbox.joining, e);
}

static int child_tune_kernel(struct child *c, struct error *e)
{
	int r;

	r = sysctl_apply(&c->sandbox, e);
	return r < 0 ? r : lsm_prepare(&c->sandbox, e);
}

static int child_mask(struct child *c, struct error *e)
{
	int r = mounts_finish(&c->sandbox, e);

	return r < 0 ? r : masks_apply(&c->sandbox, e);
}

static int child_pivot(struct child *c, struct error *e)
{
	int r;

	identity_make_cwd(&c->sandbox);
	r = rootfs_seal(&c->sandbox, e);
	if (r == 0)
		r = rootfs_pivot(&c->sandbox, e);
	procfs_close(&c->sandbox);
	return r;
}

/*
 * The host is out of reach now: so must be what still points to it, before a path of the spec is
 * walked that may name /proc/self/fd/N (CVE-2024-21626).
 */
static int child_shed_fds(struct child *c, struct error *e)
{
	const int keep[] = { c->sync_fd, c->listen_fd, c->sandbox.lsm_fd };
	int r;

	seal_done(&c->seal);
	r = fd_close_except((int)(3 + c->sandbox.preserve_fds), keep, ARRAY_SIZE(keep));
	if (r < 0)
		return error_set(e, -r, "close what points to the host");
	c->sandbox.root_fd = c->sandbox.bundle_fd = c->sandbox.target_fd = -1;
	return 0;
}

static int child_assume_identity(struct child *c, struct error *e)
{
	struct sandbox *sb = &c->sandbox;
	/* The filter itself may still be in the making. */
	bool keep_admin = (sb->spec->linux_.seccomp.present || sb->spec->linux_.landlock.n) &&
			  !sb->process->no_new_privileges;
	int r;

	if ((r = schedule_apply(sb, e)) < 0 || (r = identity_set_rlimits(sb, e)) < 0 ||
	    (r = identity_enter_cwd(sb, false, e)) < 0 || (r = identity_own_stdio(sb, e)) < 0 ||
	    (r = identity_assume(sb, keep_admin, e)) < 0)
		return r;
	/* A change of credentials clears it. */
	r = parent_die_with(true, e);
	return r < 0 ? r : identity_enter_cwd(sb, true, e);
}

static int child_run_steps(struct child *c, const struct child_step *steps, size_t n,
			   struct error *e)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = steps[i].run(c, e);
		if (r < 0) {
			error_step(e, steps[i].name);
			return r;
		}
		timing_mark(c->timing, steps[i].name);
	}
	return 0;
}

/*
 * Everything that could be done without being seen is done, and what it took is given back: from here
 * on the container's processes see us, and those that may trace do more (born_last).
 */
static int child_be_born(struct child *c, struct error *e)
{
	struct sync_msg m;
	pid_t pid;
	int r;

	if (!c->sandbox.born_last)
		return 0;
	/* Kept over fork; and the file that takes it is that of this process. */
	r = lsm_apply(&c->sandbox, e);
	if (r < 0)
		return r;
	pid = spawn_sibling(e);
	if (pid < 0)
		return pid;
	if (pid > 0) {
		(void)sync_send(c->sync_fd, SYNC_PID, pid);
		_exit(0);
	}
	if (parent_recv(c, &m) != 1 || m.kind != SYNC_GO)
		_exit(1);
	r = parent_bind(c, e);
	if (r < 0)
		return r;
	if (c->sandbox.process->terminal)
		return console_control(e);
	return setsid() < 0 ? error_set(e, errno, "make a session") : 0;
}

static void child_fail(struct child *c, struct error *e, const char *step)
	__attribute__((noreturn));

static void child_fail(struct child *c, struct error *e, const char *step)
{
	error_step(e, step);
	(void)sync_send_error(c->sync_fd, SYNC_ERROR, e);
	_exit(1);
}

static void child_main(struct child *c, const struct child_step *steps, size_t n)
	__attribute__((noreturn));

static void child_main(struct child *c, const struct child_step *steps, size_t n)
{
	struct payload p;
	struct error e = ERROR_INIT;

	timing_mark(c->timing, "born");
	if (child_run_steps(c, steps, n, &e) < 0)
		child_fail(c, &e, "child");
	if (payload_prepare(c, &p, &e) < 0)
		child_fail(c, &e, "command");
	if (child_be_born(c, &e) < 0)
		child_fail(c, &e, "born");
	if (c->sandbox.listen_fds)
		command_tell_pid(p.env);
	if (payload_await_start(c, &e) < 0)
		child_fail(c, &e, "ready");
	if (child_hooks_at_start(c, &e) == 0)
		payload_execute(c, &p, &e);
	child_fail(c, &e, "exec");
}

int child_tell_signals(int sync_fd)
{
	uint64_t ignored = signals_ignored();
	int i, r = 0;

	for (i = 1; r == 0 && ignored; i++, ignored >>= 1)
		if (ignored & 1)
			r = sync_send(sync_fd, SYNC_IGNORED, i);
	return r;
}

void child_main_create(struct child *c)
{
	/* clang-format off: one step a line */
	static const struct child_step steps[] = {
		{ "seal", child_take_on_seal },
		{ "settle", child_settle },
		{ "cgroup", child_enter_cgroup },
		{ "userns", child_enter_userns },
		{ "keyring", child_join_keyring },
		{ "namespaces", child_enter_namespaces },
		{ "rootfs", child_open_rootfs },
		{ "mounts", child_make_mounts },
		{ "devices", child_make_devices },
		{ "masks of /proc", child_mask_early },
		{ "leave", child_leave_early },
		{ "network", child_enter_network },
		{ "hooks", child_hooks_at_create },
		{ "console", child_make_console },
		{ "kernel", child_tune_kernel },
		{ "masks", child_mask },
		{ "pivot", child_pivot },
		{ "descriptors", child_shed_fds },
		{ "identity", child_assume_identity },
	};
	/* clang-format on */

	child_main(c, steps, ARRAY_SIZE(steps));
}

void child_main_exec(struct child *c)
{
	/* clang-format off: one step a line */
	static const struct child_step steps[] = {
		{ "seal", child_take_on_seal },        { "settle", child_settle },
		{ "join", child_join_target },         { "keyring", child_join_keyring },
		{ "console", child_make_console },     { "descriptors", child_shed_fds },
		{ "identity", child_assume_identity },
	};
	/* clang-format on */

	child_main(c, steps, ARRAY_SIZE(steps));
}
