/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The file to read first: how a container comes to be. create_steps[] is the story; each step is a
 * function above it or, from "network" to "record", in create_meanwhile.c. What they share is struct create.
 */
#include "run/create.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "run/bundle.h"
#include "run/folder.h"
#include "run/hooks.h"
#include "run/notice.h"
#include "run/poststart.h"
#include "run/rdt.h"
#include "run/ready.h"
#include "run/report.h"
#include "run/resources.h"
#include "run/root_mount.h"
#include "run/seal.h"
#include "run/spawn.h"
#include "run/start.h"
#include "run/sync.h"
#include "run/teardown.h"
#include "run/timing.h"
#include "sandbox/console.h"
#include "sandbox/device_nodes.h"
#include "sandbox/lsm.h"
#include "sandbox/mount_idmap.h"
#include "sandbox/mounts.h"
#include "sandbox/ns.h"
#include "sandbox/rootfs.h"
#include "seccomp/handoff.h"

int create_read_bundle(struct create *c, struct error *e)
{
	size_t i;
	int r;

	r = bundle_read(c->rt, &c->arena, c->opt->bundle, c->opt->config, &c->bundle,
			&c->child.sandbox.bundle_fd, &c->config, &c->spec, e);
	for (i = 0; r == 0 && i < c->spec.warnings.n; i++)
		report_warning(c->rt, c->spec.warnings.v[i]);
	return r;
}

int create_apply_policies(struct create *c, struct error *e)
{
	int r;

	c->guard.keeps = true;
	c->filter = (struct filter){ .rt = c->rt, .guard = &c->guard, .run = c->run };
	r = guard_create(&c->guard, c->rt, c->opt->id, c->bundle, &c->spec, &c->arena, e);
	notice_request(c->rt, c->opt->id, "create", &c->guard.result);
	return r == 0 ? filter_policies(&c->filter, &c->spec, &c->arena, e) : r;
}

int create_make_folder(struct create *c, struct error *e)
{
	struct state *s = &c->container.state;
	int r;

	r = folder_make(c->rt, c->opt->id, &c->container.dir_fd, e);
	if (r < 0)
		return r;
	c->made_folder = true;

	stamp_now(c->created);
	s->id = arena_strdup(&c->arena, c->opt->id);
	s->oci_version = c->spec.oci_version;
	s->bundle = c->bundle;
	s->rootfs = bundle_rootfs(&c->arena, c->bundle, &c->spec);
	s->created = c->created;
	s->owner = geteuid();
	s->cgroup = "";
	s->annotations = c->spec.annotations;
	s->poststop = c->spec.hooks[SPEC_HOOK_POSTSTOP].n > 0;
	if (!s->id || !s->rootfs)
		return error_set(e, ENOMEM, "state");
	return rdt_record(&c->arena, &c->spec.linux_.intel_rdt, s, e);
}

/* The path is written down before the cgroup is made: whoever comes after a crash finds it. */
int create_begin_cgroup(struct create *c, struct error *e)
{
	struct manager_request rq = {
		.id = c->opt->id,
		.cgroups_path = c->spec.linux_.cgroups_path,
		.rootless = c->rt->rootless,
		.plan = &c->plan,
		.cancel_fd = c->rt->cancel_fd,
	};
	struct state *s = &c->container.state;
	char path[CGROUP_PATH_MAX] = "";
	int r;

	r = manager_kind_parse(c->rt->cgroup_manager ?: "cgroupfs", &rq.kind, e);
	if (r == 0 && rq.kind == MANAGER_SYSTEMD)
		c->root_fd = container_open_root(c->rt, false, NULL);
	rq.state_fd = c->root_fd;
	if (r == 0)
		r = limits_plan(&c->arena, &c->spec.linux_.resources, &c->plan, e);
	if (r == 0)
		r = manager_path(&c->manager, &rq, path, e);
	if (r < 0)
		return r;
	s->manager = rq.kind;
	s->cgroup = arena_strdup(&c->arena, path);
	if (!s->cgroup)
		return error_set(e, ENOMEM, "cgroup");
	/* With none of its own there is nothing to find. */
	r = str_empty(path) ? 0 : state_write(c->container.dir_fd, s, e);
	if (r < 0)
		return r;

	resources_tell_ignored(c->rt, &c->plan);
	c->has_manager = true;
	return manager_begin(&c->manager, &rq, e);
}

