/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/kill.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"
#include "cgroup/cgroup.h"
#include "cgroup/freeze.h"
#include "cgroup/pids.h"

#define KILL_FREEZE_MS 1000

static int kill_one(pid_t pid, int signum, struct error *e)
{
	autoclose int fd = proc_open(pid);
	int r = fd < 0 ? fd : proc_kill(fd, signum);

	/* Ended meanwhile: killed from outside, or a zombie that was reaped. */
	if (r == -ESRCH || r == 0)
		return 0;
	return error_set(e, -r, "send signal %d to process %d", signum, (int)pid);
}

static int kill_listed(const struct cgroup *cg, int signum, struct error *e)
{
	struct cgroup_pids pids;
	size_t i;
	int r;

	r = cgroup_pids(cg, &pids, e);
	if (r < 0)
		return r;
	for (i = 0; i < pids.n; i++) {
		int one = kill_one(pids.v[i], signum, r == 0 ? e : NULL);

		if (r == 0)
			r = one;
	}
	cgroup_pids_done(&pids);
	return r;
}

/* --- who is killed himself while others are frozen ------------------------------------------- */

/* A process that thaws the cgroup when we end without having said that we did. */
struct thawer {
	int pid_fd; /* -1: none */
	int word_fd;
};

static void thawer_main(const struct cgroup *cg, int word_fd) __attribute__((noreturn));

static void thawer_main(const struct cgroup *cg, int word_fd)
{
	sigset_t all;
	char word;

	/* What ends us by a signal to all of a terminal or a session does not end it. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	if (read(word_fd, &word, 1) != 1)
		cgroup_write(cg, "cgroup.freeze", "0", NULL);
	_exit(0);
}

/* Where there is no room for one more process, it goes without. */
static struct thawer thawer_start(const struct cgroup *cg)
{
	struct thawer t = { .pid_fd = -1, .word_fd = -1 };
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&t.pid_fd,
		.exit_signal = SIGCHLD,
	};
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return t;
	pid = sys_clone3(&args);
	if (pid == 0) {
		close(pipe_fds[1]);
		thawer_main(cg, pipe_fds[0]);
	}
	close(pipe_fds[0]);
	t.word_fd = pipe_fds[1];
	if (pid < 0)
		t.pid_fd = -1;
	return t;
}

static void thawer_end(struct thawer *t)
{
	int status;

	if (t->pid_fd >= 0) {
		(void)!write(t->word_fd, "", 1);
		proc_reap(t->pid_fd, &status);
	}
	mem_closep(&t->pid_fd);
	mem_closep(&t->word_fd);
}

/*
 * Frozen processes do not fork, so the list is complete, and do not end by themselves, so
 * a number on it is not another process's meanwhile.
 */
static int kill_frozen(const struct cgroup *cg, int signum, struct error *e)
{
	struct thawer thawer = thawer_start(cg);
	int r = cgroup_freeze(cg, KILL_FREEZE_MS, e), thawed;

	/* One that cannot be frozen must not protect the others from the signal. */
	if (r == 0 || r == -ETIMEDOUT) {
		r = kill_listed(cg, signum, e);
		thawed = cgroup_write(cg, "cgroup.freeze", "0", r == 0 ? e : NULL);
		if (r == 0)
			r = thawed;
	}
	thawer_end(&thawer);
	return r;
}

static int kill_each(const struct cgroup *cg, int signum, struct error *e)
{
	int frozen;

	frozen = cgroup_is_frozen(cg, e);
	if (frozen == -ENOENT || frozen == -ENODEV)
		return 0; /* the cgroup is gone, and all its processes before it */
	if (frozen < 0)
		return frozen;
	return frozen ? kill_listed(cg, signum, e) : kill_frozen(cg, signum, e);
}

int cgroup_kill(const struct cgroup *cg, int signum, struct error *e)
{
	int r;

	if (signum != SIGKILL)
		return kill_each(cg, signum, e);
	r = cgroup_write(cg, "cgroup.kill", "1", e);
	if (r == -ENODEV)
		return 0; /* gone between open and write: systemd removes what is empty */
	/* Before Linux 5.14, or in a threaded cgroup, which has no such file. */
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return kill_each(cg, signum, e);
	return r;
}
