/* SPDX-License-Identifier: Apache-2.0 */
#include "run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"
#include "run/child.h"
#include "run/sync.h"

static pid_t spawn_clone(uint64_t flags, int cgroup_fd, int *pid_fd)
{
	struct clone_args args = {
		.flags = flags | CLONE_CLEAR_SIGHAND | CLONE_PIDFD |
			 (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pid_fd,
		/* With CLONE_PARENT it is the original's, and none may be given. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};

	return sys_clone3(&args);
}

static int spawn_clone_error(pid_t r, struct error *e)
{
	error_set(e, -r, "make the container's process");
	if (r == -EAGAIN)
		error_hint(e, "a limit on processes is reached (pids.max, RLIMIT_NPROC)");
	if (r == -ENOSPC)
		error_hint(e, "a limit on namespaces is reached: see /proc/sys/user/max_*");
	if (r == -EBUSY)
		error_hint(e,
			   "the cgroup has children with controllers, or is of another type");
	return r;
}

/*
 * setns on a pid namespace only concerns children to come, so it can be undone where our own is ours: this
 * process makes one child in there and is as before.
 */
static pid_t spawn_into_pidns(const struct spawn *s, int *pid_fd, struct error *e)
{
	autoclose int own_fd = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (own_fd < 0)
		return error_set(e, errno, "open our own pid namespace");
	if (setns(s->pid_ns_fd, CLONE_NEWPID) < 0)
		return error_set(e, errno, "join the pid namespace");
	pid = spawn_clone(s->flags, s->cgroup_fd, pid_fd);
	if (pid == 0)
		return 0;
	if (setns(own_fd, CLONE_NEWPID) < 0) {
		if (pid > 0)
			proc_kill(*pid_fd, SIGKILL);
		return error_set(e, errno, "return to our own pid namespace");
	}
	return pid < 0 ? spawn_clone_error(pid, e) : pid;
}

static void spawn_await_go(const struct child *c)
{
	struct sync_msg m;

	if (sync_recv(c->sync_fd, &m) != 1 || m.kind != SYNC_GO)
		_exit(1);
}

/* Not a word before the parent knows who speaks: ours could overtake the one that says so. */
static void spawn_begin(const struct spawn *s, struct child *c) __attribute__((noreturn));

static void spawn_begin(const struct spawn *s, struct child *c)
{
	spawn_await_go(c);
	s->main(c);
}

pid_t spawn_sibling(struct error *e)
{
	int pid_fd = -1;
	pid_t pid = spawn_clone(CLONE_PARENT, -1, &pid_fd);

	return pid < 0 ? spawn_clone_error(pid, e) : pid;
}

/* The intermediate process: joins, makes its younger sibling, tells who that is, and ends. */
static void spawn_between(const struct spawn *s, struct child *c, bool adopted)
	__attribute__((noreturn));

static void spawn_between(const struct spawn *s, struct child *c, bool adopted)
{
	struct error e = ERROR_INIT;
	int pid_fd = -1;
	pid_t pid;

	/* What is born after this is born where we have been moved. */
	if (adopted)
		spawn_await_go(c);
	/*
	 * Whoever rules in there could look into what has the host's descriptors (CVE-2016-9962), us and our sibling.
	 * In one that is new nobody is, and a user writes its id maps, which he could not of who hides.
	 */
	if (s->user_ns_fd >= 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		error_set(&e, errno, "hide from ptrace");
	} else if (s->user_ns_fd >= 0 && setns(s->user_ns_fd, CLONE_NEWUSER) < 0) {
		error_set(&e, errno, "join the user namespace");
	} else if (s->pid_ns_fd >= 0 && setns(s->pid_ns_fd, CLONE_NEWPID) < 0) {
		error_set(&e, errno, "join the pid namespace");
	} else {
		pid = spawn_clone(s->flags | CLONE_PARENT, -1, &pid_fd);
		if (pid == 0)
			spawn_begin(s, c);
		if (pid > 0) {
			(void)sync_send(c->sync_fd, SYNC_PID, pid);
			_exit(0);
		}
		spawn_clone_error(pid, &e);
	}
	error_step(&e, "spawn");
	(void)sync_send_error(c->sync_fd, SYNC_ERROR, &e);
	_exit(1);
}

static int spawn_adopt(const struct spawn *s, pid_t pid, int pid_fd, struct error *e)
{
	int status, r;

	r = s->adopt(s->adopt_arg, pid, e);
	if (r == 0) {
		r = sync_send(s->sync_fd, SYNC_GO, pid);
		if (r == 0)
			return 0;
		error_set(e, -r, "tell the process between to go on");
	}
	proc_kill(pid_fd, SIGKILL);
	proc_reap(pid_fd, &status);
	return r;
}

/* All it says it says before it ends. Its sibling has the same end of the socket, and keeps it open. */
static int spawn_hear_between(int sync_fd, int between_fd, struct sync_msg *ret)
{
	int status;

	proc_reap(between_fd, &status);
	return fd_wait(sync_fd, POLLIN, 0) > 0 ? sync_recv(sync_fd, ret) : -EPIPE;
}

static int spawn_through(const struct spawn *s, struct child *c, pid_t *ret_pid,
			 int *ret_pid_fd, struct error *e)
{
	autoclose int between_fd = -1;
	struct sync_msg m;
	bool adopted = false;
	int r;
	pid_t pid;

	pid = spawn_clone(0, s->cgroup_fd, &between_fd);
	if (pid == -EACCES && s->adopt) {
		adopted = true;
		pid = spawn_clone(0, -1, &between_fd);
	}
	if (pid < 0)
		return spawn_clone_error(pid, e);
	if (pid == 0) {
		close(s->sync_fd);
		spawn_between(s, c, adopted);
	}
	mem_closep(&c->sync_fd);
	c->sync_fd = -1;

	r = adopted ? spawn_adopt(s, pid, between_fd, e) : 0;
	if (r < 0)
		return r;
	r = spawn_hear_between(s->sync_fd, between_fd, &m);
	if (r <= 0)
		return error_say(e, EPIPE, "the process that joins the user namespace died");
	if (m.kind != SYNC_PID) {
		if (e)
			*e = m.error;
		return m.error.errnum ? -m.error.errnum : -EPROTO;
	}
	*ret_pid_fd = proc_open(m.arg);
	if (*ret_pid_fd < 0)
		return error_set(e, -*ret_pid_fd, "open the container's process");
	*ret_pid = m.arg;
	r = sync_send(s->sync_fd, SYNC_GO, m.arg);
	return r < 0 ? error_set(e, -r, "let the container's process begin") : 0;
}

int spawn(const struct spawn *s, struct child *c, pid_t *ret_pid, int *ret_pid_fd,
	  struct error *e)
{
	int pid_fd = -1;
	pid_t pid;

	if (s->user_ns_fd >= 0 || (s->pid_ns_fd >= 0 && !proc_owns_ns("pid_for_children")))
		return spawn_through(s, c, ret_pid, ret_pid_fd, e);

	if (s->pid_ns_fd >= 0) {
		pid = spawn_into_pidns(s, &pid_fd, e);
	} else {
		pid = spawn_clone(s->flags, s->cgroup_fd, &pid_fd);
		if (pid < 0)
			spawn_clone_error(pid, e);
	}
	if (pid == 0) {
		/* Ours is the other end: with a copy of this one the parent's death would not show. */
		close(s->sync_fd);
		s->main(c);
	}
	if (pid == -EACCES && s->cgroup_fd >= 0 && s->adopt) {
		if (e)
			*e = ERROR_INIT;
		return spawn_through(s, c, ret_pid, ret_pid_fd, e);
	}
	mem_closep(&c->sync_fd);
	c->sync_fd = -1;
	if (pid < 0) {
		mem_closep(&pid_fd);
		return pid;
	}
	*ret_pid = pid;
	*ret_pid_fd = pid_fd;
	return 0;
}
