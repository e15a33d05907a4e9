/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Mounts of a container that runs: a child of ours goes into its namespaces, all but the one of pids, so
 * that nobody in there sees it, and makes or undoes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "oci.h"
#include "run/container.h"
#include "run/guard.h"
#include "run/notice.h"
#include "run/root_mount.h"
#include "run/sync.h"
#include "sandbox/idmap.h"
#include "sandbox/mounts.h"
#include "sandbox/sandbox.h"
#include "spec/check.h"
#include "spec/spec.h"

struct live {
	const struct oci_runtime *rt;
	struct container container;
	struct spec own;  /* the container's */
	struct spec spec; /* the same with the mounts in question; borrowed from both */
	struct guard guard;
	struct arena arena;
	struct sandbox sandbox;
	int self_fds; /* child: /proc/self/fd of our own procfs */
	int init_fd;
	bool add;
};

static int live_open(struct live *l, const char *id, const struct spec *mounts, struct error *e)
{
	enum oci_status status = OCI_STOPPED;
	int r;

	r = container_open(l->rt, id, CONTAINER_LOCK_MS, &l->container, e);
	if (r == 0)
		r = container_status(&l->container, &status, e);
	if (r < 0)
		return r;
	if (status == OCI_STOPPED || status == OCI_CREATING)
		return error_say(e, EINVAL,
				 "cannot change mounts of container \"%s\": it is %s", id,
				 oci_status_name(status));
	l->init_fd = container_open_init(&l->container);
	if (l->init_fd < 0)
		return error_set(e, -l->init_fd, "container \"%s\": open its process", id);
	r = container_read_spec(&l->container, &l->own, e);
	if (r < 0)
		return r;
	l->spec = l->own;
	l->spec.file = mounts->file;
	l->spec.doc = mounts->doc;
	l->spec.mounts = mounts->mounts;
	l->spec.n_mounts = mounts->n_mounts;
	return 0;
}

/* What shows namespaces of who mounts it would show ours: our processes, our cgroup. */
static int live_check_add(const struct live *l, struct error *e)
{
	size_t i;

	for (i = 0; i < l->spec.n_mounts; i++) {
		const struct spec_mount *m = &l->spec.mounts[i];

		if (m->bind || m->remount)
			continue;
		if (!str_eq(m->type, "proc") && !str_eq(m->type, "cgroup") &&
		    !str_eq(m->type, "cgroup2"))
			continue;
		error_say(e, ENOTSUP, "mounts[%zu] (%s): a running container gets no new %s", i,
			  m->destination, m->type);
		error_hint(e, "list it in the mounts of config.json");
		return -ENOTSUP;
	}
	return spec_check(&l->spec, e);
}

static bool live_guards(const struct spec_strings *paths, const char *path)
{
	char guarded[PATH_MAX];
	size_t i;

	for (i = 0; i < paths->n; i++)
		if (path_clean(guarded, sizeof(guarded), paths->v[i]) == 0 &&
		    str_eq(guarded, path))
			return true;
	return false;
}

/* What lies on a masked or read-only path is a fence, and no mount of anybody's. */
static int live_check_remove(const struct live *l, struct error *e)
{
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < l->spec.n_mounts; i++) {
		if (path_clean(path, sizeof(path), l->spec.mounts[i].destination) < 0)
			return error_set(e, ENAMETOOLONG, "mounts[%zu].destination", i);
		if (str_eq(path, "/"))
			return error_say(e, EINVAL,
					 "mounts[%zu].destination: \"/\" is the root itself",
					 i);
		if (live_guards(&l->own.linux_.masked_paths, path) ||
		    live_guards(&l->own.linux_.readonly_paths, path))
			return error_say(
				e, EPERM,
				"mounts[%zu] (%s): it keeps the container from a masked "
				"or read-only path",
				i, path);
	}
	return 0;
}

/* --- in there ------------------------------------------------------------------------------------ */

static int live_unmount(const struct live *l, const char *path, struct error *e)
{
	autoclose int fd = path_open_strict(l->sandbox.root_fd, path, O_PATH, 0, 1);
	struct statx st = { 0 };
	char name[PATH_FD_MAX];

	if (fd == -ELOOP) {
		error_say(e, ELOOP, "a symbolic link of the container's leads there");
		error_hint(e, "name the place that it leads to");
		return -ELOOP;
	}
	if (fd < 0)
		return error_set(e, -fd, "open it");
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
		return error_set(e, errno, "stat it");
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return error_say(e, EINVAL, "nothing is mounted there");
	/* umount2(2) takes only paths: this one nobody in the container can bend. */
	snprintf(name, sizeof(name), "%d", fd);
	if (fchdir(l->self_fds) < 0 || umount2(name, MNT_DETACH) < 0)
		return error_set(e, errno, "unmount it");
	return 0;
}

static int live_remove_last(const struct live *l, size_t n, struct error *e)
{
	int r = 0;

	while (r == 0 && n > 0) {
		const struct spec_mount *m = &l->spec.mounts[--n];

		if (l->add && m->remount)
			continue;
		r = live_unmount(l, m->destination, e);
		if (r < 0)
			error_prefix(e, "mounts[%zu] (%s)", n, m->destination);
	}
	return r;
}

/* All of them, or none. */
static int live_add(struct live *l, struct error *e)
{
	int r = mounts_make_rest(&l->sandbox, e);

	if (r == 0)
		r = mounts_finish(&l->sandbox, e);
	if (r < 0)
		live_remove_last(l, l->sandbox.n_mounted, NULL);
	return r;
}

