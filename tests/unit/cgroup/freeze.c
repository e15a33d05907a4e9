/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/freeze.h"

#include "live.h"

#include <pthread.h>
#include <sys/syscall.h>

#include "base/proc.h"
#include "cgroup/events.h"
#include "cgroup/pids.h"

/* --- what runs inside --------------------------------------------------------------------- */

/* Writes bytes for as long as it runs. */
static void ticker(void *arg)
{
	int fd = *(int *)arg;

	for (;;)
		if (write(fd, "t", 1) < 0 && errno != EAGAIN)
			_exit(1);
}

/* Whether the ticker writes: first takes what it wrote before. */
static bool ticks(int fd, int within_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char old[65536];

	while (read(fd, old, sizeof(old)) > 0)
		;
	return poll(&p, 1, within_ms) > 0;
}

/* Tells by one byte that it was signalled, and goes on. */
static int told_fd;

static void tell(int signum)
{
	char c = (char)signum;

	if (write(told_fd, &c, 1) < 0)
		_exit(1);
}

static void listener(void *arg)
{
	int *fds = arg;
	sigset_t set;

	told_fd = fds[1];
	signal(SIGUSR1, tell);
	sigemptyset(&set);
	if (write(fds[0], "r", 1) != 1)
		_exit(1);
	for (;;)
		sigsuspend(&set);
}

static void await(int fd, char want)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, want);
}

/* --- freezing ----------------------------------------------------------------------------- */

static void test_freeze(void **state)
{
	struct cgroup cg = live_create("freeze"), sub = live_create("freeze/sub");
	struct error e = ERROR_INIT;
	int p[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	pid = live_spawn(&sub, ticker, &p[1]);
	assert_true(ticks(p[0], 10000));
	assert_int_equal(cgroup_is_frozen(&cg, &e), 0);

	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(cgroup_is_frozen(&cg, &e), 1);
	assert_int_equal(cgroup_is_frozen(&sub, &e), 0); /* it is, but nobody asked for that */
	assert_false(ticks(p[0], 30));

	/* Twice is once. */
	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(cgroup_thaw(&cg, &e), 0);
	assert_int_equal(cgroup_is_frozen(&cg, &e), 0);
	assert_true(ticks(p[0], 10000));
	assert_int_equal(cgroup_thaw(&cg, &e), 0);

	live_kill(pid);
	cgroup_done(&sub);
	live_remove(&cg);
	close(p[0]);
	close(p[1]);
}

static void test_freeze_many_times(void **state)
{
	struct cgroup cg = live_create("often");
	pid_t pid = live_spawn(&cg, live_pause, NULL);
	struct error e = ERROR_INIT;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		if (cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e) < 0 || cgroup_thaw(&cg, &e) < 0)
			fail_msg("round %d: %s", i, e.text);
	}
	live_kill(pid);
	live_remove(&cg);
}

static void test_freeze_empty(void **state)
{
	struct cgroup cg = live_create("void");
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(cgroup_thaw(&cg, &e), 0);
	live_remove(&cg);
}

static void test_frozen_ancestor(void **state)
{
	struct cgroup cg = live_create("pod"), sub = live_create("pod/a/ctr");
	pid_t pid = live_spawn(&sub, live_pause, NULL);
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(cgroup_thaw(&sub, &e), -EBUSY);
	assert_text(&e, "/sys/fs/cgroup%s stays frozen because /sys/fs/cgroup%s, above it, is",
		    sub.path, cg.path);
	assert_int_equal(cgroup_thaw(&cg, &e), 0);
	assert_int_equal(cgroup_thaw(&sub, &e), 0);
	live_kill(pid);
	cgroup_done(&sub);
	live_remove(&cg);
}

/* A request to a FUSE file system that nobody serves cannot be interrupted. */
static void stuck(void *arg)
{
	struct stat st;

	stat(arg, &st);
}

