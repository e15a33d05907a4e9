/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "cgroup/cgroup.h"
#include "cgroup/events.h"
#include "cgroup/pids.h"

static int freeze_timed_out(const struct cgroup *cg, int timeout_ms, struct error *e)
{
	struct cgroup_pids pids = { 0 };
	char left[768] = "?";

	if (cgroup_pids(cg, &pids, NULL) == 0 && pids.n)
		cgroup_pids_show(&pids, left, sizeof(left));
	cgroup_pids_done(&pids);
	cgroup_write(cg, "cgroup.freeze", "0", NULL);

	error_say(e, ETIMEDOUT,
		  "%s%s is not frozen after %d ms, and was thawed again; it holds %s",
		  CGROUP_MOUNT, cg->path, timeout_ms, left);
	error_hint(e,
		   "a process in state D waits in the kernel, often for a device or a network "
		   "file system, and can not be frozen there");
	return -ETIMEDOUT;
}

int cgroup_freeze(const struct cgroup *cg, int timeout_ms, struct error *e)
{
	int r;

	r = cgroup_write(cg, "cgroup.freeze", "1", e);
	if (r < 0)
		return r;

	/* The write returns at once; the fact comes through cgroup.events. */
	r = cgroup_wait_event(cg, "frozen", true, timeout_ms, e);
	if (r < 0) {
		cgroup_write(cg, "cgroup.freeze", "0", NULL);
		return r;
	}
	return r == 0 ? freeze_timed_out(cg, timeout_ms, e) : 0;
}

/* The lowest ancestor that is frozen itself. */
static bool freeze_find_ancestor(const struct cgroup *cg, char path[CGROUP_PATH_MAX])
{
	char *slash;

	strcpy(path, cg->path);
	while ((slash = strrchr(path, '/')) && slash != path) {
		autoclose int fd = -1;
		char text[8];

		*slash = '\0';
		fd = path_open_strict(cg->mount_fd, path, O_PATH | O_DIRECTORY, 0, 0);
		if (fd >= 0 && file_read_line(fd, "cgroup.freeze", text, sizeof(text)) == 0 &&
		    strcmp(text, "1") == 0)
			return true;
	}
	return false;
}

int cgroup_thaw(const struct cgroup *cg, struct error *e)
{
	char path[CGROUP_PATH_MAX];
	int r;

	r = cgroup_write(cg, "cgroup.freeze", "0", e);
	if (r < 0)
		return r;

	/* Thawing is done when the write returns, unless something above keeps us frozen. */
	r = cgroup_wait_event(cg, "frozen", false, 0, e);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!freeze_find_ancestor(cg, path))
		return 0; /* thawed while we looked */
	error_say(e, EBUSY, "%s%s stays frozen because %s%s, above it, is", CGROUP_MOUNT,
		  cg->path, CGROUP_MOUNT, path);
	error_hint(e, "write 0 to %s%s/cgroup.freeze, or ask whoever froze it", CGROUP_MOUNT,
		   path);
	return -EBUSY;
}

int cgroup_is_frozen(const struct cgroup *cg, struct error *e)
{
	char text[8];
	int r;

	r = cgroup_read(cg, "cgroup.freeze", text, sizeof(text), e);
	return r < 0 ? r : strcmp(text, "1") == 0;
}
