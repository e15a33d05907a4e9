/* SPDX-License-Identifier: Apache-2.0 */
#include "run/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"
#include "run/signals.h"

#define HOOK_OUTPUT_SHOWN 512

/* A memfd is a file: the hook may read late, slowly or not at all, and nobody waits. */
static int hook_make_stdin(const struct buf *state, struct error *e)
{
	autoclose int fd = memfd_create("state", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_set(e, errno, "make the hook's stdin");
	r = fd_write_all(fd, state->data, state->len);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set(e, r < 0 ? -r : errno, "write the hook's stdin");
	return take_fd(&fd);
}

static void hook_child(const struct hooks_run *h, const struct spec_hook *hook, int in_fd,
		       int out_fd) __attribute__((noreturn));

static void hook_child(const struct hooks_run *h, const struct spec_hook *hook, int in_fd,
		       int out_fd)
{
	static char *const nothing[] = { NULL };
	char *const only_path[] = { (char *)hook->path, NULL };
	char *const *args = hook->args.n ? hook->args.v : only_path;
	char *const *env = hook->env.n ? hook->env.v : nothing;

	setsid();
	signals_reset();
	if (h->cwd_fd >= 0 && fchdir(h->cwd_fd) < 0)
		_exit(127);
	if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0)
		_exit(127);
	fd_cloexec_from(3);
	execve(hook->path, args, env);
	dprintf(2, "%s", strerrordesc_np(errno));
	_exit(127);
}

/* ": " and the last line or two of what it said; nothing where it said nothing. */
static void hook_output(int out_fd, char *dst, size_t size)
{
	off_t end = lseek(out_fd, 0, SEEK_END), room = (off_t)size - 3;
	char *said = stpcpy(dst, ": "), *p;
	ssize_t n = pread(out_fd, said, (size_t)room, end > room ? end - room : 0);

	if (n < 0)
		n = 0;
	while (n > 0 && (said[n - 1] == '\n' || said[n - 1] == ' '))
		n--;
	said[n] = '\0';
	for (p = said; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	if (n == 0)
		dst[0] = '\0';
}

/* 1: ended, 0: its time is over, -ECANCELED, -errno. */
static int hook_wait(int pid_fd, int cancel_fd, int timeout_ms)
{
	uint64_t deadline = timeout_ms < 0 ? 0 : proc_now_ms() + (uint64_t)timeout_ms;
	struct pollfd p[2] = {
		{ .fd = pid_fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	for (;;) {
		uint64_t now = proc_now_ms();
		int left = timeout_ms < 0 ? -1 : now < deadline ? (int)(deadline - now) : 0;
		int r = poll(p, 2, left);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (p[0].revents)
			return 1;
		return p[1].revents ? -ECANCELED : 0;
	}
}

static int hook_finish(const struct hooks_run *h, const struct spec_hook *hook, pid_t pid,
		       int pid_fd, int out_fd, struct error *e)
{
	int timeout_ms = hook->timeout > 0 ? hook->timeout * 1000 : -1;
	char said[HOOK_OUTPUT_SHOWN];
	int status = 0, r;

	r = hook_wait(pid_fd, h->cancel_fd, timeout_ms);
	if (r != 1) {
		/* Its whole session: a hook that hangs often does so in a child. */
		kill(-pid, SIGKILL);
		proc_kill(pid_fd, SIGKILL);
	}
	proc_reap(pid_fd, &status);
	if (r == -ECANCELED)
		return error_say(e, ECANCELED, "canceled while it ran");
	if (r < 0)
		return error_set(e, -r, "wait for it");
	hook_output(out_fd, said, sizeof(said));
	if (r == 0)
		return error_say(e, ETIMEDOUT, "timed out after %d s and was killed%s",
				 hook->timeout, said);
	if (WIFSIGNALED(status))
		return error_say(e, EIO, "killed by signal %d (%s)%s", WTERMSIG(status),
				 sigabbrev_np(WTERMSIG(status)) ?: "?", said);
	if (WEXITSTATUS(status))
		return error_say(e, EIO, "exit status %d%s", WEXITSTATUS(status), said);
	return 0;
}

static int hook_run(const struct hooks_run *h, const struct spec_hook *hook, struct error *e)
{
	autoclose int in_fd = -1, out_fd = -1, pid_fd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pid_fd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	in_fd = hook_make_stdin(h->state, e);
	if (in_fd < 0)
		return in_fd;
	out_fd = memfd_create("output", MFD_CLOEXEC);
	if (out_fd < 0)
		return error_set(e, errno, "make its output");
	pid = sys_clone3(&args);
	if (pid < 0)
		return error_set(e, -pid, "fork");
	if (pid == 0)
		hook_child(h, hook, in_fd, out_fd);
	return hook_finish(h, hook, pid, pid_fd, out_fd, e);
}

int hooks_run_one(const struct hooks_run *h, size_t i, struct error *e)
{
	const struct spec_hook *hook = &h->hooks[h->stage].v[i];

	if (hook_run(h, hook, e) == 0)
		return 0;
	return error_prefix(e, "hooks.%s[%zu] (%s)", spec_hook_stage_name(h->stage), i,
			    hook->path);
}

int hooks_run(const struct hooks_run *h, struct error *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < h->hooks[h->stage].n; i++)
		r = hooks_run_one(h, i, e);
	return r;
}
