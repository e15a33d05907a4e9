/* SPDX-License-Identifier: Apache-2.0 */
#include "criu/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "criu/request.h"
#include "criu/rpc.h"

#define SESSION_PATH   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SESSION_HANDED 16
#define SESSION_END_MS 10000 /* what it may take to tidy up */

/* --- the child ----------------------------------------------------------------------------------- */

/* CRIU runs others (tar, ip, nft), and packages put it where not everybody looks. */
static int session_set_path(void)
{
	const char *own = getenv("PATH");
	char path[4096];

	if (str_empty(own))
		return setenv("PATH", SESSION_PATH, 1);
	if (str_format(path, sizeof(path), "%s:%s", own, SESSION_PATH) < 0)
		return -1;
	return setenv("PATH", path, 1);
}

static void session_set_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int session_keep_fds(const struct criu_start *how, int socket_fd, int report_fd)
{
	int keep[2 + SESSION_HANDED], r;
	size_t n = 0, i;

	keep[n++] = socket_fd;
	keep[n++] = report_fd;
	for (i = 0; i < how->n_handed; i++)
		keep[n++] = how->handed[i];
	r = fd_close_except(3, keep, n);
	for (i = 0; r == 0 && i < how->n_handed; i++)
		r = fd_set_cloexec(how->handed[i], false);
	return r < 0 ? r : fd_set_cloexec(socket_fd, false);
}

/*
 * CRIU opens files that a request names through /proc, as those of whoever has made the socket: which is
 * itself, so that they are in its own mount namespace.
 */
static int session_make_socket(int report_fd, int *ret, struct error *e)
{
	const struct error nothing = ERROR_INIT;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(e, errno, "make a socket for criu");
	r = fd_send(report_fd, &nothing, sizeof(nothing), &pair[0], 1);
	close(pair[0]);
	*ret = pair[1];
	return r < 0 ? error_set(e, -r, "hand on criu's socket") : 0;
}

static int session_become(const struct criu_start *how, int report_fd, pid_t parent,
			  struct error *e)
{
	char number[16];
	char *args[] = { (char *)"criu", (char *)"swrk", number, NULL };
	int fd, r, socket_fd = -1;

	if (how->bound &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent))
		return error_say(e, ESRCH, "its parent has ended");
	r = how->prepare ? how->prepare(how->arg, e) : 0;
	if (r == 0)
		r = session_make_socket(report_fd, &socket_fd, e);
	if (r < 0)
		return r;
	for (fd = 0; how->stdio && fd <= 2; fd++)
		if (how->stdio[fd] >= 0 && dup2(how->stdio[fd], fd) < 0)
			return error_set(e, errno, "set up fd %d", fd);
	r = session_keep_fds(how, socket_fd, report_fd);
	if (r < 0)
		return error_set(e, -r, "hand on files to criu");
	session_set_signals();
	snprintf(number, sizeof(number), "%d", socket_fd);
	if (session_set_path() < 0)
		return error_set(e, ENOMEM, "set PATH for criu");
	execvp(args[0], args);
	error_set(e, errno, "execute criu");
	if (errno == ENOENT)
		error_hint(
			e,
			"checkpoints are made and restored by CRIU: install it (packages call "
			"it criu; Debian has it from version 13 on)");
	return -e->errnum;
}

static void session_child(const struct criu_start *how, int report_fd, pid_t parent)
	__attribute__((noreturn));

static void session_child(const struct criu_start *how, int report_fd, pid_t parent)
{
	struct error e = ERROR_INIT;

	session_become(how, report_fd, parent, &e);
	(void)fd_send(report_fd, &e, sizeof(e), NULL, 0);
	_exit(1);
}

/* --- the parent ---------------------------------------------------------------------------------- */

/* First comes the socket, then the end of this one, which closes on exec; or what it failed for. */
static int session_await(struct criu_session *s, int report_fd, struct error *e)
{
	for (;;) {
		struct error theirs = ERROR_INIT;
		int fd = -1;
		size_t n_fds = 1;
		ssize_t n = fd_recv(report_fd, &theirs, sizeof(theirs), &fd, &n_fds);

		if (n == 0 && s->socket_fd >= 0)
			return 0;
		if (n == sizeof(theirs) && n_fds == 1 && s->socket_fd < 0) {
			s->socket_fd = fd;
			continue;
		}
		if (n != sizeof(theirs) || theirs.errnum <= 0)
			return error_set(e, n < 0 ? (int)-n : EPROTO, "start criu");
		if (e)
			*e = theirs;
		return -theirs.errnum;
	}
}