static int create_offer_ready(struct create *c, struct error *e)
{
	int dir_fd = c->container.dir_fd, r;

	if (!c->opt->notify)
		return 0;
	r = ready_offer(dir_fd, &c->arena, &c->spec, e);
	if (r < 0 || !c->run)
		return r;
	c->ready_fd = ready_listen(dir_fd, e);
	return c->ready_fd < 0 ? c->ready_fd : 0;
}

/* What is bound must be the host's own peer: of the child's view the root is none any more (rootfs_open). */
static bool create_shares_mounts(const struct create *c)
{
	return !c->rt->rootless && c->spec.linux_.rootfs_propagation == MS_SHARED;
}

struct sandbox *create_describe_sandbox(struct create *c)
{
	struct sandbox *sb = &c->child.sandbox;

	sb->spec = &c->spec;
	sb->process = &c->spec.process;
	sb->id = c->opt->id;
	sb->bundle = c->bundle;
	sb->no_pivot = c->opt->no_pivot;
	sb->no_new_keyring = c->opt->no_new_keyring;
	sb->preserve_fds = c->opt->preserve_fds;
	sb->preserve_gaps = c->opt->preserve_gaps;
	sb->listen_fds = c->opt->listen_fds;
	sb->listen_names = c->opt->listen_names;
	sb->own_userns = sandbox_has_ns(sb, SPEC_NS_USER);
	/* Who has no power over mounts leaves it to the child, who has, and whose ids are his. */
	sb->foreign_userns = sb->own_userns && !c->rt->rootless;
	return sb;
}

/* Everything the child cannot or must not reach by itself is opened here, in the host's view. */
static int create_open_outside(struct create *c, struct error *e)
{
	struct sandbox *sb = create_describe_sandbox(c);
	int r;

	r = create_offer_ready(c, e);
	if (r == 0)
		r = lsm_check(sb, e);
	if (r == 0)
		r = ns_open_paths(sb, e);
	if (r == 0 && sandbox_shares_mounts(sb))
		r = root_mount_make(sb, &c->container.state, c->container.dir_fd, e);
	else if (r == 0 && sb->foreign_userns)
		r = rootfs_clone(sb, e);
	if (r == 0)
		r = device_nodes_make(sb, e);
	if (r == 0 && (sb->foreign_userns || c->guard.pinned || mount_idmap_wanted(sb) ||
		       create_shares_mounts(c)))
		r = mounts_open_sources(sb, e);
	return r;
}

int create_open_console(struct create *c, struct error *e)
{
	const struct oci_create_options *opt = c->opt;
	struct sandbox *sb = &c->child.sandbox;
	bool given = opt->console_fd >= 0 || !str_empty(opt->console_socket);

	if (!c->spec.process.terminal) {
		if (str_empty(opt->console_socket))
			return 0;
		return error_say(e, EINVAL,
				 "a console socket is given, but process.terminal is not set");
	}
	if (!given) {
		error_say(e, EINVAL, "process.terminal is set, but there is no console socket");
		error_hint(e, "give --console-socket, or set process.terminal to false");
		return -EINVAL;
	}
	console_default_size(&c->spec.process, opt->rows, opt->columns);
	sb->console_fd = opt->console_fd >= 0 ? fcntl(opt->console_fd, F_DUPFD_CLOEXEC, 3)
					      : console_connect(opt->console_socket, e);
	if (sb->console_fd < 0 && opt->console_fd >= 0)
		return error_set(e, errno, "console socket");
	return sb->console_fd < 0 ? sb->console_fd : 0;
}

static int create_open_sockets(struct create *c, struct error *e)
{
	int pair[2], r;

	r = sync_pair(pair);
	if (r < 0)
		return error_set(e, -r, "make the sync socket");
	c->sync_fd = pair[0];
	c->child.sync_fd = pair[1];
	if (!c->run) {
		c->child.listen_fd = folder_listen(c->container.dir_fd, e);
		if (c->child.listen_fd < 0)
			return c->child.listen_fd;
	}
	return 0;
}

/* The child needs its filter last of all, so it is compiled while the child builds. */
static int create_share_filter(struct create *c, struct error *e)
{
	return filter_share(&c->filter, &c->spec, c->container.dir_fd, &c->child.handoff, e);
}

/*
 * A privileged container without a cgroup namespace, as those of Kubernetes are: what manages the node from
 * within one (kind, a kubelet) finds the paths of /proc/self/cgroup in the tree, writable if it asked so. It
 * could mount that itself; nobody else gets to see more of the tree than is its own.
 */
