/* SPDX-License-Identifier: Apache-2.0 */
#include "logger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "execution.h"
#include "logger_uri.h"

#define LOGGER_LIST_MAX 65536
/* As long as containerd's own shim waits. */
#define LOGGER_READY_MS 10000

/* --- may it run -------------------------------------------------------------------------------- */

static int logger_check_owner(const char *path, struct error *e)
{
	struct stat about;

	if (stat(path, &about) < 0)
		return error_set(e, errno, "look at %s", path);
	if (!S_ISREG(about.st_mode) || !proc_is_root(about.st_uid) || (about.st_mode & 022))
		return error_say(e, EPERM,
				 "%s must be a file of root's, which nobody else can write",
				 path);
	return 0;
}

static bool logger_is_listed(char *list, const char *program)
{
	char *line, *next;

	for (line = list; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (str_eq(line, program))
			return true;
	}
	return false;
}

/* An image's label has become such a URI before (CVE-2026-53488): what it says is no permission. */
static int logger_check(const char *program, struct error *e)
{
	autobuf list = { 0 };
	int r = file_read(AT_FDCWD, LOGGER_LIST, LOGGER_LIST_MAX, &list, NULL);

	if ((r < 0 && r != -ENOENT) || (r == 0 && logger_check_owner(LOGGER_LIST, e) < 0))
		return r < 0 ? error_set(e, -r, "read " LOGGER_LIST) : -EPERM;
	if (r < 0 || !list.len || !logger_is_listed(list.data, program)) {
		error_say(e, EPERM, "this node does not allow the log program %s", program);
		error_hint(e, "a line with its path in " LOGGER_LIST " allows it");
		return -EPERM;
	}
	return logger_check_owner(program, e);
}

/* --- living ------------------------------------------------------------------------------------ */

void logger_init(struct logger *l, struct loop *loop)
{
	*l = (struct logger){
		.loop = loop,
		.out_fd = { -1, -1 },
		.err_fd = { -1, -1 },
		.process = SOURCE_NONE,
	};
}

int logger_open(struct logger *l, const char *uri, struct error *e)
{
	struct logger_uri words;
	int r = logger_uri_read(uri, &words, e);

	if (r == 0)
		r = logger_check(words.v[0], e);
	logger_uri_done(&words);
	if (r < 0)
		return r;
	l->uri = strdup(uri);
	if (!l->uri)
		return error_set(e, ENOMEM, "the log");
	if (pipe2(l->out_fd, O_CLOEXEC) < 0 || pipe2(l->err_fd, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	return 0;
}

static int logger_await(const struct logger_uri *words, int ready_fd, struct error *e)
{
	const char *program = words->v[0];
	char byte;
	ssize_t n;
	int r;

	r = fd_wait(ready_fd, POLLIN, LOGGER_READY_MS);
	if (r == 0)
		return error_say(e, ETIMEDOUT,
				 "the log program %s did not say within %d s that it is ready",
				 program, LOGGER_READY_MS / 1000);
	n = r < 0 ? r : read(ready_fd, &byte, 1);
	if (n < 0)
		return error_set(e, r < 0 ? -r : errno, "wait for the log program %s", program);
	if (n == 0 && words->says_ready)
		return error_say(e, EPIPE, "the log program %s ended before it was ready",
				 program);
	return 0;
}

static int logger_execute(const struct logger *l, const struct logger_uri *words,
			  const char *const *env, pid_t *ret, struct error *e)
{
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), ready_fd = -1;
	int ready[2] = { -1, -1 }, r;

	if (null_fd < 0 || pipe2(ready, O_CLOEXEC) < 0)
		return error_set(e, errno, "prepare the log program");
	ready_fd = ready[0];
	{
		const int fds[] = { null_fd,      null_fd,      null_fd,
				    l->out_fd[0], l->err_fd[0], ready[1] };
		const struct execution x = {
			.file = words->v[0],
			.words = words->v,
			.env = env,
			.folder = "/",
			.fds = fds,
			.n_fds = ARRAY_SIZE(fds),
		};

		r = execution_start(&x, ret, e);
	}
	close(ready[1]);
	return r < 0 ? r : logger_await(words, ready_fd, e);
}

int logger_start(const struct logger *l, const char *id, const char *ns, pid_t *ret,
		 struct error *e)
{
	char container[PATH_MAX], namespace[PATH_MAX];
	const char *const env[] = { container, namespace, NULL };
	struct logger_uri words;
	int r;

	if (!l->uri)
		return 0;
	if (str_format(container, sizeof(container), "CONTAINER_ID=%s", id) < 0 ||
	    str_format(namespace, sizeof(namespace), "CONTAINER_NAMESPACE=%s", ns) < 0)
		return error_set(e, ENAMETOOLONG, "the log program's environment");
	r = logger_uri_read(l->uri, &words, e);
	if (r == 0)
		r = logger_execute(l, &words, env, ret, e);
	logger_uri_done(&words);
	return r;
}

static void logger_ready(struct source *s, uint32_t events)
{
	struct logger *l = loop_owner(s, struct logger, process);
	int status = 0;

	(void)events;
	/* Reaped as a stranger, it may be gone already. */
	(void)proc_reap(s->fd, &status);
	loop_close(l->loop, s);
	l->ended(l);
}

void logger_adopt(struct logger *l, pid_t pid, void (*ended)(struct logger *l))
{
	l->ended = ended;
	l->process.ready = logger_ready;
	/* Our child, and unreaped: the number is still its own. */
	l->process.fd = pid > 0 ? proc_open(pid) : -1;
	if (l->process.fd < 0 || loop_set(l->loop, &l->process, EPOLLIN) < 0)
		loop_close(l->loop, &l->process);
}

bool logger_runs(const struct logger *l)
{
	return l->process.fd >= 0;
}

void logger_done(struct logger *l)
{
	if (logger_runs(l)) {
		log_warning("the log %.256s was not ready with its work, and is killed",
			    l->uri);
		(void)proc_kill(l->process.fd, SIGKILL);
	}
	loop_close(l->loop, &l->process);
	mem_closep(&l->out_fd[0]);
	mem_closep(&l->out_fd[1]);
	mem_closep(&l->err_fd[0]);
	mem_closep(&l->err_fd[1]);
	free(take_ptr(&l->uri));
	logger_init(l, l->loop);
}