int criu_begin(struct criu_session *s, const struct criu_start *how, struct error *e)
{
	autoclose int ours = -1, theirs = -1;
	pid_t parent = getpid();
	int pair[2], r;
	struct clone_args args = {
		.flags = CLONE_PIDFD | (how->cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&s->pid_fd,
		.exit_signal = SIGCHLD,
		.cgroup = how->cgroup_fd >= 0 ? (uint64_t)how->cgroup_fd : 0,
	};

	if (how->n_handed > SESSION_HANDED)
		return error_say(e, E2BIG, "criu: too many files to hand on");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(e, errno, "make a socket for criu's start");
	ours = pair[0];
	theirs = pair[1];
	s->pid = sys_clone3(&args);
	if (s->pid == 0)
		session_child(how, theirs, parent);
	if (s->pid < 0) {
		r = s->pid;
		s->pid = 0;
		return error_set(e, -r, "make a process for criu");
	}
	mem_closep(&theirs);
	theirs = -1;
	r = session_await(s, ours, e);
	if (r < 0)
		criu_end(s);
	return r;
}

/* 0: something is to be heard, or it has gone. */
static int session_poll(const struct criu_session *s, int cancel_fd, struct error *e)
{
	struct pollfd p[2] = {
		{ .fd = s->socket_fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	int r;

	do
		r = poll(p, 2, -1);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return error_set(e, errno, "wait for criu");
	if (p[0].revents)
		return 0;
	return error_say(e, ECANCELED, "canceled while criu was at it");
}

static int session_failed(const struct criu_answer *a, struct error *e)
{
	int errnum = a->errnum > 0 && a->errnum < 4096 ? a->errnum : EIO;
	bool speaks = *a->text != '\0';

	if (a->errnum > 0)
		return error_set(e, errnum, "criu has failed%s%s", speaks ? ": " : "", a->text);
	return error_say(e, errnum, "criu has failed%s%s", speaks ? ": " : "", a->text);
}

static int session_notified(const struct criu_session *s, const struct criu_events *ev,
			    const struct criu_answer *a, struct error *e)
{
	int r = ev->notify ? ev->notify(ev->arg, a->text, a->pid, a->fd, e) : 0, told;

	told = rpc_go_on(s->socket_fd, r == 0, r < 0 ? NULL : e);
	return r < 0 ? r : told;
}

static int session_talk(const struct criu_session *s, const struct criu_events *ev,
			pid_t *ret_pid, struct error *e)
{
	for (;;) {
		struct criu_answer a = { .fd = -1 };
		int r = session_poll(s, ev->cancel_fd, e);

		if (r == 0)
			r = rpc_hear(s->socket_fd, &a, e);
		if (r < 0)
			return r;
		if (a.notify) {
			r = session_notified(s, ev, &a, e);
		} else if (a.success) {
			*ret_pid = a.pid;
			r = 1;
		} else {
			r = session_failed(&a, e);
		}
		mem_closep(&a.fd);
		if (r)
			return r < 0 ? r : 0;
	}
}

int criu_serve(struct criu_session *s, const struct criu_request *rq,
	       const struct criu_events *ev, pid_t *ret_pid, struct error *e)
{
	pid_t pid = 0;
	int r;

	r = rpc_ask(s->socket_fd, rq, e);
	if (r == 0)
		r = session_talk(s, ev, &pid, e);
	/* It takes the end of its socket for the end of its work. */
	mem_closep(&s->socket_fd);
	s->socket_fd = -1;
	if (r == -ECANCELED)
		proc_kill(s->pid_fd, SIGTERM);
	proc_wait_exit(s->pid_fd, SESSION_END_MS);
	criu_end(s);
	if (r < 0)
		return r;
	if (ret_pid)
		*ret_pid = pid;
	return 0;
}

void criu_end(struct criu_session *s)
{
	int status;

	mem_closep(&s->socket_fd);
	if (s->pid_fd >= 0) {
		proc_kill(s->pid_fd, SIGKILL);
		proc_reap(s->pid_fd, &status);
		close(s->pid_fd);
	}
	*s = CRIU_SESSION_NONE;
}
