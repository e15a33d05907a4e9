/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "run/container.h"
#include "run/create.h"
#include "run/hooks.h"
#include "run/report.h"
#include "run/resources.h"
#include "run/sync.h"
#include "sandbox/idmap.h"
#include "sandbox/net_device.h"

int create_run_hooks(struct create *c, pid_t pid, struct error *e)
{
	autobuf text = { .max = STATE_MAX };
	struct hooks_run h = {
		.hooks = c->spec.hooks,
		.stage = SPEC_HOOK_PRESTART,
		.state = &text,
		.cwd_fd = c->child.sandbox.bundle_fd,
		.cancel_fd = c->rt->cancel_fd,
	};
	int r;

	r = container_state_json(&c->container.state, OCI_CREATING, pid, &text);
	if (r < 0)
		return error_set(e, -r, "hooks: write the state");
	r = hooks_run(&h, e);
	if (r < 0)
		return r;
	h.stage = SPEC_HOOK_CREATE_RUNTIME;
	return hooks_run(&h, e);
}

static int serve_hooks(struct create *c, struct error *e)
{
	struct state *s = &c->container.state;
	int r;

	/* Hooks may ask for the container's state: it must be on disk with its process. */
	s->pid = c->pid;
	r = state_write(c->container.dir_fd, s, e);
	return r < 0 ? r : create_run_hooks(c, c->pid, e);
}

static int serve_one(struct create *c, const struct sync_msg *m, struct error *e)
{
	int r;

	switch (m->kind) {
	case SYNC_WARNING:
		report_warning(c->rt, m->error.text);
		return 0;
	case SYNC_MAP:
		resources_raise_rlimits(c->pid, &c->spec.process);
		r = idmap_write(c->pid, &c->spec, e);
		break;
	case SYNC_HOOKS:
		r = net_devices_move(&c->spec.linux_, c->pid, e);
		if (r == 0)
			r = serve_hooks(c, e);
		break;
	default:
		return error_say(e, EPROTO, "the container's process said \"%s\" too early",
				 sync_kind_name(m->kind));
	}
	if (r < 0)
		return r;
	r = sync_send(c->sync_fd, SYNC_GO, c->pid);
	return r < 0 ? error_set(e, -r, "answer the container's process") : 0;
}

static int serve_failed(int r, struct error *e)
{
	if (r == -ECANCELED)
		return error_say(e, ECANCELED, "canceled while the container was made");
	return error_set(e, -r, "wait for the container's process");
}

static int serve_error(const struct sync_msg *m, struct error *e)
{
	if (e)
		*e = m->error;
	return m->error.errnum ? -m->error.errnum : -EIO;
}

int create_serve(struct create *c, struct error *e)
{
	struct sync_msg m;
	int r = 0;

	c->heard = true;
	if (c->hurry && !c->child.handoff)
		r = sync_await_end(c->sync_fd, c->rt->cancel_fd);
	if (r < 0)
		return serve_failed(r, e);
	for (;;) {
		r = sync_recv_or_cancel(c->sync_fd, c->rt->cancel_fd, &m);
		if (r < 0)
			return serve_failed(r, e);
		if (r == 0)
			return report_dead_child(c->pid_fd, &c->manager.cgroup, e);
		if (m.kind == SYNC_ERROR)
			return serve_error(&m, e);
		if (m.kind == SYNC_READY)
			return 0;
		r = serve_one(c, &m, e);
		if (r < 0)
			return r;
	}
}

int create_last_words(struct create *c, int r, struct error *e)
{
	struct error theirs = ERROR_INIT;
	struct sync_msg m;

	if (r == -ECANCELED || c->heard || c->pid_fd < 0 || proc_wait_exit(c->pid_fd, 0) != 1)
		return r;
	while (fd_wait(c->sync_fd, POLLIN, 0) == 1 && sync_recv(c->sync_fd, &m) == 1)
		if (m.kind == SYNC_ERROR)
			return serve_error(&m, e);
	r = report_dead_child(c->pid_fd, &c->manager.cgroup, &theirs);
	if (e)
		*e = theirs;
	return r;
}
