/* SPDX-License-Identifier: Apache-2.0 */
#include "invocation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "execution.h"
#include "options.h"
#include "runtime.h"

void invocation_add(struct invocation *v, const char *word)
{
	/* One place stays NULL, which execvp(3) needs; one too many is found by invocation_run(). */
	if (v->n_words < INVOCATION_MAX_WORDS)
		v->words[v->n_words] = word;
	v->n_words++;
}

void invocation_init(struct invocation *v, const struct runtime_target *t, const char *verb)
{
	*v = (struct invocation){
		.binary = t->options->binary,
		/* containerd may have removed it before a delete. */
		.bundle = access(t->bundle, X_OK) == 0 ? t->bundle : "",
		.verb = verb,
		.until = t->until ?: proc_now_ms() + INVOCATION_MS,
		.stdio = { -1, -1, -1 },
		.said = { .max = INVOCATION_MAX_BYTES },
	};
	invocation_add(v, v->binary);
	invocation_add(v, "--root");
	invocation_add(v, t->options->root);
	if (*v->bundle) {
		/* Of its own: two that run side by side are told apart. */
		snprintf(v->log, sizeof(v->log), "runtime-log-%d.json", (int)getpid());
		invocation_add(v, "--log");
		invocation_add(v, v->log);
		invocation_add(v, "--log-format");
		invocation_add(v, "json");
	}
	if (t->options->systemd_cgroup)
		invocation_add(v, "--systemd-cgroup");
	invocation_add(v, verb);
}

void invocation_done(struct invocation *v)
{
	buf_done(&v->said);
}

/* --- its process ------------------------------------------------------------------------------- */

struct invocation_fds {
	int in, out, err;
	int words; /* a file in memory that takes what it says; -1 */
};

/* Whatever it is stuck in, what it started ends with it; a container made so far is the caller's to remove. */
static int invocation_await(const struct invocation *v, pid_t pid, int *ret_status,
			    struct error *e)
{
	uint64_t begin = proc_now_ms(), ms = v->until > begin ? v->until - begin : 0;
	autoclose int fd = proc_open(pid);
	int r = fd < 0 ? fd : proc_wait_exit(fd, ms < INT_MAX ? (int)ms : INT_MAX);

	if (r == 0)
		r = error_say(e, ETIMEDOUT,
			      "OCI runtime %s: \"%s\" did not end within %.1f s and was killed",
			      v->verb, v->binary, (double)ms / 1000);
	else if (r < 0)
		r = error_set(e, -r, "wait for \"%s\"", v->binary);
	if (r < 0)
		kill(-pid, SIGKILL); /* unreaped: the number is still its own */
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return error_set(e, errno, "wait for \"%s\"", v->binary);
	return r < 0 ? r : 0;
}

static int invocation_spawn(const struct invocation *v, const struct invocation_fds *f,
			    int *ret_status, struct error *e)
{
	const int fds[] = { f->in, f->out, f->err };
	const struct execution x = {
		.file = v->binary,
		.words = v->words,
		.folder = v->bundle,
		.fds = fds,
		.n_fds = ARRAY_SIZE(fds),
		.dies_with_us = true,
		.own_group = true,
	};
	pid_t pid = 0;
	int r = execution_start(&x, &pid, e);

	if (r < 0) {
		error_hint(e, "BinaryName in containerd's runtime options names it");
		return r;
	}
	return invocation_await(v, pid, ret_status, e);
}

/* --- what it said ------------------------------------------------------------------------------ */

static bool invocation_is_error(const struct json *line)
{
	const char *level = json_get_string(line, "level");

	return level && (str_eq(level, "error") || str_eq(level, "fatal"));
}

/* The last error of its log, into `text`; a line that is no JSON is none. */
static void invocation_read_log(const struct invocation *v, char *text, size_t size)
{
	autobuf log = { 0 };
	char path[PATH_MAX], *line, *next;
	const char *said;
	struct json *doc;
	struct arena a;

	if (!*v->log || str_format(path, sizeof(path), "%s/%s", v->bundle, v->log) < 0 ||
	    file_read(AT_FDCWD, path, INVOCATION_MAX_BYTES, &log, NULL) < 0)
		return;
	arena_init(&a, 16 * INVOCATION_MAX_BYTES);
	for (line = log.data; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (json_parse(&a, path, line, strlen(line), &doc, NULL) < 0 ||
		    !invocation_is_error(doc))
			continue;
		said = json_get_string(doc, "msg");
		if (said)
			snprintf(text, size, "%s", said);
	}
	arena_done(&a);
}

static void invocation_remove_log(const struct invocation *v)
{
	char path[PATH_MAX];

	if (*v->log && str_format(path, sizeof(path), "%s/%s", v->bundle, v->log) == 0)
		(void)unlink(path);
}

static int invocation_fail(const struct invocation *v, int status, struct error *e)
{
	char text[1024] = "";

	invocation_read_log(v, text, sizeof(text));
	if (!*text && v->said.len)
		snprintf(text, sizeof(text), "%s", v->said.data);
	if (!*text)
		snprintf(text, sizeof(text), "\"%s\" ended with status %d", v->binary,
			 proc_exit_code(status));
	return error_say(e, EIO, "OCI runtime %s failed: %s", v->verb, text);
}

static void invocation_hear(struct invocation *v, int words_fd)
{
	if (words_fd < 0 || lseek(words_fd, 0, SEEK_SET) < 0 ||
	    buf_read_fd(&v->said, words_fd) < 0)
		return;
	while (v->said.len && strchr(" \t\r\n", v->said.data[v->said.len - 1]))
		v->said.data[--v->said.len] = '\0';
}

/* --- running it -------------------------------------------------------------------------------- */

static int invocation_text(const struct invocation *v, struct error *e)
{
	autoclose int fd = memfd_create("runtime-stdin", MFD_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, v->text, v->text_len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set(e, errno, "hand \"%s\" its input", v->binary);
	return take_fd(&fd);
}

static int invocation_go(struct invocation *v, struct invocation_fds *f, int null_fd,
			 struct error *e)
{
	int status = 0, r;

	f->out = v->stdio[1] >= 0 ? v->stdio[1] : f->words >= 0 ? f->words : null_fd;
	f->err = v->stdio[2] >= 0 ? v->stdio[2] : f->words >= 0 ? f->words : null_fd;
	if (f->in < 0)
		f->in = v->stdio[0] >= 0 ? v->stdio[0] : null_fd;
	r = invocation_spawn(v, f, &status, e);
	invocation_hear(v, f->words);
	if (r == 0 && status)
		r = invocation_fail(v, status, e);
	invocation_remove_log(v);
	return r;
}

int invocation_run(struct invocation *v, struct error *e)
{
	struct invocation_fds f = { -1, -1, -1, -1 };
	autoclose int null_fd = -1, words_fd = -1, text_fd = -1;

	if (v->n_words >= INVOCATION_MAX_WORDS)
		return error_say(e, E2BIG, "too many words for \"%s\"", v->binary);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return error_set(e, errno, "open /dev/null");
	if (v->listen) {
		words_fd = memfd_create("runtime-output", MFD_CLOEXEC);
		if (words_fd < 0)
			return error_set(e, errno, "keep what \"%s\" says", v->binary);
	}
	if (v->text) {
		text_fd = invocation_text(v, e);
		if (text_fd < 0)
			return text_fd;
	}
	f.words = words_fd;
	f.in = text_fd;
	return invocation_go(v, &f, null_fd, e);
}
