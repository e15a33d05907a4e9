/* SPDX-License-Identifier: Apache-2.0 */

/* `delete`: containerd calls it after every task, also when the shim was killed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "action.h"
#include "address.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "flags.h"
#include "message.h"
#include "options.h"
#include "rootfs.h"
#include "runtime.h"
#include "task.pb-c.h"

/* containerd waits 5 s for us. */
#define DELETE_PATIENCE_MS 4000

/* As if by SIGKILL, whatever it was. */
#define DELETE_STATUS 137

static uint32_t delete_read_pid(const char *bundle)
{
	char path[PATH_MAX], text[16];
	uint32_t pid = 0;

	if (str_format(path, sizeof(path), "%s/init.pid", bundle) == 0 &&
	    file_read_line(AT_FDCWD, path, text, sizeof(text)) >= 0)
		(void)str_to_u32(text, &pid);
	return pid;
}

static int delete_container(const struct options *o, const char *id, const char *bundle,
			    struct error *e)
{
	const struct runtime_target t = { o, id, bundle, 0, -1 };
	uint64_t until = proc_now_ms() + DELETE_PATIENCE_MS;
	int r;

	/* Its shim may be at it still: with a container that containerd has no more patience for. */
	do
		r = runtime_of(o)->remove(&t, e);
	while (r == -EBUSY && proc_now_ms() < until);
	return r < 0 ? r : rootfs_unmount(bundle, e);
}

/* What was killed with a pod's shim. */
struct members {
	const struct options
		*options; /* the pod's: a member's bundle may be gone, and its own with it */
	const char *sandbox;
};

/* One that cannot be deleted does not keep the next from it. */
static void delete_member(void *arg, const struct runtime_seen *seen)
{
	const struct members *m = arg;
	struct error e = ERROR_INIT;

	if (str_eq(seen->sandbox, m->sandbox) && !str_eq(seen->id, m->sandbox) &&
	    delete_container(m->options, seen->id, seen->bundle, &e) < 0)
		log_error(&e);
}

/*
 * containerd 2 calls us for the pod's own container alone. It may have removed the others' bundles
 * already: the runtime's own records tell them.
 */
static int delete_all(const struct flags *f, const char *bundle, struct error *e)
{
	struct options o;
	int r;

	r = options_load(bundle, f->namespace, &o, e);
	if (r == 0)
		r = delete_container(&o, f->id, bundle, e);
	if (r == 0 && address_remove_dead(bundle))
		r = runtime_of(&o)->list(&o, delete_member, &(struct members){ &o, f->id }, e);
	return r;
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
	r = delete_all(f, bundle, e);
	return r < 0 ? r : delete_answer(bundle, e);
}
