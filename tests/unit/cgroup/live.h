/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sys.h"
#include "cgroup/cgroup.h"
#include "cgroup/create.h"
#include "cgroup/kill.h"
#include "cgroup/remove.h"
#include "unit/skip.h"

/*
 * Tests on real cgroups. The program takes a mount namespace of its own, where cgroup2 is at
 * /sys/fs/cgroup whatever the host has there, and makes everything below one cgroup of its own.
 * The tests run in a child: the parent removes what is left, however the child ended.
 */

static char live_root[64];    /* "/strake-test-123" */
static const char *live_lack; /* why no test can run, or NULL */

static inline int live_mount(void)
{
	struct statfs sb;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	if (statfs(CGROUP_MOUNT, &sb) == 0 && sb.f_type == CGROUP2_SUPER_MAGIC)
		return 0;
	return mount("none", CGROUP_MOUNT, "cgroup2", 0, NULL);
}

static inline void live_setup(void)
{
	snprintf(live_root, sizeof(live_root), "/strake-test-%d", (int)getpid());
	if (geteuid() != 0)
		live_lack = "needs root";
	else if (unshare(CLONE_NEWNS) < 0)
		live_lack = "may not make a mount namespace";
	else if (live_mount() < 0)
		live_lack = "may not mount cgroup2";
}

/* In which the test's own cgroups are made: "/strake-test-123/name". */
static inline const char *live_path(char dst[CGROUP_PATH_MAX], const char *name)
{
	snprintf(dst, CGROUP_PATH_MAX, "%s/%s", live_root, name);
	return dst;
}

static inline struct cgroup live_create(const char *name)
{
	struct cgroup_create_options opt = { 0 };
	struct cgroup cg = CGROUP_NONE;
	struct error e = ERROR_INIT;
	char path[CGROUP_PATH_MAX];

	if (live_lack)
		SKIP(live_lack);
	if (cgroup_create(live_path(path, name), &opt, &cg, &e) < 0)
		fail_msg("%s (%s)", e.text, e.hint);
	return cg;
}

/* Below cg as mkdir(1) would make it, without controllers. */
static inline struct cgroup live_mkdir(const struct cgroup *cg, const char *name)
{
	struct cgroup sub = CGROUP_NONE;
	struct error e = ERROR_INIT;

	assert_int_equal(mkdirat(cg->fd, name, 0755), 0);
	if (cgroup_open_below(cg, name, &sub, &e) < 0)
		fail_msg("%s", e.text);
	return sub;
}

static inline void live_remove(struct cgroup *cg)
{
	struct error e = ERROR_INIT;

	if (cgroup_remove(cg, 10000, &e) < 0)
		fail_msg("%s", e.text);
	cgroup_done(cg);
}

/* The error's text begins so. */
__attribute__((format(printf, 2, 3))) static inline void assert_text(const struct error *e,
								     const char *fmt, ...)
{
	char want[3 * CGROUP_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(want, sizeof(want), fmt, ap);
	va_end(ap);
	if (strncmp(e->text, want, strlen(want)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", e->text, want);
}

static inline bool live_exists(const char *path)
{
	char full[2 * CGROUP_PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", CGROUP_MOUNT, path);
	return access(full, F_OK) == 0;
}

/* A child that is born in the cgroup and runs `f`; it dies with us. */
static inline pid_t live_spawn(const struct cgroup *cg, void (*f)(void *), void *arg)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cg->fd,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		f(arg);
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static inline void live_pause(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static inline int live_reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void live_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	live_reap(pid);
}

/* What is enabled at the root is the machine's: it is put back to what it was. */
static inline void live_restore_root(uint32_t before)
{
	char text[256];
	uint32_t now;
	size_t i;

	if (file_read_line(AT_FDCWD, CGROUP_MOUNT "/cgroup.subtree_control", text,
			   sizeof(text)) < 0)
		return;
	now = cgroup_controllers_parse(text);
	for (i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!(now & ~before & CGROUP_BIT(i)))
			continue;
		snprintf(text, sizeof(text), "-%s", cgroup_controller_name(i));
		file_write(AT_FDCWD, CGROUP_MOUNT "/cgroup.subtree_control", text);
	}
}

static inline int live_clean(void)
{
	struct cgroup cg = CGROUP_NONE;
	struct error e = ERROR_INIT;
	int r;

	r = cgroup_open(live_root, &cg, &e);
	if (r == 0) {
		cgroup_write(&cg, "cgroup.freeze", "0", NULL);
		cgroup_kill(&cg, SIGKILL, NULL);
		r = cgroup_remove(&cg, 20000, &e);
		cgroup_done(&cg);
	}
	if (r < 0 && r != -ENOENT)
		fprintf(stderr, "not removed: %s\n", e.text);
	return r == -ENOENT ? 0 : r;
}

/* The whole of main(): `tests` runs the group and returns what it gave. */
static inline int live_main(int (*tests)(void))
{
	uint32_t before = 0;
	char text[256] = "";
	int lock, status = 0;
	pid_t pid;

	live_setup();
	if (live_lack)
		return tests();

	/* One program at a time: another's end would take the controllers away from us. */
	lock = open(CGROUP_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	flock(lock, LOCK_EX);
	file_read_line(AT_FDCWD, CGROUP_MOUNT "/cgroup.subtree_control", text, sizeof(text));
	before = cgroup_controllers_parse(text);

	/* Orphans of the tests come to us, and none is left behind. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(tests());
	}
	waitpid(pid, &status, 0);
	if (live_clean() < 0)
		status = 1 << 8;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	live_restore_root(before);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