static int live_enter_userns(struct live *l, struct error *e)
{
	const struct spec_process *p = &l->own.process;

	if (setns(l->init_fd, CLONE_NEWUSER) < 0)
		return error_set(e, errno, "join the container's user namespace");
	return idmap_become_root(&p->user, sandbox_keeps_groups(&l->sandbox), e);
}

static int live_enter(struct live *l, struct error *e)
{
	int flags = CLONE_NEWNS, r = 0, i;

	for (i = 0; i < SPEC_NS_COUNT; i++)
		if (i != SPEC_NS_PID && i != SPEC_NS_USER && i != SPEC_NS_TIME &&
		    l->own.linux_.namespaces[i].present)
			flags |= (int)spec_ns_flag((enum spec_ns)i);
	l->self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->self_fds < 0)
		return error_set(e, errno, "open /proc/self/fd");

	if (sandbox_shares_mounts(&l->sandbox)) {
		l->sandbox.root_fd = root_mount_open(&l->container, l->init_fd, e);
		if (l->sandbox.root_fd < 0)
			return l->sandbox.root_fd;
	}
	/* A user has power over mounts in there only; the host's are still in sight from a copy. */
	if (l->rt->rootless && l->sandbox.own_userns) {
		r = live_enter_userns(l, e);
		if (r == 0 && unshare(CLONE_NEWNS) < 0)
			r = error_set(e, errno, "make a mount namespace");
	}
	if (r == 0 && l->add)
		r = mounts_open_sources(&l->sandbox, e);
	if (r == 0 && !l->rt->rootless && l->sandbox.own_userns)
		r = live_enter_userns(l, e);
	if (r < 0)
		return r;
	if (setns(l->init_fd, flags) < 0)
		return error_set(e, errno, "join the container's namespaces");
	if (l->sandbox.root_fd >= 0)
		return 0;
	l->sandbox.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return l->sandbox.root_fd < 0 ? error_set(e, errno, "open the container's root") : 0;
}

static void live_main(struct live *l, int sync_fd) __attribute__((noreturn));

static void live_main(struct live *l, int sync_fd)
{
	struct error e = ERROR_INIT;
	int r;

	/* Joining a user namespace clears both: they are set again where it has. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	r = live_enter(l, &e);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r == 0)
		r = l->add ? live_add(l, &e) : live_remove_last(l, l->spec.n_mounts, &e);
	if (r < 0)
		sync_send_error(sync_fd, SYNC_ERROR, &e);
	else
		sync_send(sync_fd, SYNC_READY, 0);
	_exit(r < 0);
}

/* --- out here ------------------------------------------------------------------------------------ */

static int live_serve(struct live *l, int sync_fd, int pid_fd, struct error *e)
{
	struct sync_msg m;
	int r;

	r = sync_recv_alive(sync_fd, l->rt->cancel_fd, pid_fd, &m);
	if (r < 0)
		return error_set(e, -r, "wait for the process that mounts");
	if (r > 0 && m.kind == SYNC_READY)
		return 0;
	if (r > 0 && m.kind == SYNC_ERROR && m.error.errnum) {
		if (e)
			*e = m.error;
		return -m.error.errnum;
	}
	return error_say(e, EIO, "the process that mounts has ended without a word");
}

static int live_spawn(struct live *l, struct error *e)
{
	autoclose int ours = -1, theirs = -1, pid_fd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pid_fd,
		.exit_signal = SIGCHLD,
	};
	int pair[2], status, r;
	pid_t pid;

	r = sync_pair(pair);
	if (r < 0)
		return error_set(e, -r, "make the sync socket");
	ours = pair[0];
	theirs = pair[1];
	pid = sys_clone3(&args);
	if (pid < 0)
		return error_set(e, -pid, "fork");
	if (pid == 0) {
		close(ours);
		live_main(l, theirs);
	}
	mem_closep(&theirs);
	theirs = -1;
	r = live_serve(l, ours, pid_fd, e);
	if (r < 0)
		proc_kill(pid_fd, SIGKILL);
	proc_reap(pid_fd, &status);
	return r;
}

static int live_run(struct live *l, const char *id, const struct spec *mounts, struct error *e)
{
	struct sandbox *sb = &l->sandbox;
	int r;

	r = live_open(l, id, mounts, e);
	if (r == 0)
		r = l->add ? live_check_add(l, e) : live_check_remove(l, e);
	if (r == 0 && l->add) {
		r = guard_mounts(&l->guard, &l->container, &l->spec, &l->arena, e);
		notice_request(l->rt, id, "mounts", &l->guard.result);
	}
	if (r < 0)
		return r;
	sb->spec = &l->spec;
	sb->process = &l->own.process;
	sb->id = id;
	sb->bundle = l->container.state.bundle;
	sb->own_userns = sandbox_has_ns(sb, SPEC_NS_USER);
	return live_spawn(l, e);
}

static int live_change(const struct oci_runtime *rt, const char *id, const struct spec *mounts,
		       bool add, struct error *e)
{
	struct live l = {
		.rt = rt,
		.container = CONTAINER_INIT,
		.sandbox = SANDBOX_INIT,
		.self_fds = -1,
		.init_fd = -1,
		.add = add,
	};
	int r;

	arena_init(&l.arena, 4u << 20);
	r = live_run(&l, id, mounts, e);
	guard_done(&l.guard);
	mem_closep(&l.init_fd);
	spec_done(&l.own);
	container_done(&l.container);
	arena_done(&l.arena);
	return r;
}

int oci_mounts_add(const struct oci_runtime *rt, const char *id, const struct spec *mounts,
		   struct error *e)
{
	return live_change(rt, id, mounts, true, e);
}

int oci_mounts_remove(const struct oci_runtime *rt, const char *id, const struct spec *mounts,
		      struct error *e)
{
	return live_change(rt, id, mounts, false, e);
}
