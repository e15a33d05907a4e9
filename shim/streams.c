/* SPDX-License-Identifier: Apache-2.0 */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "logger_uri.h"

/* One of the two outputs; the other may be at its end already. */
static void streams_output_ended(struct stream *st)
{
	struct streams *s = st->owner;

	if (streams_is_drained(s) && s->drained)
		s->drained(s);
}

void streams_init(struct streams *s, struct loop *l)
{
	*s = (struct streams){
		.loop = l,
		.child = { -1, -1, -1 },
		.console = { -1, -1 },
		.master_fd = -1,
		.hold_fd = -1,
	};
	logger_init(&s->logger, l);
	stream_init(&s->in, l);
	stream_init(&s->out, l);
	stream_init(&s->err, l);
	s->out.owner = s->err.owner = s;
	s->out.ended = s->err.ended = streams_output_ended;
}

/* --- opening ----------------------------------------------------------------------------------- */

static int streams_pipe(const struct streams_options *opt, int pair[2], int ours,
			struct error *e)
{
	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe");
	if ((opt->uid || opt->gid) && fchown(pair[!ours], opt->uid, opt->gid) < 0)
		return error_set(e, errno, "give a pipe to user %u", opt->uid);
	return fd_set_nonblock(pair[ours], true);
}

/* Also for reading: no reader is waited for, and one that goes away may come back. */
static int streams_open_fifo_out(const char *path, struct error *e)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? error_set(e, errno, "open the fifo %s", path) : fd;
}

static int streams_open_in(struct streams *s, const struct streams_options *opt,
			   struct error *e)
{
	int pair[2] = { -1, -1 }, r;

	if (str_empty(opt->in))
		return 0;
	s->in.from.fd = open(opt->in, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (s->in.from.fd < 0)
		return error_set(e, errno, "open %s for stdin", opt->in);
	s->hold_fd = open(opt->in, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (opt->terminal)
		return 0;
	r = streams_pipe(opt, pair, 1, e);
	s->child[0] = pair[0];
	s->in.to.fd = pair[1];
	s->in.spliced = true;
	return r;
}

static int streams_make_parents(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	autoclose int root_fd = -1;
	char parent[PATH_MAX];
	int fd;

	if (!slash || slash == path ||
	    str_format(parent, sizeof(parent), "%.*s", (int)(slash - path), path) < 0)
		return 0;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = root_fd < 0 ? -errno : path_mkdir_all(root_fd, parent, 0755);
	if (fd < 0)
		return error_set(e, -fd, "make the folder %s", parent);
	close(fd);
	return 0;
}

/* The process writes it by itself. */
static int streams_open_file(const char *path, int *ret, struct error *e)
{
	int r = streams_make_parents(path, e);

	if (r < 0)
		return r;
	/* A fifo that nobody reads shall not keep us here. */
	*ret = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		    0644);
	if (*ret < 0)
		return error_set(e, errno, "open the log %s", path);
	return fd_set_nonblock(*ret, false);
}

static int streams_open_out(const struct streams_options *opt, const char *path,
			    struct stream *st, int *child_fd, struct error *e)
{
	int pair[2] = { -1, -1 }, r;
	struct stat about;

	if (stat(path, &about) < 0)
		return error_set(e, errno, "look at %s", path);
	if (!S_ISFIFO(about.st_mode)) {
		if (opt->terminal)
			return error_say(e, ENOTSUP,
					 "%s is no fifo, which a terminal's output needs",
					 path);
		return streams_open_file(path, child_fd, e);
	}
	st->to.fd = streams_open_fifo_out(path, e);
	if (st->to.fd < 0)
		return st->to.fd;
	if (opt->terminal)
		return 0;
	r = streams_pipe(opt, pair, 0, e);
	st->from.fd = pair[0];
	*child_fd = pair[1];
	st->spliced = true;
	return r;
}

static int streams_open_logger(struct streams *s, const struct streams_options *opt,
			       struct error *e)
{
	int r = logger_open(&s->logger, opt->out, e);

	if (r < 0)
		return r;
	if (opt->terminal) {
		s->out.to.fd = take_fd(&s->logger.out_fd[1]);
		mem_closep(&s->logger.err_fd[1]);
		s->logger.err_fd[1] = -1;
		return fd_set_nonblock(s->out.to.fd, true);
	}
	s->child[1] = take_fd(&s->logger.out_fd[1]);
	s->child[2] = take_fd(&s->logger.err_fd[1]);
	if ((opt->uid || opt->gid) && (fchown(s->child[1], opt->uid, opt->gid) < 0 ||
				       fchown(s->child[2], opt->uid, opt->gid) < 0))
		return error_set(e, errno, "give a pipe to user %u", opt->uid);
	return 0;
}

static int streams_open_uri(struct streams *s, const struct streams_options *opt,
			    struct error *e)
{
	int r;

