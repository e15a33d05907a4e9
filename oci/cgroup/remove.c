/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/proc.h"
#include "cgroup/cgroup.h"
#include "cgroup/events.h"
#include "cgroup/tree.h"

/* 0: removed or gone; -EBUSY: processes or cgroups are below. */
static int remove_top(const struct cgroup *cg)
{
	/* The path is clean and cgroupfs knows no symlinks: nothing can lead this elsewhere. */
	if (unlinkat(cg->mount_fd, cg->path + 1, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

static int remove_below(int parent_fd, const char *name, void *arg, struct error *e)
{
	size_t *removed = arg;

	(void)e;
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
		++*removed;
	return 0; /* what could not go is seen at the top */
}

int cgroup_remove(const struct cgroup *cg, int timeout_ms, struct error *e)
{
	uint64_t deadline = proc_now_ms() + (uint64_t)timeout_ms;
	int r;

	if (strcmp(cg->path, "/") == 0)
		return error_say(e, EINVAL, "the root cgroup cannot be removed");
	if (cg->mount_fd < 0)
		return 0;

	for (;;) {
		struct tree_visit visit = { .leave = remove_below };
		size_t removed = 0;
		uint64_t now;

		r = remove_top(cg);
		if (r != -EBUSY)
			break;
		now = proc_now_ms();
		r = cgroup_wait_empty(cg, now < deadline ? (int)(deadline - now) : 0, e);
		if (r < 0)
			return r;
		visit.arg = &removed;
		r = tree_walk(cg, &visit, e);
		if (r < 0 && r != -ENOENT)
			return r;
		/* Empty, nothing below that could go, and still busy: it will not change. */
		if (removed == 0 || proc_now_ms() >= deadline) {
			r = remove_top(cg);
			break;
		}
	}
	if (r < 0)
		return error_set(e, -r, "remove the cgroup %s%s", CGROUP_MOUNT, cg->path);
	return 0;
}
