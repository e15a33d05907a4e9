/* SPDX-License-Identifier: Apache-2.0 */
#include "run/teardown.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cgroup/events.h"
#include "cgroup/kill.h"
#include "cgroup/manager.h"
#include "run/container.h"
#include "run/folder.h"
#include "run/hooks.h"
#include "run/rdt.h"
#include "run/report.h"
#include "run/root_mount.h"

static int teardown_kill(const struct teardown *t, struct error *e)
{
	int status, r = 0;

	if (t->pid_fd >= 0)
		proc_kill(t->pid_fd, SIGKILL);
	if (t->manager && t->manager->cgroup.fd >= 0 && !t->spare_cgroup)
		r = cgroup_kill(&t->manager->cgroup, SIGKILL, e);
	if (t->pid_fd < 0)
		return r;

	if (proc_wait_exit(t->pid_fd, TEARDOWN_TIMEOUT_MS) != 1) {
		char state = proc_state(t->state->pid);

		error_say(
			e, ETIMEDOUT,
			"container \"%s\": process %d is still there %d s after SIGKILL (state %c)",
			t->state->id, t->state->pid, TEARDOWN_TIMEOUT_MS / 1000, state ?: '?');
		error_hint(
			e,
			"state D is an uninterruptible wait, mostly for a file system or disk");
		return -ETIMEDOUT;
	}
	if (t->reap)
		proc_reap(t->pid_fd, &status);
	return r;
}

/*
 * Killed while the cgroup was made, and one of that name holds processes: not of ours, which die with
 * their parent, if not at once.
 */
static bool teardown_is_anothers(const struct teardown *t)
{
	return t->spare_cgroup && t->manager->cgroup.fd >= 0 &&
	       cgroup_wait_event(&t->manager->cgroup, "populated", false, TEARDOWN_SPARE_MS,
				 NULL) == 0;
}

static void teardown_hooks(const struct teardown *t)
{
	autobuf text = { .max = STATE_MAX };
	autoclose int bundle_fd = -1;
	struct hooks_run h = {
		.hooks = t->spec->hooks,
		.stage = SPEC_HOOK_POSTSTOP,
		.state = &text,
		.cancel_fd = -1,
	};
	size_t i;

	if (t->spec->hooks[SPEC_HOOK_POSTSTOP].n == 0 ||
	    container_state_json(t->state, OCI_STOPPED, 0, &text) < 0)
		return;
	bundle_fd = open(t->state->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	h.cwd_fd = bundle_fd;
	/* "config.md", poststop: the runtime logs a warning, and the rest goes on. */
	for (i = 0; i < t->spec->hooks[SPEC_HOOK_POSTSTOP].n; i++) {
		struct error e = ERROR_INIT;

		if (hooks_run_one(&h, i, &e) < 0)
			report_warning(t->rt, e.text);
	}
}

/* The kernel moves what is still in there up by itself. */
static int teardown_rdt(const struct teardown *t, struct error *e)
{
	autoclose int rdt_fd = -1;

	if (!t->state->rdt_class && !t->state->rdt_monitor)
		return 0;
	/* Not mounted, or no more: nothing of ours can be there. */
	rdt_fd = rdt_open(NULL);
	return rdt_fd < 0 ? 0 : rdt_remove(rdt_fd, t->state, e);
}

int teardown_run(const struct teardown *t, struct error *e)
{
	int r, first;

	first = teardown_kill(t, e);
	if (first == -ETIMEDOUT)
		return first;
	if (t->manager && !teardown_is_anothers(t)) {
		r = manager_remove(t->manager, TEARDOWN_TIMEOUT_MS, first < 0 ? NULL : e);
		if (r < 0 && first == 0)
			first = r;
	}
	r = teardown_rdt(t, first < 0 ? NULL : e);
	if (r < 0 && first == 0)
		first = r;
	r = root_mount_remove(t->state, t->dir_fd, first < 0 ? NULL : e);
	if (r < 0 && first == 0)
		first = r;
	if (t->poststop)
		teardown_hooks(t);
	/* What could not be removed keeps its record. */
	if (t->dir_fd >= 0 && first == 0)
		first = folder_remove(t->rt, t->state->id, t->dir_fd, e);
	return first;
}
