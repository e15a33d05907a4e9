/* SPDX-License-Identifier: Apache-2.0 */

/* The runtime that is a program: runc, crun or one with their command line. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/path.h"
#include "cgroup1.h"
#include "terminal.h"
#include "invocation.h"
#include "options.h"
#include "runtime.h"

/* How long it may take to remove what could not be made. */
#define PROGRAM_UNDO_MS 10000

static int program_do(const struct runtime_target *t, const char *verb, struct error *e)
{
	struct invocation v;
	int r;

	invocation_init(&v, t, verb);
	v.listen = true;
	invocation_add(&v, t->id);
	r = invocation_run(&v, e);
	invocation_done(&v);
	return r;
}

/* --- processes --------------------------------------------------------------------------------- */

/* What it leaves behind becomes our child, so that nobody reaps the new process before its number is known. */
static int program_adopt_orphans(struct error *e)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return error_set(e, errno, "become a subreaper");
	return 0;
}

static int program_read_pid(const struct runtime_target *t, const char *path, pid_t *ret,
			    struct error *e)
{
	char text[16];
	uint32_t pid;
	int r = file_read_line(AT_FDCWD, path, text, sizeof(text));

	if (r < 0)
		return error_set(e, -r, "\"%s\" left no number of the process in %s",
				 t->options->binary, path);
	if (str_to_u32(text, &pid) < 0 || !pid || pid > INT_MAX)
		return error_say(e, EPROTO, "\"%s\" left \"%s\" in %s, which is no process",
				 t->options->binary, text, path);
	*ret = (pid_t)pid;
	return 0;
}

/* A container that was not put into one shares ours, which is nothing to count or list. */
static void program_find_cgroup(struct runtime_made *made)
{
	char own[CGROUP_PATH_MAX];

	if (cgroup1_is_mounted()) {
		(void)cgroup1_of(made->pid, made->cgroup1, sizeof(made->cgroup1), NULL);
		return;
	}
	if (cgroup_path_of(made->pid, made->cgroup, NULL) < 0 ||
	    (cgroup_path_of(0, own, NULL) == 0 && str_eq(own, made->cgroup)) ||
	    str_eq(made->cgroup, "/"))
		*made->cgroup = '\0';
}

/* `create` and `exec`: v has its words but those that tell where the terminal goes and whom it is for. */
static int program_make(const struct runtime_target *t, struct invocation *v, const char *name,
			const struct runtime_io *io, struct runtime_made *ret, struct error *e)
{
	char pid_file[PATH_MAX];
	struct terminal terminal = TERMINAL_NONE;
	int r;

	if (str_format(pid_file, sizeof(pid_file), "%s/%s.pid", t->bundle, name) < 0)
		return error_set(e, ENAMETOOLONG, "%s", t->bundle);
	(void)unlink(pid_file);
	memcpy(v->stdio, io->stdio, sizeof(v->stdio));
	invocation_add(v, "--pid-file");
	invocation_add(v, pid_file);
	r = program_adopt_orphans(e);
	if (r == 0 && io->console_fd >= 0)
		r = terminal_listen(&terminal, t->bundle, name, e);
	if (r == 0 && io->console_fd >= 0) {
		invocation_add(v, "--console-socket");
		invocation_add(v, terminal.name);
	}
	invocation_add(v, t->id);
	if (r == 0)
		r = invocation_run(v, e);
	if (r == 0)
		r = program_read_pid(t, pid_file, &ret->pid, e);
	if (r == 0 && io->console_fd >= 0)
		r = terminal_pass(&terminal, io->console_fd, e);
	terminal_done(&terminal);
	return r;
}

static int program_remove(const struct runtime_target *t, struct error *e);

static int program_create(const struct runtime_target *t, const struct runtime_io *io,
			  struct runtime_made *ret, struct error *e)
{
	struct invocation v;
	struct runtime_target undo = *t;
	struct error said = ERROR_INIT;
	int r;

	invocation_init(&v, t, "create");
	invocation_add(&v, "--bundle");
	invocation_add(&v, t->bundle);
	if (t->options->no_pivot_root)
		invocation_add(&v, "--no-pivot");
	if (t->options->no_new_keyring)
		invocation_add(&v, "--no-new-keyring");
	r = program_make(t, &v, "init", io, ret, &said);
	invocation_done(&v);
	if (r == 0) {
		program_find_cgroup(ret);
		return 0;
	}
	if (e)
		*e = said;
	if (strstr(said.text, "already exists"))
		return -EEXIST;
	/* The client may have no time left, but it stays our work. */
	undo.until = proc_now_ms() + PROGRAM_UNDO_MS;
	(void)program_remove(&undo, NULL);
	return r;
}

