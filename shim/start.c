/* SPDX-License-Identifier: Apache-2.0 */

/* `start`: prints where the shim of this container's group listens; makes it, if there is none. */
#include "action.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bootstrap.h"
#include "flags.h"
#include "options.h"
#include "shim.h"

#define START_STDIN_MAX (10u << 20)

/* "json": the answer of containerd 2.0 to 2.2, whose `env` of the shim manager sets it; 1.7 fails on it. */
#define START_BOOTSTRAP_ENV "STRAKE_SHIM_BOOTSTRAP"
#define START_GROUP_MAX     1024
#define START_LOG_DEBUG     (-4) /* in BootstrapParams */

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif
#define START_SCHED_CORE_CREATE 1 /* PR_SCHED_CORE_CREATE */
#define START_SCHED_CORE_GROUP  2 /* of the process group */

struct start {
	const struct flags *flags;
	struct bootstrap bootstrap;
	char bundle[PATH_MAX];
	char path[ADDRESS_MAX];        /* of the socket */
	char address[ADDRESS_MAX + 8]; /* unix://PATH */
	const char *dir;               /* of sockets */
	const char *ttrpc_address;
	pid_t daemon; /* 0: none was needed */
};

/* How the daemon has begun, in one write to a pipe: 0, it listens; 1, another shim answers there; or -errno. */
struct start_report {
	int r;
	struct error error;
};

_Static_assert(sizeof(struct start_report) <= PIPE_BUF, "written at once or not at all");

static int start_read_stdin(struct start *st, struct error *e)
{
	autobuf in = { .max = START_STDIN_MAX };
	int r;

	r = buf_read_fd(&in, STDIN_FILENO);
	if (r == 0)
		r = bootstrap_read(in.data, in.len, st->flags->id, st->flags->namespace,
				   &st->bootstrap);
	if (r == -EBADMSG)
		return error_say(e, EBADMSG,
				 "stdin holds neither BootstrapParams nor runtime options");
	return r < 0 ? error_set(e, -r, "read the start's parameters") : 0;
}

static int start_find_address(struct start *st, struct error *e)
{
	const Pb__BootstrapParams *params = st->bootstrap.params;
	char group[START_GROUP_MAX];
	int r;

	st->dir = params && !str_empty(params->socket_dir) ? params->socket_dir : ADDRESS_DIR;
	st->ttrpc_address = params && !str_empty(params->containerd_ttrpc_address)
				    ? params->containerd_ttrpc_address
				    : getenv("TTRPC_ADDRESS");
	r = address_group(st->bundle, st->flags->id, group, sizeof(group), e);
	if (r == 0)
		r = address_path(st->dir, st->flags->address, st->flags->namespace, group,
				 st->path, e);
	if (r == 0)
		snprintf(st->address, sizeof(st->address), "unix://%s", st->path);
	return r;
}

