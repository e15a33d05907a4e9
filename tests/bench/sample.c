/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

extern char **environ;

#define COMMAND_TIMEOUT_MS 30000

int sampler_init(struct sampler *s, struct error *e)
{
	s->log_fd = -1;
	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null_fd < 0)
		return error_set(e, errno, "open /dev/null");
	s->log_fd = memfd_create("stderr", MFD_CLOEXEC);
	if (s->log_fd < 0)
		return error_set(e, errno, "memfd_create");
	/* Children write at the end, whoever wrote before. */
	if (fcntl(s->log_fd, F_SETFL, O_APPEND) < 0)
		return error_set(e, errno, "fcntl");
	return 0;
}

void sampler_done(struct sampler *s)
{
	if (s->null_fd >= 0)
		close(s->null_fd);
	if (s->log_fd >= 0)
		close(s->log_fd);
}

static const char *command_line(const char *const argv[], char *dst, size_t size)
{
	size_t used = 0;

	dst[0] = '\0';
	for (; *argv && used < size; argv++) {
		if (str_format(dst + used, size - used, "%s%s", used ? " " : "", *argv) < 0)
			break;
		used += strlen(dst + used);
	}
	return dst;
}

/* The end of what the command said. */
static int sampler_fail(struct sampler *s, const char *const argv[], int status,
			struct error *e)
{
	char line[512], text[600], shown[601];
	off_t end = lseek(s->log_fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) - 1 ? end - ((off_t)sizeof(text) - 1) : 0;
	ssize_t n = pread(s->log_fd, text, sizeof(text) - 1, from);

	text[n > 0 ? n : 0] = '\0';
	return error_say(e, EIO, "'%s' ended with %d: %s",
			 command_line(argv, line, sizeof(line)), proc_exit_code(status),
			 str_show(shown, sizeof(shown), text));
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

int sampler_start(struct sampler *s, const char *const argv[], int *ret_pid, struct error *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int r;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, s->null_fd, 0);
	posix_spawn_file_actions_adddup2(&actions, s->null_fd, 1);
	posix_spawn_file_actions_adddup2(&actions, s->log_fd, 2);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	r = posix_spawn(&pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return error_set(e, r, "start %s", argv[0]);
	*ret_pid = pid;
	return 0;
}

int sampler_wait(struct sampler *s, int pid, const char *const argv[], struct sample *ret,
		 struct error *e)
{
	autoclose int pid_fd = -1;
	struct rusage usage;
	bool late = false;
	char line[512];
	int status;

	/* A command that hangs would hold up, or with it starve, the whole machine. */
	pid_fd = proc_open(pid);
	if (pid_fd < 0 || proc_wait_exit(pid_fd, COMMAND_TIMEOUT_MS) != 1) {
		kill(pid, SIGKILL); /* our own child, and not reaped yet */
		late = true;
	}
	while (wait4(pid, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			return error_set(e, errno, "wait for %s", argv[0]);
	}
	ret->cpu_ns += timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
	if ((uint64_t)usage.ru_maxrss > ret->rss_kib)
		ret->rss_kib = (uint64_t)usage.ru_maxrss;
	if (late)
		return error_say(e, ETIMEDOUT, "'%s' had not ended after %d s and was killed",
				 command_line(argv, line, sizeof(line)),
				 COMMAND_TIMEOUT_MS / 1000);
	return status == 0 ? 0 : sampler_fail(s, argv, status, e);
}

int sampler_run(struct sampler *s, const char *const argv[], struct sample *ret,
		struct error *e)
{
	uint64_t start;
	int pid, r;

	if (ftruncate(s->log_fd, 0) < 0)
		return error_set(e, errno, "empty the log");
	start = proc_now_ns();
	r = sampler_start(s, argv, &pid, e);
	if (r < 0)
		return r;
	r = sampler_wait(s, pid, argv, ret, e);
	ret->wall_ns += proc_now_ns() - start;
	return r;
}

int sampler_run_forked(struct sampler *s, const char *const argv[], struct sample *ret,
		       struct error *e)
{
	pid_t pid;

	if (ftruncate(s->log_fd, 0) < 0)
		return error_set(e, errno, "empty the log");
	pid = fork();
	if (pid < 0)
		return error_set(e, errno, "fork");
	if (pid == 0) {
		if (dup2(s->null_fd, 0) >= 0 && dup2(s->null_fd, 1) >= 0 &&
		    dup2(s->log_fd, 2) >= 0)
			execve(argv[0], (char *const *)argv, environ);
		_exit(127);
	}
	return sampler_wait(s, pid, argv, ret, e);
}

int sampler_read(struct sampler *s, const char *const argv[], const char *variable,
		 struct buf *ret, struct error *e)
{
	const char *environment[] = { variable, NULL };
	struct sample ignored = { 0 };
	int pipe_fds[2], r;
	pid_t pid;

	if (ftruncate(s->log_fd, 0) < 0)
		return error_set(e, errno, "empty the log");
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "pipe");
	pid = fork();
	if (pid == 0) {
		if (dup2(s->null_fd, 0) >= 0 && dup2(pipe_fds[1], 1) >= 0 &&
		    dup2(s->log_fd, 2) >= 0)
			execve(argv[0], (char *const *)argv, (char *const *)environment);
		_exit(127);
	}
	close(pipe_fds[1]);
	r = pid < 0 ? error_set(e, errno, "fork") : buf_read_fd(ret, pipe_fds[0]);
	close(pipe_fds[0]);
	if (pid < 0)
		return r;
	if (r < 0) {
		kill(pid, SIGKILL);
		error_set(e, -r, "read what %s prints", argv[0]);
	}
	if (sampler_wait(s, pid, argv, &ignored, r < 0 ? NULL : e) < 0 && r == 0)
		r = -EIO;
	return r;
}

/* --- series ------------------------------------------------------------------------------- */

int series_add(struct series *s, const struct sample *sample)
{
	size_t room = s->room ? 2 * s->room : 64;
	uint64_t *p;

	if (s->count == s->room) {
		p = reallocarray(s->wall, room, sizeof(*p));
		if (!p)
			return -ENOMEM;
		s->wall = p;
		p = reallocarray(s->cpu, room, sizeof(*p));
		if (!p)
			return -ENOMEM;
		s->cpu = p;
		s->room = room;
	}
	s->wall[s->count] = sample->wall_ns;
	s->cpu[s->count++] = sample->cpu_ns;
	return 0;
}

void series_done(struct series *s)
{
	free(s->wall);
	free(s->cpu);
	*s = (struct series){ 0 };
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void series_summarise(const struct series *s, struct summary *ret)
{
	size_t last = s->count - 1;

	qsort(s->wall, s->count, sizeof(*s->wall), compare);
	qsort(s->cpu, s->count, sizeof(*s->cpu), compare);
	ret->min = (double)s->wall[0] / 1e6;
	ret->p10 = (double)s->wall[last / 10] / 1e6;
	ret->median = (double)s->wall[s->count / 2] / 1e6;
	ret->p90 = (double)s->wall[last - last / 10] / 1e6;
	ret->cpu = (double)s->cpu[s->count / 2] / 1e6;
}
