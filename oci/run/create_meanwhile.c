/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What we make while the child builds, on the other processor: the network namespace, the seccomp filter, limits,
 * and what later commands will need.
 */
#include "run/create.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "run/rdt.h"
#include "run/report.h"
#include "run/resources.h"
#include "run/seal.h"
#include "run/sync.h"
#include "sandbox/ns.h"

bool create_child_is_gone(const struct create *c, int r)
{
	if (r != -EPIPE && r != -ECONNRESET)
		return false;
	shutdown(c->sync_fd, SHUT_WR);
	return true;
}

int create_make_net(struct create *c, struct error *e)
{
	int r;

	if (!ns_net_apart(&c->child.sandbox))
		return 0;
	if (c->net_fd < 0)
		c->net_fd = ns_make_net(&c->net_socket_fd, e);
	if (c->net_fd < 0)
		return c->net_fd;
	r = sync_send_fd(c->sync_fd, SYNC_NET, c->net_fd);
	mem_closep(&c->net_fd);
	c->net_fd = -1;
	if (r < 0 && !create_child_is_gone(c, r))
		return error_set(e, -r, "hand over the network namespace");
	/* Nothing runs there before our last word. */
	return ns_raise_loopback(c->net_socket_fd, e);
}

int create_tell_signals(struct create *c, struct error *e)
{
	int r = child_tell_signals(c->sync_fd);

	return r < 0 && !create_child_is_gone(c, r)
		       ? error_set(e, -r, "tell the signals to reset")
		       : 0;
}

int create_make_filter(struct create *c, struct error *e)
{
	return filter_make(&c->filter, &c->spec, e);
}

static int create_join_rdt(struct create *c, struct error *e)
{
	const struct spec_intel_rdt *rdt = &c->spec.linux_.intel_rdt;
	autoclose int rdt_fd = -1;

	if (!rdt->present)
		return 0;
	rdt_fd = rdt_open(e);
	return rdt_fd < 0 ? rdt_fd : rdt_create(rdt_fd, rdt, &c->container.state, c->pid, e);
}

int create_set_limits(struct create *c, struct error *e)
{
	int r;

	r = resources_apply(&c->manager, &c->plan, &c->spec.linux_.resources, 1, e);
	if (r == 0)
		r = resources_give_cgroup(&c->manager.cgroup, &c->spec, c->rt->rootless, e);
	return r < 0 ? r : create_join_rdt(c, e);
}

/* Before anything can run in there. */
int create_drop_seal(struct create *c, struct error *e)
{
	(void)e;
	seal_done(&c->child.seal);
	return 0;
}

int create_save(struct create *c, struct error *e)
{
	int dir_fd = c->container.dir_fd, r;

	r = file_replace(dir_fd, STATE_CONFIG, c->config.data, c->config.len, 0600, e);
	if (r == 0)
		r = filter_save(&c->filter, dir_fd, e);
	if (r == 0)
		r = guard_save(&c->guard, dir_fd, e);
	if (r == 0)
		r = resources_set_oom_score(c->rt, c->pid, &c->spec.process, e);
	return r;
}

static int create_write_record(struct create *c, bool ready, struct error *e)
{
	struct state *s = &c->container.state;
	int r;

	s->pid = c->pid;
	s->ready = ready;
	r = proc_start_time(c->pid, &s->start_time);
	if (r < 0)
		return error_set(e, -r, "look at the container's process");
	r = state_write(c->container.dir_fd, s, e);
	if (r == 0)
		r = report_pid_file(c->opt->pid_file, c->pid, e);
	if (r == 0)
		r = report_pid_fd(c->opt->pidfd_socket, c->pid_fd, e);
	return r;
}

/*
 * `run` knows what it will answer to READY. If the child has no other question (id maps, hooks), the
 * answer waits in its socket, and nobody wakes anybody: two switches fewer on the way. Its process is
 * on record then, should we be killed; but nobody may enter what is half made, with the host in sight.
 */
int create_hurry(struct create *c, struct error *e)
{
	const struct spec_hooks *h = c->spec.hooks;
	int r;

	if (!c->run || sandbox_new_ns(&c->child.sandbox, SPEC_NS_USER) ||
	    h[SPEC_HOOK_PRESTART].n || h[SPEC_HOOK_CREATE_RUNTIME].n ||
	    h[SPEC_HOOK_CREATE_CONTAINER].n || c->spec.linux_.n_net_devices)
		return 0;
	c->hurry = true;
	r = create_write_record(c, false, e);
	if (r < 0)
		return r;
	r = sync_send(c->sync_fd, SYNC_START, c->pid);
	if (create_child_is_gone(c, r))
		return 0;
	return r < 0 ? error_set(e, -r, "tell the container's process to start") : 0;
}

int create_record(struct create *c, struct error *e)
{
	if (!c->hurry)
		return create_write_record(c, true, e);
	c->container.state.ready = true;
	return state_write(c->container.dir_fd, &c->container.state, e);
}
