/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/kill.h"

#include <errno.h>
#include <signal.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cgroup/cgroup.h"
#include "cgroup/freeze.h"
#include "cgroup/pids.h"

#define KILL_FREEZE_MS 1000

static int kill_one(pid_t pid, int signum, struct error *e)
{
	autoclose int fd = proc_open(pid);
	int r = fd < 0 ? fd : proc_kill(fd, signum);

	/* Ended meanwhile: killed from outside, or a zombie that was reaped. */
	if (r == -ESRCH || r == 0)
		return 0;
	return error_set(e, -r, "send signal %d to process %d", signum, (int)pid);
}

static int kill_listed(const struct cgroup *cg, int signum, struct error *e)
{
	struct cgroup_pids pids;
	size_t i;
	int r;

	r = cgroup_pids(cg, &pids, e);
	if (r < 0)
		return r;
	for (i = 0; i < pids.n; i++) {
		int one = kill_one(pids.v[i], signum, r == 0 ? e : NULL);

		if (r == 0)
			r = one;
	}
	cgroup_pids_done(&pids);
	return r;
}

/*
 * Frozen processes do not fork, so the list is complete, and do not end by themselves, so
 * a number on it is not another process's meanwhile.
 */
static int kill_each(const struct cgroup *cg, int signum, struct error *e)
{
	int frozen, r;

	frozen = cgroup_is_frozen(cg, e);
	if (frozen == -ENOENT || frozen == -ENODEV)
		return 0; /* the cgroup is gone, and all its processes before it */
	if (frozen < 0)
		return frozen;
	if (!frozen) {
		r = cgroup_freeze(cg, KILL_FREEZE_MS, e);
		/* One that cannot be frozen must not protect the others from the signal. */
		if (r < 0 && r != -ETIMEDOUT)
			return r;
	}
	r = kill_listed(cg, signum, e);
	if (!frozen) {
		int thawed = cgroup_write(cg, "cgroup.freeze", "0", r == 0 ? e : NULL);

		if (r == 0)
			r = thawed;
	}
	return r;
}

int cgroup_kill(const struct cgroup *cg, int signum, struct error *e)
{
	int r;

	if (signum != SIGKILL)
		return kill_each(cg, signum, e);
	r = cgroup_write(cg, "cgroup.kill", "1", e);
	if (r == -ENODEV)
		return 0; /* gone between open and write: systemd removes what is empty */
	/* Before Linux 5.14, or in a threaded cgroup, which has no such file. */
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return kill_each(cg, signum, e);
	return r;
}
