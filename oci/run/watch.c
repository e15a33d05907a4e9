/* SPDX-License-Identifier: Apache-2.0 */

/* A container watched from outside: its end, its exit status, its running out of memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/events.h"
#include "oci.h"
#include "run/container.h"

/* How long a process that has ended may stay without its parent asking for its status. */
#define WATCH_REAP_MS 1000

/* <linux/pidfd.h> of Linux 6.15: the status of a process that was reaped, for who holds a pidfd. */
struct watch_pidfd_info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t ids[11];
	int32_t exit_code;
};
#define WATCH_PIDFD_GET_INFO  _IOWR(0xff, 11, struct watch_pidfd_info)
#define WATCH_PIDFD_INFO_EXIT (1ull << 3)

static int watch_open_init(const struct container *c, struct error *e)
{
	int fd = container_open_init(c);

	if (fd == -ESRCH)
		return error_say(e, ESRCH, "container not running: \"%s\"", c->state.id);
	return fd < 0 ? error_set(e, -fd, "container \"%s\": open its process", c->state.id)
		      : fd;
}

int oci_watch_open(const struct oci_runtime *rt, const char *id, struct oci_watch *ret,
		   struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autoclose int pid_fd = -1, memory_fd = -1;
	autocgroup cg = CGROUP_NONE;
	struct memory_events events = { 0 };
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r < 0)
		return r;
	pid_fd = watch_open_init(&c, e);
	if (pid_fd < 0)
		return pid_fd;
	if (container_open_cgroup(&c, &cg, NULL) == 0)
		memory_fd = memory_events_open(&cg, NULL);
	if (memory_fd >= 0)
		(void)memory_events_read(memory_fd, &events);
	*ret = (struct oci_watch){
		.pid_fd = take_fd(&pid_fd),
		.memory_fd = memory_fd < 0 ? -1 : take_fd(&memory_fd),
		.oom_kills = events.oom_kill,
	};
	return 0;
}

int oci_watch_oom(struct oci_watch *w)
{
	struct memory_events events = { 0 };
	int r;

	r = memory_events_read(w->memory_fd, &events);
	if (r < 0 || events.oom_kill <= w->oom_kills)
		return r;
	w->oom_kills = events.oom_kill;
	return 1;
}

void oci_watch_done(struct oci_watch *w)
{
	mem_closep(&w->pid_fd);
	mem_closep(&w->memory_fd);
	*w = OCI_WATCH_NONE;
}

/* The last field of the process's line, while it waits to be reaped. 1, or 0: it cannot be told. */
static int watch_zombie_status(const struct container *c, int *ret)
{
	char path[48], line[1024];
	uint64_t start_time;
	const char *last;
	uint32_t status;

	if (proc_start_time(c->state.pid, &start_time) < 0 ||
	    start_time != c->state.start_time || proc_state(c->state.pid) != 'Z')
		return 0;
	str_format(path, sizeof(path), "/proc/%d/stat", (int)c->state.pid);
	if (file_read_line(AT_FDCWD, path, line, sizeof(line)) < 0)
		return 0;
	last = strrchr(line, ' ');
	if (!last || str_to_u32(last + 1, &status) < 0)
		return 0;
	*ret = (int)status;
	return 1;
}

static int watch_reaped_status(int pid_fd, int *ret)
{
	struct watch_pidfd_info info = { .mask = WATCH_PIDFD_INFO_EXIT };

	if (ioctl(pid_fd, WATCH_PIDFD_GET_INFO, &info) < 0 ||
	    !(info.mask & WATCH_PIDFD_INFO_EXIT))
		return 0;
	*ret = info.exit_code;
	return 1;
}

int oci_wait(const struct oci_runtime *rt, const char *id, int *ret, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autoclose int pid_fd = -1;
	int r, status;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r < 0)
		return r;
	pid_fd = watch_open_init(&c, e);
	if (pid_fd < 0)
		return pid_fd;
	r = fd_wait(pid_fd, POLLIN, -1);
	if (r < 0)
		return error_set(e, -r, "wait for container \"%s\"", id);
	/* Its parent may reap it between two looks: the kernel keeps the status for us then. */
	if (!watch_reaped_status(pid_fd, &status) && !watch_zombie_status(&c, &status)) {
		(void)fd_wait(pid_fd, POLLHUP, WATCH_REAP_MS);
		if (!watch_reaped_status(pid_fd, &status)) {
			error_say(e, ENODATA,
				  "container \"%s\" has ended, with a status that only its "
				  "parent knows",
				  id);
			error_hint(e, "Linux 6.15 tells others too");
			return -ENODATA;
		}
	}
	*ret = proc_exit_code(status);
	return 0;
}