static bool create_rules_host(const struct create *c)
{
	return !c->rt->rootless && !c->child.sandbox.own_userns &&
	       c->spec.process.capabilities.effective & 1ull << CAP_SYS_ADMIN;
}

static bool create_is_systemds(const struct create *c)
{
	return c->manager.kind == MANAGER_SYSTEMD;
}

/* As far as it is known: systemd has the last word on where its scopes are. */
static void create_name_cgroup(struct create *c)
{
	struct sandbox *sb = &c->child.sandbox;

	if (c->manager.cgroup.fd >= 0 || !create_is_systemds(c))
		c->container.state.cgroup = c->manager.cgroup.path;
	sb->cgroup_path =
		str_empty(c->container.state.cgroup) ? NULL : c->container.state.cgroup;
	sb->cgroup_path_visible = !sandbox_has_ns(sb, SPEC_NS_CGROUP) && !create_rules_host(c);
}

/* It makes a scope around the container's process, which waits, and works while we do. */
int create_ask_systemd(struct create *c, struct error *e)
{
	return manager_ask(&c->manager, c->pid, e);
}

int create_await_cgroup(struct create *c, struct error *e)
{
	struct sandbox *sb = &c->child.sandbox;
	int r;

	/* While systemd is at it, what takes longest of the rest. */
	if (create_is_systemds(c) && ns_net_apart(sb)) {
		c->net_fd = ns_make_net(&c->net_socket_fd, e);
		if (c->net_fd < 0)
			return c->net_fd;
	}
	r = manager_ready(&c->manager, &c->plan, MANAGER_TIMEOUT_MS, e);
	if (r < 0)
		return r;
	create_name_cgroup(c);
	if (!create_is_systemds(c) || c->pid_fd < 0)
		return 0;
	r = sync_send(c->sync_fd, SYNC_CGROUP, 0);
	return r < 0 && !create_child_is_gone(c, r)
		       ? error_set(e, -r, "tell the container's process of its cgroup")
		       : 0;
}

static int create_adopt(void *arg, pid_t pid, struct error *e)
{
	struct create *c = arg;

	return manager_adopt(&c->manager, &c->manager.cgroup, pid, e);
}

static int create_spawn(struct create *c, struct error *e)
{
	const struct sandbox *sb = &c->child.sandbox;
	struct spawn s = {
		.flags = ns_clone_flags(sb),
		.cgroup_fd = c->manager.cgroup.fd,
		.user_ns_fd = sb->ns_fd[SPEC_NS_USER],
		.pid_ns_fd = sb->ns_fd[SPEC_NS_PID],
		.sync_fd = c->sync_fd,
		.main = child_main_create,
		.adopt = create_adopt,
		.adopt_arg = c,
	};
	int r;

	r = seal_open(&c->child.seal, e);
	if (r < 0)
		return r;
	create_name_cgroup(c);
	c->child.awaits_cgroup = create_is_systemds(c);
	c->child.state = &c->container.state;
	c->child.filter = filter_of_child(&c->filter);
	c->child.timing = c->rt->timing;
	c->child.lock_fd = c->container.dir_fd;
	memcpy(c->child.stdio, c->opt->stdio, sizeof(c->child.stdio));
	r = spawn(&s, &c->child, &c->pid, &c->pid_fd, e);
	c->child.lock_fd = -1;
	return r;
}

/* The point of no return for create: the child now outlives us. */
static int create_release(struct create *c, struct error *e)
{
	struct reporter_options report = {
		.id = c->opt->id,
		.where = filter_report(&c->filter),
		.policy_fd = c->rt->policy_fd,
		.record = c->rt->record,
		.guard = &c->guard,
		.plain = &c->filter.plain,
	};
	struct start s = {
		.rt = c->rt,
		.spec = &c->spec,
		.state = &c->container.state,
		.status = OCI_CREATING,
		.sync_fd = c->sync_fd,
		.pid_fd = c->pid_fd,
		.pid = c->pid,
		.handoff = c->child.handoff,
		.sent = c->hurry,
		.reporter = c->filter.watched ? &c->reporter : NULL,
		.report = &report,
	};
	int r;

	if (c->run) {
		r = start_payload(&s, e);
		return r < 0 ? r : poststart_run(c->rt, s.state, &c->spec, c->pid_fd, e);
	}
	r = sync_send(c->sync_fd, SYNC_GO, c->pid);
	return r < 0 ? error_set(e, -r, "release the container's process") : 0;
}