static int program_checkpoint(const struct runtime_target *t,
			      const struct runtime_checkpoint *c, struct error *e)
{
	const struct {
		bool wanted;
		const char *flag, *value;
	} flags[] = {
		{ true, "--image-path", c->image },
		{ true, "--work-path", c->work },
		{ !str_empty(c->parent), "--parent-path", c->parent },
		{ c->leave_running, "--leave-running", NULL },
		{ c->open_tcp, "--tcp-established", NULL },
		{ c->external_unix_sockets, "--ext-unix-sk", NULL },
		{ c->terminal, "--shell-job", NULL },
		{ c->file_locks, "--file-locks", NULL },
		{ !str_empty(c->cgroups_mode), "--manage-cgroups-mode", c->cgroups_mode },
	};
	struct invocation v;
	size_t i;
	int r;

	invocation_init(&v, t, "checkpoint");
	v.listen = true;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!flags[i].wanted)
			continue;
		invocation_add(&v, flags[i].flag);
		if (flags[i].value)
			invocation_add(&v, flags[i].value);
	}
	for (i = 0; i < c->n_empty_namespaces; i++) {
		invocation_add(&v, "--empty-ns");
		invocation_add(&v, c->empty_namespaces[i]);
	}
	invocation_add(&v, t->id);
	r = invocation_run(&v, e);
	invocation_done(&v);
	return r;
}

static int program_restore(const struct runtime_target *t, const struct runtime_checkpoint *c,
			   const struct runtime_io *io, struct runtime_made *ret,
			   struct error *e)
{
	struct invocation v;
	int r;

	invocation_init(&v, t, "restore");
	invocation_add(&v, "--detach");
	invocation_add(&v, "--bundle");
	invocation_add(&v, t->bundle);
	invocation_add(&v, "--image-path");
	invocation_add(&v, c->image);
	invocation_add(&v, "--work-path");
	invocation_add(&v, c->work);
	if (t->options->no_pivot_root)
		invocation_add(&v, "--no-pivot");
	r = program_make(t, &v, "init", io, ret, e);
	invocation_done(&v);
	if (r == 0)
		program_find_cgroup(ret);
	return r;
}

/* It reads the process from a file, which is gone as soon as it was read. */
static int program_exec(const struct runtime_target *t, const struct runtime_exec *x,
			const struct runtime_io *io, struct runtime_made *ret, struct error *e)
{
	char path[PATH_MAX];
	struct invocation v;
	int r;

	if (str_format(path, sizeof(path), "%s/%s.process.json", t->bundle, x->id) < 0)
		return error_set(e, ENAMETOOLONG, "%s", x->id);
	r = file_replace(AT_FDCWD, path, x->process, x->process_len, 0600, e);
	if (r < 0)
		return r;
	invocation_init(&v, t, "exec");
	invocation_add(&v, "--detach");
	invocation_add(&v, "--process");
	invocation_add(&v, path);
	r = program_make(t, &v, x->id, io, ret, e);
	invocation_done(&v);
	(void)unlink(path);
	return r;
}

static int program_start(const struct runtime_target *t, struct error *e)
{
	return program_do(t, "start", e);
}

/* --- changes ----------------------------------------------------------------------------------- */

