/* SPDX-License-Identifier: Apache-2.0 */
#include "run/payload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "run/child.h"
#include "run/parent.h"
#include "run/sync.h"
#include "run/timing.h"
#include "sandbox/command.h"
#include "sandbox/landlock.h"
#include "sandbox/lsm.h"
#include "seccomp/load.h"
#include "seccomp/program.h"

#define PAYLOAD_STACK (24u << 10) /* used at least, below child_main() */

int payload_prepare(const struct child *c, struct payload *p, struct error *e)
{
	int r;

	r = command_find(c->sandbox.process, &p->path, e);
	return r < 0 ? r
		     : command_environment(c->sandbox.process, c->sandbox.listen_fds,
					   c->sandbox.listen_names, &p->env, e);
}

/* `start` connects and says so; one that goes away without a word is as if it never came. */
static void payload_accept_start(struct child *c)
{
	for (;;) {
		int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		struct sync_msg m;

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(1);
		if (fd < 0)
			continue;
		if (sync_recv(fd, &m) == 1 && m.kind == SYNC_START) {
			c->pid = m.arg;
			close(c->sync_fd);
			close(c->listen_fd);
			c->sync_fd = fd;
			return;
		}
		close(fd);
	}
}

int payload_await_start(struct child *c, struct error *e)
{
	int r;

	/* Before READY: the parent may be gone as soon as it has read it. */
	r = parent_die_with(false, e);
	if (r < 0)
		return r;
	r = parent_ask(c, SYNC_READY, SYNC_GO, e);
	if (r < 0)
		return r;
	if (r != SYNC_START)
		payload_accept_start(c);
	timing_mark(c->timing, "start");
	return 0;
}

/*
 * What the steps have used of the stack is charged to the container until execve has made it a new
 * one, which is when it needs most. A step's deepest calls have been here, so all of it is ours.
 */
static void payload_shed_stack(void) __attribute__((noinline));

static void payload_shed_stack(void)
{
	uintptr_t page = (uintptr_t)getpagesize();
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - page;

	(void)madvise((void *)(end - PAYLOAD_STACK), PAYLOAD_STACK, MADV_DONTNEED);
}

/* Nothing but 0-2, what is to be preserved, and the socket that ends with execve. */
static int payload_close_fds(struct child *c, struct error *e)
{
	const bool *gaps = c->sandbox.preserve_gaps;
	unsigned int i;
	int r;

	r = fd_close_except((int)(3 + c->sandbox.preserve_fds), &c->sync_fd, 1);
	for (i = 0; r == 0 && i < c->sandbox.preserve_fds; i++)
		r = fd_set_cloexec((int)(3 + i), gaps && gaps[i]);
	return r < 0 ? error_set(e, -r, "hand on the descriptors to preserve") : 0;
}

static int payload_load_filter(struct child *c, struct error *e)
{
	bool has_listener = c->handoff && c->filter->has_notify;
	int r;

	if (has_listener) {
		seccomp_handoff_begin(c->handoff);
		r = sync_send(c->sync_fd, SYNC_LOADING, 0);
		if (r < 0)
			return error_set(e, -r, "tell that a listener comes");
	}
	r = seccomp_load(c->filter);
	if (has_listener)
		seccomp_handoff_offer(c->handoff, r);
	return r < 0 ? error_set(e, -r, "linux.seccomp: load the filter") : 0;
}

int payload_execute(struct child *c, const struct payload *p, struct error *e)
{
	char **args = c->sandbox.process->args.v;
	int r;

	r = lsm_apply(&c->sandbox, e);
	if (r == 0)
		r = landlock_apply(&c->sandbox, e);
	if (r == 0)
		r = payload_close_fds(c, e);
	timing_mark(c->timing, "exec");
	payload_shed_stack();
	if (r == 0)
		r = payload_load_filter(c, e);
	if (r < 0)
		return r;
	/* Under the filter: nothing may stand between these two calls. */
	execve(p->path, args, p->env);
	r = error_set(e, errno, "exec %s", p->path);
	if (r == -E2BIG)
		error_hint(e,
			   "one of process.args or env may have 128 KiB, all of them together "
			   "a quarter of RLIMIT_STACK");
	return r;
}
