/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/idmap_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "spec/spec.h"

#define HELPER_MS    30000
#define HELPER_SHOWN 256
#define HELPER_GONE  127 /* its exit status where it could not be executed for want of it */

/* "newuidmap PID INSIDE OUTSIDE COUNT ...", in one piece of memory. */
static char **helper_args(const char *program, pid_t pid, const struct spec_id_mapping *m,
			  size_t n)
{
	const size_t width = 12; /* a number of 32 bits */
	size_t count = 2 + 3 * n, i;
	char **args = malloc((count + 1) * sizeof(*args) + count * width);
	char *text;

	if (!args)
		return NULL;
	text = (char *)(args + count + 1);
	for (i = 0; i < count; i++)
		args[i] = text + i * width;
	args[0] = (char *)program;
	args[count] = NULL;
	snprintf(args[1], width, "%d", (int)pid);
	for (i = 0; i < n; i++) {
		snprintf(args[2 + 3 * i], width, "%u", m[i].container_id);
		snprintf(args[3 + 3 * i], width, "%u", m[i].host_id);
		snprintf(args[4 + 3 * i], width, "%u", m[i].size);
	}
	return args;
}

static void helper_main(char **args, int out_fd) __attribute__((noreturn));

static void helper_main(char **args, int out_fd)
{
	if (dup2(out_fd, STDOUT_FILENO) >= 0 && dup2(out_fd, STDERR_FILENO) >= 0)
		execvp(args[0], args);
	_exit(errno == ENOENT ? HELPER_GONE : 1);
}

static int helper_missing(const char *program, struct error *e)
{
	error_say(e, ENOENT, "the mappings need %s, which is not in PATH", program);
	error_hint(e, "install it (Debian: uidmap), or map only your own id; `strake doctor` "
		      "tells what else is missing");
	return -ENOENT;
}

/* What it said is its reason. */
static int helper_refused(const char *program, int out_fd, struct error *e)
{
	char said[HELPER_SHOWN] = "", shown[HELPER_SHOWN];
	ssize_t n = pread(out_fd, said, sizeof(said) - 1, 0);

	while (n > 0 && said[n - 1] == '\n')
		said[--n] = '\0';
	error_say(e, EPERM, "%s: %s", program,
		  n > 0 ? str_show(shown, sizeof(shown), said) : "has failed without a word");
	error_hint(e, "map ids that %s gives you; `strake doctor` tells which",
		   str_eq(program, "newuidmap") ? "/etc/subuid" : "/etc/subgid");
	return -EPERM;
}

static int helper_run(const char *program, char **args, struct error *e)
{
	autoclose int out_fd = memfd_create(program, MFD_CLOEXEC), pid_fd = -1;
	struct clone_args clone = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pid_fd,
		.exit_signal = SIGCHLD,
	};
	int status = 0, r;
	pid_t pid;

	if (out_fd < 0)
		return error_set(e, errno, "%s: make its output", program);
	pid = sys_clone3(&clone);
	if (pid < 0)
		return error_set(e, -pid, "%s: fork", program);
	if (pid == 0)
		helper_main(args, out_fd);
	r = proc_wait_exit(pid_fd, HELPER_MS);
	if (r != 1)
		proc_kill(pid_fd, SIGKILL);
	proc_reap(pid_fd, &status);
	if (r == 0)
		return error_say(e, ETIMEDOUT, "%s has not ended in %d s", program,
				 HELPER_MS / 1000);
	if (r < 0)
		return error_set(e, -r, "wait for %s", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == HELPER_GONE)
		return helper_missing(program, e);
	return status ? helper_refused(program, out_fd, e) : 0;
}

int idmap_ask_helper(const char *program, pid_t pid, const struct spec_id_mapping *m, size_t n,
		     struct error *e)
{
	autofree char **args = helper_args(program, pid, m, n);

	return args ? helper_run(program, args, e) : error_set(e, ENOMEM, "%s", program);
}
