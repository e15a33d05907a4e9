/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/events.h"
#include "oci.h"

#define DEATH_TIMEOUT_MS 5000

void report_warning(const struct oci_runtime *rt, const char *text)
{
	if (rt->warn)
		rt->warn(rt->warn_arg, text);
}

int report_pid_file(const char *path, pid_t pid, struct error *e)
{
	char text[16];

	if (str_empty(path))
		return 0;
	snprintf(text, sizeof(text), "%d", (int)pid);
	return file_replace(AT_FDCWD, path, text, strlen(text), 0644, e);
}

int report_pid_fd(const char *socket_path, int pid_fd, struct error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int fd = -1;
	int r;

	if (str_empty(socket_path))
		return 0;
	if (str_copy(addr.sun_path, sizeof(addr.sun_path), socket_path) < 0)
		return error_set(e, ENAMETOOLONG, "pidfd socket %s", socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return error_set(e, errno, "connect to the pidfd socket %s", socket_path);
	r = fd_send(fd, "pidfd", strlen("pidfd"), &pid_fd, 1);
	return r < 0 ? error_set(e, -r, "send the pidfd to %s", socket_path) : 0;
}

static bool report_was_oom(const struct cgroup *cg)
{
	struct memory_events events;
	autoclose int fd = -1;

	if (cg->fd < 0)
		return false;
	fd = memory_events_open(cg, NULL);
	return fd >= 0 && memory_events_read(fd, &events) == 0 && events.oom_kill > 0;
}

int report_dead_child(int pid_fd, const struct cgroup *cg, struct error *e)
{
	siginfo_t info = { 0 };

	if (proc_wait_exit(pid_fd, DEATH_TIMEOUT_MS) != 1)
		return error_say(e, EPROTO,
				 "the container's process closed its socket but lives");
	/* Left unreaped: whoever undoes the rest does that. */
	if (waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED | WNOWAIT) < 0)
		return error_say(e, ESRCH, "the container's process ended before it was ready");
	if (report_was_oom(cg)) {
		error_say(e, ENOMEM,
			  "the container's process ran out of memory before it started");
		error_hint(e, "raise linux.resources.memory.limit");
		return -ENOMEM;
	}
	if (info.si_code == CLD_EXITED)
		return error_say(e, EIO,
				 "the container's process ended with status %d too early",
				 info.si_status);
	error_say(e, EIO, "the container's process was killed by signal %d (%s) too early",
		  info.si_status, sigabbrev_np(info.si_status) ?: "?");
	/* systemd may have removed the cgroup, and the count with it. */
	if (info.si_status == SIGKILL)
		error_hint(e, "the kernel does so where memory runs out: "
			      "raise linux.resources.memory.limit if there is one");
	return -EIO;
}
