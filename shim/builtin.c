/* SPDX-License-Identifier: Apache-2.0 */

/* The runtime that is liboci, in this process. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "oci.h"
#include "options.h"
#include "runtime.h"
#include "spec/parse.h"
#include "spec/spec.h"

#define BUILTIN_TREE_MAX (64u << 20)

static struct oci_runtime builtin_of(const struct runtime_target *t)
{
	struct oci_runtime rt = options_runtime(t->options);

	rt.policy_fd = t->notices_fd;
	return rt;
}

static int builtin_find_cgroup(const struct oci_runtime *rt, const char *id,
			       struct runtime_made *ret, struct error *e)
{
	struct oci_state state;
	struct arena a;
	int r;

	arena_init(&a, BUILTIN_TREE_MAX);
	r = oci_state(rt, id, &a, &state, e);
	if (r == 0 && str_copy(ret->cgroup, sizeof(ret->cgroup), state.cgroup) < 0)
		r = error_set(e, ENAMETOOLONG, "cgroup");
	arena_done(&a);
	return r;
}

static int builtin_create(const struct runtime_target *t, const struct runtime_io *io,
			  struct runtime_made *ret, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);
	const struct oci_create_options opt = {
		.id = t->id,
		.bundle = t->bundle,
		.console_fd = io->console_fd,
		.no_pivot = t->options->no_pivot_root,
		.no_new_keyring = t->options->no_new_keyring,
		.stdio = { io->stdio[0], io->stdio[1], io->stdio[2] },
	};
	struct oci_process made;
	int r;

	r = oci_create(&rt, &opt, &made, e);
	if (r < 0)
		return r;
	ret->pid = made.pid;
	r = builtin_find_cgroup(&rt, t->id, ret, e);
	if (r < 0)
		(void)oci_delete(&rt, t->id, true, NULL);
	return r;
}

static int builtin_checkpoint(const struct runtime_target *t,
			      const struct runtime_checkpoint *c, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);
	autofree char **empty = calloc(c->n_empty_namespaces + 1, sizeof(*empty));
	const struct oci_criu_options opt = {
		.image = c->image,
		.work = c->work,
		.parent = str_empty(c->parent) ? NULL : c->parent,
		.cgroups_mode = c->cgroups_mode,
		.empty_ns = empty,
		.status_fd = -1,
		.leave_running = c->leave_running,
		.tcp_established = c->open_tcp,
		.ext_unix_sk = c->external_unix_sockets,
		.shell_job = c->terminal,
		.file_locks = c->file_locks,
	};
	size_t i;

	if (!empty)
		return error_set(e, ENOMEM, "checkpoint");
	for (i = 0; i < c->n_empty_namespaces; i++)
		empty[i] = c->empty_namespaces[i];
	return oci_checkpoint(&rt, t->id, &opt, e);
}

static int builtin_restore(const struct runtime_target *t, const struct runtime_checkpoint *c,
			   const struct runtime_io *io, struct runtime_made *ret,
			   struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);
	const struct oci_create_options opt = {
		.id = t->id,
		.bundle = t->bundle,
		.console_fd = io->console_fd,
		.no_new_keyring = t->options->no_new_keyring,
		.stdio = { io->stdio[0], io->stdio[1], io->stdio[2] },
	};
	const struct oci_criu_options criu = {
		.image = c->image,
		.work = c->work,
		.status_fd = -1,
	};
	struct oci_process made;
	struct oci_run *run;
	int r;

	r = oci_restore(&rt, &opt, &criu, &made, &run, e);
	if (r < 0)
		return r;
	oci_run_free(run);
	ret->pid = made.pid;
	r = builtin_find_cgroup(&rt, t->id, ret, e);
	if (r < 0)
		(void)oci_delete(&rt, t->id, true, NULL);
	return r;
}

static int builtin_start(const struct runtime_target *t, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);

	return oci_start(&rt, t->id, e);
}

static int builtin_exec(const struct runtime_target *t, const struct runtime_exec *x,
			const struct runtime_io *io, struct runtime_made *ret, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);
	const struct oci_exec_options opt = {
		.id = t->id,
		.process = "process",
		.process_text = x->process,
		.process_len = x->process_len,
		.console_fd = io->console_fd,
		.stdio = { io->stdio[0], io->stdio[1], io->stdio[2] },
	};
	struct oci_process made;
	int r;

	r = oci_exec(&rt, &opt, &made, e);
	if (r == 0)
		ret->pid = made.pid;
	return r;
}

static int builtin_kill_all(const struct runtime_target *t, int signum, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);

	return oci_kill(&rt, t->id, signum, true, e);
}

static int builtin_pause(const struct runtime_target *t, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);

	return oci_pause(&rt, t->id, e);
}

static int builtin_resume(const struct runtime_target *t, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);

	return oci_resume(&rt, t->id, e);
}

static int builtin_update(const struct runtime_target *t, const char *resources, size_t len,
			  struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);
	struct spec_resources parsed = { .present = true };
	struct arena a;
	int r;

	arena_init(&a, BUILTIN_TREE_MAX);
	r = spec_parse_resources(&a, "resources", resources, len, &parsed, e);
	if (r == 0)
		r = oci_update(&rt, t->id, &parsed, e);
	arena_done(&a);
	return r;
}

static int builtin_remove(const struct runtime_target *t, struct error *e)
{
	const struct oci_runtime rt = builtin_of(t);
	int r = oci_delete(&rt, t->id, true, e);

	return r == -ENOENT ? 0 : r;
}

/* --- those there are --------------------------------------------------------------------------- */

struct builtin_list {
	const struct oci_runtime *rt;
	void (*each)(void *arg, const struct runtime_seen *s);
	void *arg;
};

static const char *builtin_sandbox_of(const struct oci_state *state)
{
	size_t i;

	for (i = 0; i < state->n_annotations; i++)
		if (str_eq(state->annotations[i].key, RUNTIME_SANDBOX_KEY))
			return state->annotations[i].value;
	return "";
}

static int builtin_see(void *arg, const char *id)
{
	const struct builtin_list *list = arg;
	struct oci_state state;
	struct arena a;

	arena_init(&a, BUILTIN_TREE_MAX);
	if (oci_state(list->rt, id, &a, &state, NULL) == 0)
		list->each(list->arg, &(struct runtime_seen){ id, state.bundle,
							      builtin_sandbox_of(&state) });
	arena_done(&a);
	return 0;
}

static int builtin_list(const struct options *o,
			void (*each)(void *arg, const struct runtime_seen *s), void *arg,
			struct error *e)
{
	const struct oci_runtime rt = options_runtime(o);

	return oci_list(&rt, builtin_see, &(struct builtin_list){ &rt, each, arg }, e);
}

static int builtin_features(const struct options *o, struct buf *ret)
{
	autojson *w = json_writer_new(false);

	(void)o;
	if (!w)
		return -ENOMEM;
	oci_features(w);
	return json_writer_end(w, ret);
}

const struct runtime builtin_runtime = {
	.create = builtin_create,
	.start = builtin_start,
	.exec = builtin_exec,
	.kill_all = builtin_kill_all,
	.pause = builtin_pause,
	.resume = builtin_resume,
	.checkpoint = builtin_checkpoint,
	.restore = builtin_restore,
	.update = builtin_update,
	.remove = builtin_remove,
	.list = builtin_list,
	.features = builtin_features,
};
