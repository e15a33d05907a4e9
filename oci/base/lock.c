/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"

/* The kernel waits without a deadline. So a child does it: the lock is the open file's, which both have. */
static int lock_await(int fd, int timeout_ms)
{
	autoclose int pid_fd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pid_fd,
		.exit_signal = SIGCHLD,
	};
	pid_t parent = getpid(), pid = sys_clone3(&args);
	int status, r;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		_exit(getppid() != parent || flock(fd, LOCK_EX) < 0);
	}
	if (pid < 0)
		return pid;
	proc_wait_exit(pid_fd, timeout_ms);
	proc_kill(pid_fd, SIGKILL);
	r = proc_reap(pid_fd, &status);
	return r < 0 ? r : status == 0;
}

int lock_take(int fd, int timeout_ms)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	if (errno != EWOULDBLOCK)
		return -errno;
	return timeout_ms ? lock_await(fd, timeout_ms) : 0;
}
