/* SPDX-License-Identifier: Apache-2.0 */
#include "run/parent.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cgroup/cgroup.h"
#include "cgroup/path.h"
#include "run/child.h"
#include "run/signals.h"

/* Somebody who is not there any more cannot want this container. */
int parent_die_with(bool on, struct error *e)
{
	if (prctl(PR_SET_PDEATHSIG, on ? SIGKILL : 0, 0, 0, 0) < 0)
		return error_set(e, errno, "set the parent-death signal");
	return 0;
}

void parent_warn(void *arg, const char *text)
{
	struct child *c = arg;
	struct error e = ERROR_INIT;

	error_say(&e, EPERM, "%s", text);
	(void)sync_send_error(c->sync_fd, SYNC_WARNING, &e);
}

/* The ignored signals are told at any time after the network namespace. */
int parent_recv(struct child *c, struct sync_msg *m)
{
	int r;

	while ((r = sync_recv(c->sync_fd, m)) == 1 && m->kind == SYNC_IGNORED)
		signals_set_default(m->arg);
	return r;
}

/* The parent's word to go on. Without a parent there is no container: no text, nobody reads it. */
int parent_ask(struct child *c, enum sync_kind ask, enum sync_kind answer, struct error *e)
{
	struct sync_msg m = { 0 };
	int r;

	r = sync_send(c->sync_fd, ask, 0);
	if (r == 0)
		r = parent_recv(c, &m);
	if (r == 0)
		_exit(1);
	if (r < 0)
		return error_set(e, -r, "wait for the runtime (%s)", sync_kind_name(ask));
	if (m.kind != (uint32_t)answer && m.kind != SYNC_START)
		return error_say(e, EPROTO, "expected \"%s\" of the runtime, got \"%s\"",
				 sync_kind_name(answer), sync_kind_name(m.kind));
	if (m.arg)
		c->pid = m.arg;
	return (int)m.kind;
}

/* Where systemd has put us, which need not be where we thought that it would. */
int parent_await_cgroup(struct child *c, struct error *e)
{
	static char path[CGROUP_PATH_MAX];
	struct sync_msg m;
	int r = parent_recv(c, &m);

	if (r == 0)
		_exit(1);
	if (r < 0 || m.kind != SYNC_CGROUP)
		return error_set(e, r < 0 ? -r : EPROTO, "wait for the cgroup");
	if (!c->sandbox.cgroup_path_visible)
		return 0;
	r = cgroup_path_of(0, path, e);
	c->sandbox.cgroup_path = path;
	return r;
}

/* The parent may still be at it; without a parent there is no container. */
int parent_await_net(struct sandbox *sb, struct error *e)
{
	struct child *c = (struct child *)((char *)sb - offsetof(struct child, sandbox));
	autoclose int fd = -1;
	int r;

	r = sync_recv_fd(c->sync_fd, SYNC_NET, &fd);
	if (r == 0)
		_exit(1);
	if (r < 0)
		return error_set(e, -r, "receive the network namespace");
	if (setns(fd, CLONE_NEWNET) < 0)
		return error_set(e, errno, "join the new network namespace");
	return 0;
}

/*
 * A parent that died before it could take us along has closed its end. The lock is given up only now:
 * until then nobody removes what we may still make.
 */
int parent_bind(struct child *c, struct error *e)
{
	struct pollfd p = { .fd = c->sync_fd };
	int r;

	r = parent_die_with(true, e);
	if (r < 0)
		return r;
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
		_exit(1);
	mem_closep(&c->lock_fd);
	return 0;
}
