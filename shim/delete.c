/* SPDX-License-Identifier: Apache-2.0 */

/* `delete`: containerd calls it after every task, also when the shim was killed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "flags.h"
#include "message.h"
#include "oci.h"
#include "options.h"
#include "rootfs.h"
#include "spec/spec.h"
#include "start.h"
#include "task.pb-c.h"

/* As if by SIGKILL, whatever it was. */
#define DELETE_STATUS    137
#define DELETE_STATE_MAX (256u << 20)

static uint32_t delete_read_pid(const char *bundle)
{
	char path[PATH_MAX], text[16];
	uint32_t pid = 0;

	if (str_format(path, sizeof(path), "%s/init.pid", bundle) == 0 &&
	    file_read_line(AT_FDCWD, path, text, sizeof(text)) >= 0)
		(void)str_to_u32(text, &pid);
	return pid;
}

static int delete_container(const char *ns, const char *id, const char *bundle, struct error *e)
{
	struct oci_runtime rt;
	struct options o;
	int r;

	r = options_load(bundle, ns, &o, e);
	if (r < 0)
		return r;
	rt = options_runtime(&o);
	r = oci_delete(&rt, id, true, e);
	if (r < 0 && r != -ENOENT)
		return r;
	return rootfs_unmount(bundle, e);
}

/* What was killed with a pod's shim. */
struct members {
	const struct flags *flags;
	const struct oci_runtime *rt;
};

static bool delete_is_member(const struct oci_state *state, const char *sandbox)
{
	size_t i;

	for (i = 0; i < state->n_annotations; i++)
		if (str_eq(state->annotations[i].key, "io.kubernetes.cri.sandbox-id"))
			return str_eq(state->annotations[i].value, sandbox) &&
			       !str_eq(state->id, sandbox);
	return false;
}

/* One that cannot be deleted does not keep the next from it. */
static int delete_member(void *arg, const char *id)
{
	const struct members *m = arg;
	struct error e = ERROR_INIT;
	struct oci_state state;
	struct arena a;
	int r;

	arena_init(&a, DELETE_STATE_MAX);
	r = oci_state(m->rt, id, &a, &state, &e);
	if (r == 0 && delete_is_member(&state, m->flags->id)) {
		r = delete_container(m->flags->namespace, id, state.bundle, &e);
		if (r < 0)
			log_error(&e);
	}
	arena_done(&a);
	return 0;
}

/*
 * containerd 2 calls us for the pod's own container alone. It may have removed the others' bundles
 * already: our own records tell them.
 */
static int delete_members(const struct flags *f, const char *bundle, struct error *e)
{
	struct oci_runtime rt;
	struct options o;
	int r;

	r = options_load(bundle, f->namespace, &o, e);
	if (r < 0)
		return r;
	rt = options_runtime(&o);
	return oci_list(&rt, delete_member, &(struct members){ f, &rt }, e);
}

static int delete_answer(const char *bundle, struct error *e)
{
	Pb__DeleteResponse m = PB__DELETE_RESPONSE__INIT;
	autobuf out = { .max = 4096 };
	Pb__Timestamp at;
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	at = message_time(&now);
	m.pid = delete_read_pid(bundle);
	m.exit_status = DELETE_STATUS;
	m.exited_at = &at;
	r = message_pack(&m.base, &out);
	if (r == 0)
		r = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return r < 0 ? error_set(e, -r, "answer containerd") : 0;
}

int delete_run(const struct flags *f, struct error *e)
{
	char cwd[PATH_MAX];
	const char *bundle = f->bundle;
	int r;

	if (str_empty(bundle)) {
		if (!getcwd(cwd, sizeof(cwd)))
			return error_set(e, errno, "the bundle");
		bundle = cwd;
	}
	r = delete_container(f->namespace, f->id, bundle, e);
	if (r == 0 && address_remove_dead(bundle))
		r = delete_members(f, bundle, e);
	return r < 0 ? r : delete_answer(bundle, e);
}
