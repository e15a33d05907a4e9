/* SPDX-License-Identifier: Apache-2.0 */
#include "run/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/manager.h"
#include "run/container.h"
#include "run/delete.h"
#include "run/poststart.h"
#include "run/reporter.h"
#include "run/sync.h"
#include "run/timing.h"
#include "run/witness.h"
#include "seccomp/load.h"
#include "seccomp/notify.h"
#include "spec/spec.h"

#define LISTENER_TIMEOUT_MS 5000

static void start_write_state(struct json_writer *w, const void *arg)
{
	const struct start *s = arg;

	/* The container's own process, also where another one was started in it. */
	container_write_state(w, s->state, s->status, s->state->pid);
}

/* The listener leaves the child without a system call of the child's, which may be notified. */
static int start_hand_over_listener(const struct start *s, struct error *e)
{
	const struct spec_seccomp *filter = &s->spec->linux_.seccomp;
	struct seccomp_notify n = {
		.oci_version = s->state->oci_version,
		.pid = s->pid,
		.metadata = filter->listener_metadata,
		.write_state = start_write_state,
		.state = s,
	};
	autoclose int fd = -1;
	int r;

	if (!s->handoff)
		return error_say(e, EPROTO, "a listener nobody expected");
	fd = seccomp_handoff_take(s->handoff, s->pid_fd, LISTENER_TIMEOUT_MS, e);
	if (fd < 0)
		return fd;
	if (s->reporter) {
		r = reporter_start(s->reporter, s->report, fd, e);
		if (r < 0)
			return r;
	} else {
		r = seccomp_notify_send(filter->listener_path, &n, fd, LISTENER_TIMEOUT_MS, e);
		if (r < 0)
			return error_prefix(e, "linux.seccomp.listenerPath");
	}
	seccomp_handoff_release(s->handoff);
	return 0;
}

int start_payload(const struct start *s, struct error *e)
{
	struct sync_msg m;
	int r;

	r = s->sent ? 0 : sync_send(s->sync_fd, SYNC_START, s->pid);
	if (r < 0)
		return error_set(e, -r, "tell the container's process to start");

	for (;;) {
		r = sync_recv_or_cancel(s->sync_fd, s->rt->cancel_fd, &m);
		if (r == 0)
			return 0;
		if (r < 0)
			return error_set(e, -r, "wait for the container's process to execute");
		if (m.kind == SYNC_ERROR) {
			if (e)
				*e = m.error;
			return m.error.errnum ? -m.error.errnum : -EIO;
		}
		if (m.kind == SYNC_WARNING && s->rt->warn)
			s->rt->warn(s->rt->warn_arg, m.error.text);
		if (m.kind == SYNC_LOADING) {
			r = start_hand_over_listener(s, e);
			if (r < 0)
				return r;
		}
	}
}

/* The path may be longer than sun_path: through the folder's descriptor it is short. */
static int start_connect(const struct container *c, struct error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(e, errno, "make a socket");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", c->dir_fd,
		 STATE_SOCKET);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return error_set(e, errno, "container \"%s\": reach its waiting process",
				 c->state.id);
	return take_fd(&fd);
}

static int start_check_status(const struct container *c, struct error *e)
{
	enum oci_status status;
	int r;

	r = container_status(c, &status, e);
	if (r < 0)
		return r;
	if (status == OCI_CREATED)
		return 0;
	error_say(e, EINVAL, "cannot start container \"%s\": it is %s, not created",
		  c->state.id, oci_status_name(status));
	if (status == OCI_STOPPED)
		error_hint(e, "delete it and create it again");
	return -EINVAL;
}

static int start_map_handoff(const struct container *c, const struct spec *spec, bool watched,
			     struct seccomp_handoff **ret, struct error *e)
{
	autoclose int fd = -1;
	bool agent =
		spec->linux_.seccomp.present && !str_empty(spec->linux_.seccomp.listener_path);
	int r;

	*ret = NULL;
	if (!agent && !watched)
		return 0;
	fd = openat(c->dir_fd, STATE_HANDOFF, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(e, errno, "open " STATE_HANDOFF);
	r = seccomp_handoff_map(fd, ret);
	return r < 0 ? error_set(e, -r, "map " STATE_HANDOFF) : 0;
}

/* The payload could not be executed: the process is gone or going, and nobody will start it. */
static void start_give_up(const struct container *c, int pid_fd)
{
	proc_kill(pid_fd, SIGKILL);
	proc_wait_exit(pid_fd, 1000);
	unlinkat(c->dir_fd, STATE_SOCKET, 0);
}

/* runtime.md, lifecycle, 9: a failing poststart hook takes the container with it. */
static void start_destroy(struct container *c, const struct spec *spec)
{
	struct manager m = MANAGER_INIT;
	int r = manager_open(&m, c->state.manager, c->state.cgroup, c->rt->rootless, NULL);

	if (r == 0 || r == -ENOENT)
		delete_container(c, spec, &m, NULL);
	manager_done(&m);
}

int oci_start(const struct oci_runtime *rt, const char *id, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autoclose int sync_fd = -1, pid_fd = -1;
	struct witness witness = WITNESS_INIT;
	struct spec spec = { 0 };
	struct start s = { .rt = rt, .spec = &spec, .state = &c.state, .status = OCI_CREATING };
	int r;

	r = container_open(rt, id, CONTAINER_LOCK_MS, &c, e);
	if (r < 0)
		return r;
	r = start_check_status(&c, e);
	if (r < 0)
		return r;
	pid_fd = container_open_init(&c);
	if (pid_fd < 0)
		return error_set(e, -pid_fd, "container \"%s\": open its process", id);
	r = container_read_spec(&c, &spec, e);
	if (r < 0)
		return r;
	r = witness_open(&witness, &c, e);
	if (r == 1) {
		s.reporter = &witness.reporter;
		s.report = &witness.options;
	}
	if (r >= 0)
		r = start_map_handoff(&c, &spec, r == 1, &s.handoff, e);
	if (r == 0)
		r = sync_fd = start_connect(&c, e);
	if (r >= 0) {
		s.sync_fd = sync_fd;
		s.pid_fd = pid_fd;
		s.pid = c.state.pid;
		r = start_payload(&s, e);
		if (r < 0)
			start_give_up(&c, pid_fd);
	}
	if (r >= 0) {
		unlinkat(c.dir_fd, STATE_SOCKET, 0);
		timing_mark(rt->timing, "started");
		r = poststart_run(rt, &c.state, &spec, pid_fd, e);
		if (r < 0)
			start_destroy(&c, &spec);
	}
	seccomp_handoff_unmap(s.handoff);
	witness_done(&witness);
	spec_done(&spec);
	return r < 0 ? r : 0;
}