static bool program_says_gone(const char *text)
{
	static const char *const words[] = {
		"does not exist",  "already finished", "not running",
		"no such process", "No such process",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

/* The same, where a container that is not there has a number of its own. */
static int program_gone(int r, const struct error *said, struct error *e)
{
	if (r < 0 && e)
		*e = *said;
	return r == -EIO && program_says_gone(said->text) ? -ESRCH : r;
}

static int program_kill_all(const struct runtime_target *t, int signum, struct error *e)
{
	struct error said = ERROR_INIT;
	struct invocation v;
	char number[16];
	int r;

	snprintf(number, sizeof(number), "%d", signum);
	invocation_init(&v, t, "kill");
	v.listen = true;
	invocation_add(&v, "--all");
	invocation_add(&v, t->id);
	invocation_add(&v, number);
	r = invocation_run(&v, &said);
	invocation_done(&v);
	return program_gone(r, &said, e);
}

static int program_pause(const struct runtime_target *t, struct error *e)
{
	return program_do(t, "pause", e);
}

static int program_resume(const struct runtime_target *t, struct error *e)
{
	return program_do(t, "resume", e);
}

static int program_update(const struct runtime_target *t, const char *resources, size_t len,
			  struct error *e)
{
	struct invocation v;
	int r;

	invocation_init(&v, t, "update");
	v.listen = true;
	v.text = resources;
	v.text_len = len;
	invocation_add(&v, "--resources");
	invocation_add(&v, "-");
	invocation_add(&v, t->id);
	r = invocation_run(&v, e);
	invocation_done(&v);
	return r;
}

/* runc and crun have a folder for each container, and it goes last. */
static bool program_knows(const struct runtime_target *t)
{
	char path[PATH_MAX];

	return str_format(path, sizeof(path), "%s/%s", t->options->root, t->id) < 0 ||
	       access(path, F_OK) == 0 || errno != ENOENT;
}

static int program_remove(const struct runtime_target *t, struct error *e)
{
	struct error said = ERROR_INIT;
	struct invocation v;
	int r;

	if (!program_knows(t))
		return 0;
	invocation_init(&v, t, "delete");
	v.listen = true;
	invocation_add(&v, "--force");
	invocation_add(&v, t->id);
	r = invocation_run(&v, &said);
	invocation_done(&v);
	r = program_gone(r, &said, e);
	return r == -ESRCH ? 0 : r;
}

/* --- those there are --------------------------------------------------------------------------- */

/* runtime-spec's state, as `state` prints it. */
static void program_see(const char *text, size_t len, const char *id,
			void (*each)(void *arg, const struct runtime_seen *s), void *arg)
{
	const struct json *annotations;
	const char *bundle, *sandbox;
	struct json *doc;
	struct arena a;

	arena_init(&a, 16 * INVOCATION_MAX_BYTES);
	if (json_parse(&a, "state", text, len, &doc, NULL) == 0) {
		bundle = json_get_string(doc, "bundle");
		annotations = json_get(doc, "annotations");
		sandbox =
			annotations ? json_get_string(annotations, RUNTIME_SANDBOX_KEY) : NULL;
		if (bundle)
			each(arg, &(struct runtime_seen){ id, bundle, sandbox ?: "" });
	}
	arena_done(&a);
}

static void program_look_at(const struct options *o, const char *id,
			    void (*each)(void *arg, const struct runtime_seen *s), void *arg)
{
	const struct runtime_target t = { o, id, "" };
	struct invocation v;

	invocation_init(&v, &t, "state");
	v.listen = true;
	invocation_add(&v, id);
	if (invocation_run(&v, NULL) == 0 && v.said.len)
		program_see(v.said.data, v.said.len, id, each, arg);
	invocation_done(&v);
}

static int program_list(const struct options *o,
			void (*each)(void *arg, const struct runtime_seen *s), void *arg,
			struct error *e)
{
	const struct runtime_target t = { o, "", "" };
	struct invocation v;
	char *id, *next;
	int r;

	invocation_init(&v, &t, "list");
	v.listen = true;
	invocation_add(&v, "--quiet");
	r = invocation_run(&v, e);
	for (id = v.said.data; r == 0 && id && *id; id = next) {
		next = strchr(id, '\n');
		if (next)
			*next++ = '\0';
		program_look_at(o, id, each, arg);
	}
	invocation_done(&v);
	return r;
}

static int program_features(const struct options *o, struct buf *ret)
{
	const struct runtime_target t = { o, "", "" };
	struct invocation v;
	int r;

	invocation_init(&v, &t, "features");
	v.listen = true;
	r = invocation_run(&v, NULL);
	if (r == 0 && v.said.len)
		r = buf_add(ret, v.said.data, v.said.len);
	invocation_done(&v);
	return r;
}

const struct runtime program_runtime = {
	.create = program_create,
	.start = program_start,
	.checkpoint = program_checkpoint,
	.restore = program_restore,
	.exec = program_exec,
	.kill_all = program_kill_all,
	.pause = program_pause,
	.resume = program_resume,
	.update = program_update,
	.remove = program_remove,
	.list = program_list,
	.features = program_features,
};
