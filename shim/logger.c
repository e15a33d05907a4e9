/* SPDX-License-Identifier: Apache-2.0 */
#include "logger.h"

#include <ctype.h>
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

#define LOGGER_LIST_MAX  65536
#define LOGGER_MAX_WORDS 64
/* As long as containerd's own shim waits. */
#define LOGGER_READY_MS  10000

static const char *const logger_schemes[] = { "binary://", "binary-v2://" };

/* What follows the scheme; NULL: it is none of ours. */
static const char *logger_rest(const char *uri, size_t *scheme)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(logger_schemes); i++) {
		if (str_starts(uri, logger_schemes[i])) {
			*scheme = i;
			return uri + strlen(logger_schemes[i]);
		}
	}
	return NULL;
}

bool logger_is_uri(const char *uri)
{
	size_t scheme;

	return logger_rest(uri, &scheme) != NULL;
}

/* --- its words --------------------------------------------------------------------------------- */

struct logger_words {
	char *text; /* all of them, decoded */
	const char *v[LOGGER_MAX_WORDS + 1];
	size_t n;
};

static int logger_hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* %XX, and in a query + for a blank, in place. A NUL would end the word early. */
static int logger_decode(char *s, bool query)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%') {
			if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
				return -EINVAL;
			*to = (char)(logger_hex(s[1]) << 4 | logger_hex(s[2]));
			if (!*to++)
				return -EINVAL;
			s += 2;
		} else {
			*to++ = query && *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
	return 0;
}

static int logger_add_word(struct logger_words *w, char *word, bool query)
{
	if (w->n == LOGGER_MAX_WORDS)
		return -E2BIG;
	w->v[w->n++] = word;
	return logger_decode(word, query);
}

static int logger_split(struct logger_words *w)
{
	char *query = strchr(w->text, '?'), *next, *value;
	int r;

	if (query)
		*query++ = '\0';
	r = logger_add_word(w, w->text, false);
	for (; r == 0 && query && *query; query = next) {
		next = strchr(query, '&');
		if (next)
			*next++ = '\0';
		value = strchr(query, '=');
		if (value)
			*value++ = '\0';
		r = logger_add_word(w, query, true);
		if (r == 0)
			r = logger_add_word(w, value ?: query + strlen(query), true);
	}
	return r;
}

static int logger_read_uri(const char *uri, struct logger_words *ret, struct error *e)
{
	size_t scheme = 0;
	int r;

	*ret = (struct logger_words){ .text = strdup(logger_rest(uri, &scheme) ?: "") };
	r = ret->text ? logger_split(ret) : -ENOMEM;
	if (r < 0)
		return error_set(e, -r, "the log %.256s", uri);
	if (*ret->v[0] != '/')
		return error_say(e, EINVAL, "the log %.256s names no program by its whole path",
				 uri);
	return 0;
}

/* --- may it run -------------------------------------------------------------------------------- */

static int logger_check_owner(const char *path, struct error *e)
{
	struct stat about;

	if (stat(path, &about) < 0)
		return error_set(e, errno, "look at %s", path);
	if (!S_ISREG(about.st_mode) || about.st_uid != 0 || (about.st_mode & 022))
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
	struct logger_words words;
	int r = logger_read_uri(uri, &words, e);

	if (r == 0)
		r = logger_check(words.v[0], e);
	free(words.text);
	if (r < 0)
		return r;
	l->uri = strdup(uri);
	if (!l->uri)
		return error_set(e, ENOMEM, "the log");
	if (pipe2(l->out_fd, O_CLOEXEC) < 0 || pipe2(l->err_fd, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	return 0;
}

static int logger_await(const char *uri, const char *program, int ready_fd, struct error *e)
{
	size_t scheme = 0;
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
	(void)logger_rest(uri, &scheme);
	if (n == 0 && scheme)
		return error_say(e, EPIPE, "the log program %s ended before it was ready",
				 program);
	return 0;
}

static int logger_execute(const struct logger *l, const struct logger_words *words,
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
	return r < 0 ? r : logger_await(l->uri, words->v[0], ready_fd, e);
}

int logger_start(const struct logger *l, const char *id, const char *ns, pid_t *ret,
		 struct error *e)
{
	char container[PATH_MAX], namespace[PATH_MAX];
	const char *const env[] = { container, namespace, NULL };
	struct logger_words words;
	int r;

	if (!l->uri)
		return 0;
	if (str_format(container, sizeof(container), "CONTAINER_ID=%s", id) < 0 ||
	    str_format(namespace, sizeof(namespace), "CONTAINER_NAMESPACE=%s", ns) < 0)
		return error_set(e, ENAMETOOLONG, "the log program's environment");
	r = logger_read_uri(l->uri, &words, e);
	if (r == 0)
		r = logger_execute(l, &words, env, ret, e);
	free(words.text);
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