static void test_freeze_timeout(void **state)
{
	char dir[] = "/tmp/strake-fuse-XXXXXX", path[64], options[96];
	struct cgroup cg = live_create("dstate");
	struct error e = ERROR_INIT;
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct pollfd p = { .fd = fuse, .events = POLLIN };
	char request[65536];
	pid_t pid;

	(void)state;
	if (fuse < 0) {
		live_remove(&cg);
		SKIP("no /dev/fuse");
	}
	assert_non_null(mkdtemp(dir));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	assert_int_equal(mount("none", dir, "fuse", MS_NODEV, options), 0);
	snprintf(path, sizeof(path), "%s/file", dir);

	pid = live_spawn(&cg, stuck, path);
	/* FUSE_INIT is never answered, and until it is all others wait uninterruptibly. */
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(read(fuse, request, sizeof(request)) > 0);
	while (proc_state(pid) != 'D')
		sched_yield();

	assert_int_equal(cgroup_freeze(&cg, 50, &e), -ETIMEDOUT);
	assert_text(
		&e,
		"/sys/fs/cgroup%s is not frozen after 50 ms, and was thawed again; it holds %d "
		"(freeze, D)",
		cg.path, (int)pid);
	assert_int_equal(cgroup_is_frozen(&cg, &e), 0);

	/* It does not keep a signal from its cgroup either, and SIGKILL ends it. */
	assert_int_equal(cgroup_kill(&cg, SIGTERM, &e), 0);
	assert_int_equal(cgroup_kill(&cg, SIGKILL, &e), 0);
	live_reap(pid);
	umount2(dir, MNT_DETACH);
	close(fuse);
	rmdir(dir);
	live_remove(&cg);
}

/* --- killing ------------------------------------------------------------------------------ */

/* Forks for as long as it may, as a fork bomb does, but with a limit of its own. */
static void bomb(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 40; i++)
		if (fork() == 0 && i > 5)
			live_pause(NULL);
	live_pause(NULL);
}

static void test_kill(void **state)
{
	struct cgroup cg = live_create("kill"), sub = live_mkdir(&cg, "sub");
	struct error e = ERROR_INIT;
	pid_t a, b;

	(void)state;
	a = live_spawn(&cg, live_pause, NULL);
	b = live_spawn(&sub, bomb, NULL);
	assert_int_equal(cgroup_kill(&cg, SIGKILL, &e), 0);
	assert_int_equal(WTERMSIG(live_reap(a)), SIGKILL);
	assert_int_equal(WTERMSIG(live_reap(b)), SIGKILL);
	assert_int_equal(cgroup_wait_empty(&cg, 10000, &e), 0);

	/* Empty is fine, and so is gone. */
	assert_int_equal(cgroup_kill(&cg, SIGKILL, &e), 0);
	assert_int_equal(cgroup_kill(&cg, SIGTERM, &e), 0);
	cgroup_done(&sub);
	assert_int_equal(cgroup_remove(&cg, 1000, &e), 0);
	assert_int_equal(cgroup_kill(&cg, SIGKILL, &e), 0);
	assert_int_equal(cgroup_kill(&cg, SIGTERM, &e), 0);
	cgroup_done(&cg);
}

static void test_kill_frozen(void **state)
{
	struct cgroup cg = live_create("kill-frozen");
	pid_t pid = live_spawn(&cg, live_pause, NULL);
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(cgroup_kill(&cg, SIGKILL, &e), 0);
	live_reap(pid);
	live_remove(&cg);
}

