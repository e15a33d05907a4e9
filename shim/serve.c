/* SPDX-License-Identifier: Apache-2.0 */

/* The daemon: its loop, its children, its end. */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "container.h"
#include "process.h"
#include "service.h"
#include "shim.h"

/* How long answers and events may take to be delivered after Shutdown, and clients to hang up. */
#define SERVE_GRACE_MS 2000

/* How long a shim without container waits for somebody to connect, and then for a container. */
#define SERVE_ORPHAN_MS 10000
#define SERVE_IDLE_MS   30000

static void serve_expire(struct timer *t)
{
	loop_owner(t, struct shim, grace)->expired = true;
}

static void serve_remember_socket(struct shim *s)
{
	struct stat about;

	if (stat(s->socket, &about) == 0) {
		s->socket_dev = about.st_dev;
		s->socket_ino = about.st_ino;
	}
}

static void serve_remove_socket(const struct shim *s)
{
	struct stat about;

	if (stat(s->socket, &about) == 0 && about.st_dev == s->socket_dev &&
	    about.st_ino == s->socket_ino)
		unlink(s->socket);
}

/*
 * A `start` that comes now, of a container of the same name, shall find no shim that answers and then ends:
 * it makes its own. Where somebody else is connected he may go on here, and be looked for.
 */
void shim_stop(struct shim *s)
{
	s->stopping = true;
	s->expired = false;
	if (!server_has_others(&s->server)) {
		serve_remove_socket(s);
		server_close_door(&s->server);
	}
	if (timer_set(&s->loop, &s->grace, SERVE_GRACE_MS, serve_expire) < 0)
		s->expired = true;
}

static void serve_end_idle(struct timer *t)
{
	struct shim *s = loop_owner(t, struct shim, orphan);

	if (LIST_EMPTY(&s->containers))
		shim_stop(s);
}

/*
 * containerd ended, or met an error, between our start and the first container, or before Shutdown. One
 * that is back may have connected: since 1.7 it calls Shutdown where there is no task, 1.6 never does.
 */
static void serve_end_orphan(struct timer *t)
{
	struct shim *s = loop_owner(t, struct shim, orphan);

	if (!LIST_EMPTY(&s->containers))
		return;
	if (!s->server.n_conns || timer_set(&s->loop, t, SERVE_IDLE_MS, serve_end_idle) < 0)
		shim_stop(s);
}

static void serve_alone(struct server *server)
{
	struct shim *s = loop_owner(server, struct shim, server);

	if (LIST_EMPTY(&s->containers))
		timer_set(&s->loop, &s->orphan, SERVE_ORPHAN_MS, serve_end_orphan);
}

void shim_check_alone(struct shim *s)
{
	if (!s->server.n_conns)
		serve_alone(&s->server);
}

/*
 * As a subreaper we inherit what containers leave. A child that is known is finished by who knows it;
 * a stranger is reaped. It could be what a worker has made: but then that worker has ended before,
 * and finishing it makes the process known.
 */
static void serve_reap_children(struct shim *s)
{
	siginfo_t info;
	struct process *p;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
			return;
		if (workers_finish(&s->workers, info.si_pid))
			continue;
		p = process_of_pid(s, info.si_pid);
		if (!p && workers_finish_ended(&s->workers))
			continue;
		if (p)
			process_reap(p);
		else
			waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
}

static void serve_signals_ready(struct source *source, uint32_t events)
{
	struct shim *s = loop_owner(source, struct shim, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			serve_reap_children(s);
		else if (info.ssi_signo == SIGIO)
			rests_look(&s->rests);
		else
			shim_stop(s);
	}
}

static int serve_watch_signals(struct shim *s, struct error *e)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_set(e, errno, "block signals");
	signal(SIGPIPE, SIG_IGN);
	/* Ignored, as whoever started us may have left it, children would vanish unseen. */
	signal(SIGCHLD, SIG_DFL);
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->signals.ready = serve_signals_ready;
	if (s->signals.fd < 0)
		return error_set(e, errno, "watch signals");
	r = loop_set(&s->loop, &s->signals, EPOLLIN);
	return r < 0 ? error_set(e, -r, "watch signals") : 0;
}

static int serve_init(struct shim *s, int listen_fd, const char *ttrpc_address, struct error *e)
{
	int r;

	s->signals = SOURCE_NONE;
	s->grace = TIMER_NONE;
	s->orphan = TIMER_NONE;
	s->server.handle = service_handle;
	s->server.alone = serve_alone;
	LIST_INIT(&s->containers);
	workers_init(&s->workers, &s->loop);
	rests_init(&s->rests);
	serve_remember_socket(s);
	r = loop_init(&s->loop, e);
	if (r == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		r = error_set(e, errno, "become a subreaper");
	if (r == 0)
		r = serve_watch_signals(s, e);
	if (r == 0 && events_init(&s->events, &s->loop, ttrpc_address, s->namespace) < 0)
		r = error_set(e, ENOMEM, "events");
	if (r == 0) {
		notices_init(&s->notices, &s->loop, &s->events);
		s->workers.notices_fd = s->notices.out_fd;
	}
	if (r == 0)
		r = server_init(&s->server, &s->loop, listen_fd, e);
	if (r == 0)
		serve_alone(&s->server);
	return r;
}

/*
 * Who has called Shutdown hangs up first: the end of the connection right behind an answer can overtake
 * that in the client, which then reports a failure.
 */
static bool serve_is_over(const struct shim *s)
{
	return s->stopping &&
	       (s->expired || (!s->server.n_conns && events_acknowledged(&s->events)));
}

int shim_serve(struct shim *s, int listen_fd, const char *ttrpc_address, struct error *e)
{
	int r;

	r = serve_init(s, listen_fd, ttrpc_address, e);
	while (r == 0 && !serve_is_over(s))
		r = loop_once(&s->loop, e);
	serve_remove_socket(s);
	return r;
}
