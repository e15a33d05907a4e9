/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/anchor.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"

static void anchor_main(pid_t parent) __attribute__((noreturn));

static void anchor_main(pid_t parent)
{
	/* Locks and sockets of the parent's must not live on in here. */
	sys_close_range(0, ~0u, 0);
	prctl(PR_SET_NAME, "strake:anchor", 0, 0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		pause();
}

int anchor_start(struct anchor *a, struct error *e)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&a->pid_fd,
		.exit_signal = SIGCHLD,
	};
	pid_t parent = getpid(), pid;
	sigset_t all, before;

	/* No handler of the parent's runs in here, and no key on its terminal ends us. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = sys_clone3(&args);
	if (pid == 0)
		anchor_main(parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return error_set(e, -pid, "make a process to begin the scope with");
	a->pid = pid;
	return 0;
}

void anchor_end(struct anchor *a)
{
	int status;

	if (a->pid_fd >= 0) {
		proc_kill(a->pid_fd, SIGKILL);
		proc_reap(a->pid_fd, &status);
		close(a->pid_fd);
	}
	*a = ANCHOR_NONE;
}
