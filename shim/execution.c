/* SPDX-License-Identifier: Apache-2.0 */
#include "execution.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"

#define EXECUTION_MAX_FDS 8

/* By way of higher numbers: one that is given may have the number that another shall get. */
static int execution_set_fds(const struct execution *x)
{
	int high[EXECUTION_MAX_FDS];
	size_t i;

	for (i = 0; i < x->n_fds; i++) {
		high[i] = fcntl(x->fds[i], F_DUPFD_CLOEXEC, EXECUTION_MAX_FDS + 1);
		if (high[i] < 0)
			return -1;
	}
	for (i = 0; i < x->n_fds; i++)
		if (dup2(high[i], (int)i) < 0)
			return -1;
	return 0;
}

static void execution_child(const struct execution *x, int failed_fd, pid_t parent)
	__attribute__((noreturn));

static void execution_child(const struct execution *x, int failed_fd, pid_t parent)
{
	char *const *words = (char *const *)(uintptr_t)x->words;
	char *const *env = x->env ? (char *const *)(uintptr_t)x->env : environ;
	sigset_t none;
	int r;

	if (x->dies_with_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != parent)
			_exit(1);
	}
	if (x->own_group)
		setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	failed_fd = fcntl(failed_fd, F_DUPFD_CLOEXEC, EXECUTION_MAX_FDS + 1);
	if ((!*x->folder || chdir(x->folder) == 0) && execution_set_fds(x) == 0)
		execvpe(x->file, words, env);
	r = errno;
	(void)fd_write_all(failed_fd, &r, sizeof(r));
	_exit(127);
}

static int execution_await(const struct execution *x, int failed_fd, pid_t pid, struct error *e)
{
	int failed = 0;
	ssize_t n;

	do
		n = read(failed_fd, &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(failed))
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return error_set(e, failed, "execute \"%s\"", x->file);
}

int execution_start(const struct execution *x, pid_t *ret, struct error *e)
{
	pid_t parent = getpid(), pid;
	autoclose int failed_fd = -1;
	int pair[2] = { -1, -1 }, r;

	if (x->n_fds > EXECUTION_MAX_FDS || pipe2(pair, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	failed_fd = pair[0];
	pid = fork();
	if (pid == 0)
		execution_child(x, pair[1], parent);
	close(pair[1]);
	if (pid < 0)
		return error_set(e, errno, "make a process for \"%s\"", x->file);
	r = execution_await(x, failed_fd, pid, e);
	if (r == 0)
		*ret = pid;
	return r;
}
