/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cgroup/cgroup.h"
#include "cgroup/pids.h"

/* Reading from the start arms the descriptor: what changes later is reported by POLLPRI. */
static int events_read(int fd, char *dst, size_t size)
{
	ssize_t n;

	do
		n = pread(fd, dst, size - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	dst[n] = '\0';
	return 0;
}

/* 1: "key" has the value, 0: it has not, or -errno. */
static int events_check(int fd, const char *key, bool want)
{
	char text[256];
	uint64_t value;
	int r;

	r = events_read(fd, text, sizeof(text));
	if (r < 0)
		return r;
	if (!cgroup_key_u64(text, key, &value))
		return -ENOTSUP; /* "frozen": Linux 5.2 */
	return (value != 0) == want;
}

int cgroup_wait_event(const struct cgroup *cg, const char *key, bool want, int timeout_ms,
		      struct error *e)
{
	uint64_t deadline = proc_now_ms() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms);
	autoclose int fd = -1;
	int r;

	fd = cgroup_file_open(cg, "cgroup.events", O_RDONLY, e);
	if (fd == -ENOENT)
		return error_say(e, ENODEV, "the cgroup %s%s was removed", CGROUP_MOUNT,
				 cg->path);
	if (fd < 0)
		return fd;
	for (;;) {
		int left = -1;

		r = events_check(fd, key, want);
		if (r != 0)
			break;
		if (timeout_ms >= 0) {
			uint64_t now = proc_now_ms();

			left = now < deadline ? (int)(deadline - now) : 0;
		}
		r = fd_wait(fd, POLLPRI, left);
		if (r <= 0)
			break;
	}
	if (r < 0)
		return error_set(e, -r, "wait for \"%s %d\" in %s%s/cgroup.events", key, want,
				 CGROUP_MOUNT, cg->path);
	return r;
}

int cgroup_wait_empty(const struct cgroup *cg, int timeout_ms, struct error *e)
{
	struct cgroup_pids pids = { 0 };
	char left[768] = "?";
	int r;

	r = cgroup_wait_event(cg, "populated", false, timeout_ms, e);
	if (r == -ENODEV)
		return 0;
	if (r != 0)
		return r < 0 ? r : 0;

	if (cgroup_pids(cg, &pids, NULL) == 0 && pids.n)
		cgroup_pids_show(&pids, left, sizeof(left));
	cgroup_pids_done(&pids);
	error_say(e, ETIMEDOUT, "%s%s still holds processes after %d ms: %s", CGROUP_MOUNT,
		  cg->path, timeout_ms, left);
	error_hint(e,
		   "a process in state D waits in the kernel, often for a device or a network "
		   "file system, and ends when that answers");
	return -ETIMEDOUT;
}

int memory_events_open(const struct cgroup *cg, struct error *e)
{
	return cgroup_file_open(cg, "memory.events", O_RDONLY, e);
}

int memory_events_read(int fd, struct memory_events *ret)
{
	struct memory_events ev = { 0 };
	char text[512];
	int r;

	r = events_read(fd, text, sizeof(text));
	if (r < 0)
		return r;
	cgroup_key_u64(text, "low", &ev.low);
	cgroup_key_u64(text, "high", &ev.high);
	cgroup_key_u64(text, "max", &ev.max);
	cgroup_key_u64(text, "oom", &ev.oom);
	cgroup_key_u64(text, "oom_kill", &ev.oom_kill);
	cgroup_key_u64(text, "oom_group_kill", &ev.oom_group_kill);
	*ret = ev;
	return 0;
}