static void test_signal_all(void **state)
{
	struct cgroup cg = live_create("signal"), sub = live_mkdir(&cg, "sub");
	struct error e = ERROR_INIT;
	int ready[2], told[2], fds[2], i;
	pid_t pid[3];

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	fds[0] = ready[1];
	fds[1] = told[1];
	for (i = 0; i < 3; i++)
		pid[i] = live_spawn(i == 0 ? &cg : &sub, listener, fds);
	for (i = 0; i < 3; i++)
		await(ready[0], 'r');

	assert_int_equal(cgroup_kill(&cg, SIGUSR1, &e), 0);
	for (i = 0; i < 3; i++)
		await(told[0], SIGUSR1);
	assert_int_equal(cgroup_is_frozen(&cg, &e), 0);

	/* Paused stays paused; the signal waits. */
	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(cgroup_kill(&cg, SIGUSR1, &e), 0);
	assert_int_equal(cgroup_is_frozen(&cg, &e), 1);
	{
		struct pollfd p = { .fd = told[0], .events = POLLIN };

		assert_int_equal(poll(&p, 1, 20), 0);
	}
	assert_int_equal(cgroup_thaw(&cg, &e), 0);
	for (i = 0; i < 3; i++)
		await(told[0], SIGUSR1);

	for (i = 0; i < 3; i++)
		live_kill(pid[i]);
	cgroup_done(&sub);
	live_remove(&cg);
}

/* --- processes and events ----------------------------------------------------------------- */

static void test_pids(void **state)
{
	struct cgroup cg = live_create("pids"), sub[2];
	struct cgroup_pids got;
	struct error e = ERROR_INIT;
	pid_t want[6];
	char text[256], tiny[48];
	size_t i;

	(void)state;
	assert_int_equal(cgroup_pids(&cg, &got, &e), 0);
	assert_int_equal(got.n, 0);
	cgroup_pids_done(&got);

	sub[0] = live_mkdir(&cg, "a");
	sub[1] = live_mkdir(&sub[0], "b");
	want[0] = live_spawn(&cg, live_pause, NULL);
	want[1] = live_spawn(&sub[1], live_pause, NULL);
	want[2] = live_spawn(&sub[0], live_pause, NULL);
	want[3] = live_spawn(&cg, live_pause, NULL);
	want[4] = live_spawn(&sub[1], live_pause, NULL);
	assert_int_equal(cgroup_pids(&cg, &got, &e), 0);
	assert_int_equal(got.n, 5);
	for (i = 0; i < 5; i++) {
		size_t j;

		assert_true(i == 0 || got.v[i - 1] < got.v[i]);
		for (j = 0; j < 5 && got.v[j] != want[i]; j++)
			;
		assert_true(j < 5);
	}
	cgroup_pids_show(&got, text, sizeof(text));
	assert_non_null(strstr(text, "(freeze, "));
	cgroup_pids_show(&got, tiny, sizeof(tiny));
	assert_true(strlen(tiny) < sizeof(tiny));
	assert_non_null(strstr(tiny, "more"));
	cgroup_pids_done(&got);

	for (i = 0; i < 5; i++)
		live_kill(want[i]);
	cgroup_done(&sub[0]);
	cgroup_done(&sub[1]);
	live_remove(&cg);
}

static void *thread_main(void *arg)
{
	live_pause(arg);
	return NULL;
}