/* clang-format off: one step a line */
static const struct create_step create_steps[] = {
	{ "config", create_read_bundle },
	{ "policy", create_apply_policies },
	{ "state", create_make_folder },
	{ "cgroup", create_begin_cgroup },
	{ "outside", create_open_outside },
	{ "console", create_open_console },
	{ "sockets", create_open_sockets },
	{ "filter", create_share_filter },
	{ "spawn", create_spawn },
	{ "ask", create_ask_systemd },
	{ "await", create_await_cgroup },
	{ "network", create_make_net },
	{ "signals", create_tell_signals },
	{ "seccomp", create_make_filter },
	{ "limits", create_set_limits },
	{ "seal", create_drop_seal },
	{ "save", create_save },
	{ "hurry", create_hurry },
	{ "child", create_serve },
	{ "record", create_record },
	{ "release", create_release },
};
/* clang-format on */

void create_close(struct create *c)
{
	struct sandbox *sb = &c->child.sandbox;
	int *const fds[] = {
		&sb->tree_fd,        &sb->console_fd, &sb->bundle_fd, &c->child.sync_fd,
		&c->child.listen_fd, &c->sync_fd,     &c->net_fd,     &c->net_socket_fd,
		&c->pid_fd,          &c->root_fd,
	};
	size_t i;

	seal_done(&c->child.seal);
	mounts_close_sources(sb);
	device_nodes_close(sb);
	ns_close_paths(sb);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		mem_closep(fds[i]);
		*fds[i] = -1;
	}
	seccomp_handoff_unmap(c->child.handoff);
	c->child.handoff = NULL;
	filter_done(&c->filter);
	buf_done(&c->config);
	guard_done(&c->guard);
}

/* What it was made with is given back first: there may have been too few descriptors. */
static void create_undo(struct create *c)
{
	int pid_fd = take_fd(&c->pid_fd);
	struct teardown t = {
		.rt = c->rt,
		.state = &c->container.state,
		.spec = &c->spec,
		.dir_fd = c->made_folder ? c->container.dir_fd : -1,
		.pid_fd = pid_fd,
		.reap = pid_fd >= 0,
		.manager = c->has_manager ? &c->manager : NULL,
		.poststop = c->container.state.pid > 0,
	};

	create_close(c);
	teardown_run(&t, NULL);
	mem_closep(&pid_fd);
}

void create_done(struct create *c)
{
	create_close(c);
	mem_closep(&c->container.dir_fd);
	reporter_done(&c->reporter);
	manager_done(&c->manager);
	arena_done(&c->arena);
	spec_done(&c->spec);
}

int create_walk(struct create *c, const struct create_step *steps, size_t n, struct error *e)
{
	size_t i;
	int r;

	for (i = 0, r = 0; r == 0 && i < n; i++) {
		r = steps[i].run(c, e);
		if (r < 0)
			r = create_last_words(c, r, e);
		if (r < 0)
			error_step(e, steps[i].name);
		timing_mark(c->rt->timing, steps[i].name);
	}
	if (r < 0)
		create_undo(c);
	return r;
}

void create_init(struct create *c, const struct oci_runtime *rt,
		 const struct oci_create_options *opt, bool run)
{
	*c = (struct create){
		.rt = rt,
		.opt = opt,
		.run = run,
		.container = CONTAINER_INIT,
		.manager = MANAGER_INIT,
		.reporter = REPORTER_NONE,
		.child = { .sandbox = SANDBOX_INIT,
			   .seal = SEAL_NONE,
			   .sync_fd = -1,
			   .listen_fd = -1,
			   .lock_fd = -1 },
		.sync_fd = -1,
		.root_fd = -1,
		.ready_fd = -1,
		.net_fd = -1,
		.net_socket_fd = -1,
		.pid_fd = -1,
	};
	c->container.rt = rt;
	arena_init(&c->arena, STATE_MAX);
}

int create_container(struct create *c, const struct oci_runtime *rt,
		     const struct oci_create_options *opt, bool run, struct oci_process *ret,
		     struct error *e)
{
	int r;

	create_init(c, rt, opt, run);
	r = create_walk(c, create_steps, ARRAY_SIZE(create_steps), e);
	if (r < 0)
		return r;
	ret->pid = c->pid;
	ret->pid_fd = take_fd(&c->pid_fd);
	return 0;
}

int oci_create(const struct oci_runtime *rt, const struct oci_create_options *opt,
	       struct oci_process *ret, struct error *e)
{
	struct create c;
	int r = create_container(&c, rt, opt, false, ret, e);

	create_done(&c);
	return r;
}
