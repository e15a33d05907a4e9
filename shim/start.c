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
	const char *ttrpc_address;
	int listen_fd; /* -1 where a shim of the group answers there */
	pid_t daemon;
};

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
	const char *dir =
		params && !str_empty(params->socket_dir) ? params->socket_dir : ADDRESS_DIR;
	char group[START_GROUP_MAX];
	int r;

	st->ttrpc_address = params && !str_empty(params->containerd_ttrpc_address)
				    ? params->containerd_ttrpc_address
				    : getenv("TTRPC_ADDRESS");
	r = address_group(st->bundle, st->flags->id, group, sizeof(group), e);
	if (r == 0)
		r = address_path(dir, st->flags->address, st->flags->namespace, group, st->path,
				 e);
	if (r < 0)
		return r;
	snprintf(st->address, sizeof(st->address), "unix://%s", st->path);
	return address_listen(dir, st->path, &st->listen_fd, e);
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

static void start_daemon(struct start *st) __attribute__((noreturn));

static void start_daemon(struct start *st)
{
	struct shim *s = calloc(1, sizeof(*s));
	struct error e = ERROR_INIT;

	if (!s)
		_exit(1);
	start_detach(st);
	s->namespace = st->flags->namespace;
	s->socket = st->path;
	s->options = st->bootstrap.options;
	if (shim_serve(s, st->listen_fd, st->ttrpc_address, &e) < 0) {
		log_error(&e);
		_exit(1);
	}
	_exit(0);
}

static int start_fork(struct start *st, struct error *e)
{
	pid_t containerd = getppid();

	if (getenv("SCHED_CORE") &&
	    prctl(PR_SCHED_CORE, START_SCHED_CORE_CREATE, 0, START_SCHED_CORE_GROUP, 0) < 0)
		return error_set(e, errno, "core scheduling");
	st->daemon = fork();
	if (st->daemon < 0)
		return error_set(e, errno, "make the shim's process");
	if (st->daemon == 0) {
		setsid();
		start_daemon(st);
	}
	start_set_oom_score(st->daemon, containerd);
	return start_set_cgroup(st, st->daemon, e);
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
	if (st->daemon > 0)
		kill(st->daemon, SIGKILL);
	if (st->listen_fd >= 0)
		(void)unlink(st->path);
}

int start_run(const struct flags *f, struct error *e)
{
	struct start st = { .flags = f, .listen_fd = -1 };
	int r;

	if (!getcwd(st.bundle, sizeof(st.bundle)))
		return error_set(e, errno, "the bundle");
	r = start_read_stdin(&st, e);
	if (r == 0)
		r = start_find_address(&st, e);
	/* Before there is a process that only this file leads to. */
	if (r >= 0)
		r = file_replace(AT_FDCWD, "address", st.address, strlen(st.address), 0600, e);
	if (r == 0 && st.listen_fd >= 0)
		r = start_fork(&st, e);
	if (r == 0)
		r = start_answer(&st, e);
	if (r < 0)
		start_undo(&st);
	bootstrap_done(&st.bootstrap);
	return r;
}