/* A process whose threads live in cgroups of their own, as one in a container may do. */
static void threaded(void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_main, NULL);
	if (write(*(int *)arg, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void test_pids_threaded(void **state)
{
	struct cgroup cg = live_create("thr"), sub = live_mkdir(&cg, "t");
	struct cgroup_pids got;
	struct error e = ERROR_INIT;
	int ready[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(cgroup_write(&sub, "cgroup.type", "threaded", &e), 0);
	pid = live_spawn(&cg, threaded, &ready[1]);
	await(ready[0], 'r');
	assert_int_equal(cgroup_attach(&sub, pid, &e), 0);
	assert_int_equal(cgroup_pids(&cg, &got, &e), 0);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.v[0], pid);
	cgroup_pids_done(&got);
	assert_int_equal(cgroup_kill(&cg, SIGKILL, &e), 0);
	live_reap(pid);
	cgroup_done(&sub);
	live_remove(&cg);
}

static void test_wait_empty(void **state)
{
	struct cgroup cg = live_create("wait");
	struct error e = ERROR_INIT;
	pid_t pid, killer;

	(void)state;
	assert_int_equal(cgroup_wait_empty(&cg, 0, &e), 0);
	pid = live_spawn(&cg, live_pause, NULL);
	assert_int_equal(cgroup_wait_event(&cg, "populated", true, 0, &e), 1);
	assert_int_equal(cgroup_wait_event(&cg, "populated", false, 0, &e), 0);
	assert_int_equal(cgroup_wait_empty(&cg, 10, &e), -ETIMEDOUT);
	assert_non_null(strstr(e.text, "still holds processes after 10 ms"));

	/* Somebody else ends it while we wait; it need not be reaped for that. */
	killer = fork();
	if (killer == 0) {
		usleep(30000);
		kill(pid, SIGKILL);
		_exit(0);
	}
	assert_int_equal(cgroup_wait_empty(&cg, 10000, &e), 0);
	assert_int_equal(cgroup_wait_event(&cg, "no_such_key", true, 0, &e), -ENOTSUP);
	live_reap(killer);
	live_reap(pid);

	assert_int_equal(cgroup_remove(&cg, 0, &e), 0);
	assert_int_equal(cgroup_wait_event(&cg, "populated", true, 0, &e), -ENODEV);
	assert_int_equal(cgroup_wait_empty(&cg, 0, &e), 0);
	cgroup_done(&cg);
}

/* Somebody removes the cgroup under our hands: the wait ends, long before its deadline. */
static void test_wait_removed(void **state)
{
	struct cgroup cg = live_create("removed");
	struct error e = ERROR_INIT;
	pid_t remover = fork();

	(void)state;
	if (remover == 0) {
		usleep(30000);
		_exit(unlinkat(cg.mount_fd, cg.path + 1, AT_REMOVEDIR) < 0);
	}
	assert_int_equal(cgroup_wait_event(&cg, "frozen", true, 10000, &e), -ENODEV);
	assert_int_equal(live_reap(remover), 0);
	cgroup_done(&cg);
}

static void test_memory_events(void **state)
{
	struct cgroup cg = live_create("oom");
	struct memory_events ev;
	struct error e = ERROR_INIT;
	uint32_t have;
	int fd;

	(void)state;
	assert_int_equal(cgroup_controllers(&cg, &have, &e), 0);
	if (!(have & CGROUP_BIT(CGROUP_MEMORY))) {
		assert_int_equal(memory_events_open(&cg, &e), -ENOENT);
		live_remove(&cg);
		SKIP("controller memory not in cgroup.controllers");
	}
	fd = memory_events_open(&cg, &e);
	assert_true(fd >= 0);
	assert_int_equal(memory_events_read(fd, &ev), 0);
	assert_int_equal(ev.oom_kill, 0);
	live_remove(&cg);
	assert_int_equal(memory_events_read(fd, &ev), -ENODEV);
	close(fd);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		{ "freezing stops all, thawing lets go", test_freeze },
		{ "freezing and thawing work many times in a row", test_freeze_many_times },
		{ "an empty cgroup freezes", test_freeze_empty },
		{ "a frozen ancestor is named", test_frozen_ancestor },
		{ "what cannot be frozen is named", test_freeze_timeout },
		{ "SIGKILL reaches all, also those who fork", test_kill },
		{ "SIGKILL reaches what is frozen", test_kill_frozen },
		{ "other signals reach each process once", test_signal_all },
		{ "processes are listed, sorted, from all below", test_pids },
		{ "a process with threads below is listed once", test_pids_threaded },
		{ "waiting ends when the last process does", test_wait_empty },
		{ "waiting ends when the cgroup does", test_wait_removed },
		{ "memory events are read", test_memory_events },
	};

	return cmocka_run_group_tests_name("cgroup/freeze", list, NULL, NULL);
}

int main(void)
{
	return live_main(tests);
}