/* One below containerd: when memory is short, containers go first, then shims, then containerd. */
static void start_set_oom_score(pid_t daemon, pid_t containerd)
{
	char path[64], text[16];
	int64_t score;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", containerd);
	if (file_read_line(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    str_to_i64(text, &score) < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", daemon);
	snprintf(text, sizeof(text), "%d", score >= 1000 ? 1000 : (int)score + 1);
	(void)file_write(AT_FDCWD, path, text);
}

static int start_set_cgroup(const struct start *st, pid_t daemon, struct error *e)
{
	char path[PATH_MAX], text[16];
	struct options o;
	int r;

	r = options_read(st->bootstrap.options, st->flags->namespace, &o, e);
	if (r < 0 || str_empty(o.shim_cgroup))
		return r;
	snprintf(text, sizeof(text), "%d", daemon);
	if (str_format(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", o.shim_cgroup) < 0)
		return error_set(e, ENAMETOOLONG, "ShimCgroup");
	r = file_write(AT_FDCWD, path, text);
	return r < 0 ? error_set(e, -r, "move the shim to %s", path) : 0;
}

/* containerd reads what we print until everybody has closed it; the log's fifo is never waited for. */
static void start_detach(const struct start *st)
{
	const Pb__BootstrapParams *params = st->bootstrap.params;
	bool debug = st->flags->debug || (params && params->log_level <= START_LOG_DEBUG);

	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), i;
	int log_fd = open("log", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	for (i = 0; i < 3; i++)
		dup2(null_fd, i);
	close(null_fd);
	log_to(log_fd < 0 ? STDERR_FILENO : log_fd, false,
	       debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	(void)unsetenv("NOTIFY_SOCKET");
}

/*
 * The socket is made by who serves it: `start` may be killed at any moment, and nobody would know of it then. One that
 * is gone before it has heard of us has told containerd of nobody.
 */
static int start_listen(const struct start *st, int report_fd)
{
	struct start_report report = { .error = ERROR_INIT };
	int listen_fd = -1;

	report.r = address_listen(st->dir, st->path, &listen_fd, &report.error);
	if (fd_write_all(report_fd, &report, sizeof(report)) < 0 && report.r == 0) {
		(void)unlink(st->path);
		_exit(1);
	}
	close(report_fd);
	return listen_fd;
}

static void start_daemon(struct start *st, int report_fd) __attribute__((noreturn));

static void start_daemon(struct start *st, int report_fd)
{
	struct shim *s = calloc(1, sizeof(*s));
	struct error e = ERROR_INIT;
	int listen_fd;

	if (!s)
		_exit(1);
	setsid();
	signal(SIGPIPE, SIG_IGN);
	listen_fd = start_listen(st, report_fd);
	if (listen_fd < 0)
		_exit(1);
	start_detach(st);
	s->namespace = st->flags->namespace;
	s->socket = st->path;
	s->options = st->bootstrap.options;
	if (shim_serve(s, listen_fd, st->ttrpc_address, &e) < 0) {
		log_error(&e);
		_exit(1);
	}
	_exit(0);
}

static int start_fork(struct start *st, int *ret_report_fd, struct error *e)
{
	autoclose int read_fd = -1, write_fd = -1;
	int ends[2];

	if (getenv("SCHED_CORE") &&
	    prctl(PR_SCHED_CORE, START_SCHED_CORE_CREATE, 0, START_SCHED_CORE_GROUP, 0) < 0)
		return error_set(e, errno, "core scheduling");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(e, errno, "make a pipe to the shim's process");
	read_fd = ends[0];
	write_fd = ends[1];
	st->daemon = fork();
	if (st->daemon < 0)
		return error_set(e, errno, "make the shim's process");
	if (st->daemon == 0) {
		close(take_fd(&read_fd));
		start_daemon(st, take_fd(&write_fd));
	}
	*ret_report_fd = take_fd(&read_fd);
	return 0;
}

static int start_make_daemon(struct start *st, struct error *e)
{
	autoclose int report_fd = -1;
	pid_t containerd = getppid();
	struct start_report report;
	ssize_t n;
	int r;

	r = start_fork(st, &report_fd, e);
	if (r < 0)
		return r;
	start_set_oom_score(st->daemon, containerd);
	do
		n = read(report_fd, &report, sizeof(report));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(report))
		return error_say(e, EIO, "the shim's process has ended before it listened");
	if (report.r == 0)
		return start_set_cgroup(st, st->daemon, e);
	st->daemon = 0;
	if (report.r < 0 && e)
		*e = report.error;
	return report.r < 0 ? report.r : 0;
}

/* Which form containerd understands cannot be told from within before 2.3: the node's owner says it. */
static int start_json_version(int *ret, struct error *e)
{
	const char *form = getenv(START_BOOTSTRAP_ENV);

	*ret = form && str_eq(form, "json") ? 3 : 0;
	if (*ret || str_empty(form))
		return 0;
	return error_say(e, EINVAL, "%s is \"json\" or not set, not \"%s\"",
			 START_BOOTSTRAP_ENV, form);
}

static int start_answer(const struct start *st, struct error *e)
{
	autobuf out = { .max = 4096 };
	int json_version, r;

	r = start_json_version(&json_version, e);
	if (r < 0)
		return r;
	r = bootstrap_answer(&st->bootstrap, st->address, json_version, &out);
	if (r == 0)
		r = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return r < 0 ? error_set(e, -r, "answer containerd") : 0;
}

/* containerd calls no `delete` after a start that failed. */
static void start_undo(const struct start *st)
{
	if (st->daemon <= 0)
		return;
	kill(st->daemon, SIGKILL);
	waitpid(st->daemon, NULL, 0);
	(void)address_remove_dead(st->bundle);
}

int start_run(const struct flags *f, struct error *e)
{
	struct start st = { .flags = f };
	int r;

	if (!getcwd(st.bundle, sizeof(st.bundle)))
		return error_set(e, errno, "the bundle");
	r = start_read_stdin(&st, e);
	if (r == 0)
		r = start_find_address(&st, e);
	/* Before there is a process, and a socket, that only this file leads to. */
	if (r == 0)
		r = file_replace(AT_FDCWD, "address", st.address, strlen(st.address), 0600, e);
	if (r == 0 && !address_answers(st.path))
		r = start_make_daemon(&st, e);
	if (r == 0)
		r = start_answer(&st, e);
	if (r < 0)
		start_undo(&st);
	bootstrap_done(&st.bootstrap);
	return r;
}