	if (logger_is_uri(opt->out))
		return streams_open_logger(s, opt, e);
	if (!str_starts(opt->out, "file://"))
		return error_say(e, ENOTSUP, "output to %.64s is not supported", opt->out);
	if (opt->terminal)
		return streams_open_file(opt->out + strlen("file://"), &s->out.to.fd, e);
	r = streams_open_file(opt->out + strlen("file://"), &s->child[1], e);
	if (r < 0)
		return r;
	s->child[2] = fcntl(s->child[1], F_DUPFD_CLOEXEC, 3);
	return s->child[2] < 0 ? error_set(e, errno, "share the log") : 0;
}

int streams_open(struct streams *s, const struct streams_options *opt, struct error *e)
{
	int r;

	r = streams_open_in(s, opt, e);
	if (r == 0 && !str_empty(opt->out)) {
		r = strstr(opt->out, "://")
			    ? streams_open_uri(s, opt, e)
			    : streams_open_out(opt, opt->out, &s->out, &s->child[1], e);
	}
	if (r == 0 && !str_empty(opt->err) && !opt->terminal && !strstr(opt->err, "://"))
		r = streams_open_out(opt, opt->err, &s->err, &s->child[2], e);
	if (r == 0 && opt->terminal &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->console) < 0)
		r = error_set(e, errno, "make a console socket");
	return r;
}

/* --- the terminal ------------------------------------------------------------------------------ */

static int streams_take_master(struct streams *s, struct error *e)
{
	char name[128];
	size_t n = 1;
	ssize_t r;

	/* It was sent before the process was reported. */
	if (fd_wait(s->console[0], POLLIN, 0) <= 0)
		return error_say(e, EPROTO, "no terminal came from the new process");
	r = fd_recv(s->console[0], name, sizeof(name), &s->master_fd, &n);
	if (r < 0 || n != 1) {
		s->master_fd = -1;
		return error_set(e, r < 0 ? (int)-r : EPROTO, "receive the terminal");
	}
	return fd_set_nonblock(s->master_fd, true);
}

static int streams_join_terminal(struct streams *s, struct error *e)
{
	int r = streams_take_master(s, e);

	if (r == 0 && s->out.to.fd >= 0)
		s->out.from.fd = fcntl(s->master_fd, F_DUPFD_CLOEXEC, 3);
	if (r == 0 && s->in.from.fd >= 0)
		s->in.to.fd = fcntl(s->master_fd, F_DUPFD_CLOEXEC, 3);
	mem_closep(&s->console[0]);
	s->console[0] = -1;
	return r;
}

/* --- living ------------------------------------------------------------------------------------ */

static void streams_close_child(struct streams *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s->child); i++) {
		mem_closep(&s->child[i]);
		s->child[i] = -1;
	}
	mem_closep(&s->console[1]);
	s->console[1] = -1;
}

int streams_begin(struct streams *s, struct error *e)
{
	int r = 0;

	streams_close_child(s);
	if (s->console[0] >= 0)
		r = streams_join_terminal(s, e);
	stream_begin(&s->in);
	stream_begin(&s->out);
	stream_begin(&s->err);
	return r;
}

int streams_resize(struct streams *s, unsigned int rows, unsigned int columns)
{
	const struct winsize size = {
		.ws_row = (unsigned short)rows,
		.ws_col = (unsigned short)columns,
	};

	if (s->master_fd < 0)
		return -ENOTTY;
	return ioctl(s->master_fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

void streams_close_stdin(struct streams *s)
{
	mem_closep(&s->hold_fd);
	s->hold_fd = -1;
}

void streams_process_ended(struct streams *s)
{
	streams_close_stdin(s);
	stream_end(&s->in);
}

void streams_flush(struct streams *s)
{
	stream_flush(&s->out);
	stream_flush(&s->err);
}

bool streams_is_drained(const struct streams *s)
{
	return s->out.from.fd < 0 && s->err.from.fd < 0 && !logger_runs(&s->logger);
}

/* Nobody would read it any more, and the process would wait for ever, or be killed. */
static void stream_discard(struct stream *st, int *from_fd)
{
	if (*from_fd < 0 || st->to.fd >= 0)
		return;
	st->from.fd = take_fd(from_fd);
	st->to.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	st->spliced = true;
	stream_begin(st);
	stream_flush(st);
}

static void streams_log_ended(struct logger *l)
{
	struct streams *s = loop_owner(l, struct streams, logger);

	stream_discard(&s->out, &l->out_fd[0]);
	stream_discard(&s->err, &l->err_fd[0]);
	mem_closep(&l->out_fd[0]);
	mem_closep(&l->err_fd[0]);
	l->out_fd[0] = l->err_fd[0] = -1;
	if (streams_is_drained(s) && s->drained)
		s->drained(s);
}

void streams_log_to(struct streams *s, pid_t logger)
{
	if (s->logger.uri)
		logger_adopt(&s->logger, logger, streams_log_ended);
}

void streams_done(struct streams *s)
{
	s->drained = NULL;
	streams_close_child(s);
	streams_process_ended(s);
	stream_end(&s->out);
	stream_end(&s->err);
	logger_done(&s->logger);
	mem_closep(&s->console[0]);
	mem_closep(&s->master_fd);
	s->console[0] = s->master_fd = -1;
}
