/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/manager.h"

#include "live.h"

#include <sys/inotify.h>

#include "cgroup/devices.h"
#include "cgroup/limits.h"
#include "spec/spec.h"

static struct manager_request request(const char *cgroups_path)
{
	return (struct manager_request){ .kind = MANAGER_CGROUPFS,
					 .id = "c1",
					 .cgroups_path = cgroups_path };
}

static void test_names(void **state)
{
	enum manager_kind kind = MANAGER_SYSTEMD;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(manager_kind_parse("cgroupfs", &kind, &e), 0);
	assert_int_equal(kind, MANAGER_CGROUPFS);
	assert_int_equal(manager_kind_parse("systemd", &kind, &e), 0);
	assert_int_equal(kind, MANAGER_SYSTEMD);
	assert_int_equal(manager_kind_parse("disabled", &kind, &e), 0);
	assert_int_equal(kind, MANAGER_DISABLED);
	assert_string_equal(manager_kind_name(kind), "disabled");
	assert_int_equal(manager_kind_parse("Systemd", &kind, &e), -EINVAL);
	assert_string_equal(e.text, "\"Systemd\" is no cgroup manager: there are cgroupfs, "
				    "systemd and disabled");
}

static void test_life(void **state)
{
	struct manager_request rq;
	struct manager m = MANAGER_INIT, later = MANAGER_INIT;
	struct limits_plan plan = { 0 };
	char path[CGROUP_PATH_MAX], twice[CGROUP_PATH_MAX + 8];
	struct error e = ERROR_INIT;
	pid_t pid;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	snprintf(twice, sizeof(twice), "/%s/", live_path(path, "life"));
	rq = request(twice);
	rq.plan = &plan;
	rq.parent = live_root;
	if (manager_begin(&m, &rq, &e) < 0 || manager_ready(&m, &plan, 1000, &e) < 0 ||
	    manager_limit(&m, &plan, devices_default, devices_default_len, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(m.cgroup.path, path);
	assert_int_equal(devices_attached(&m.cgroup, &e), 1);
	pid = live_spawn(&m.cgroup, live_pause, NULL);
	manager_done(&m);

	/* Another process, later, with what the state kept. */
	assert_int_equal(manager_open(&later, MANAGER_CGROUPFS, path, false, &e), 0);
	assert_int_equal(manager_limit(&later, &plan, NULL, 0, &e), 0);
	assert_int_equal(devices_attached(&later.cgroup, &e), 1);
	assert_int_equal(cgroup_kill(&later.cgroup, SIGKILL, &e), 0);
	assert_int_equal(manager_remove(&later, 10000, &e), 0);
	manager_done(&later);
	live_reap(pid);

	assert_int_equal(manager_open(&later, MANAGER_CGROUPFS, path, false, &e), -ENOENT);
	assert_int_equal(manager_remove(&later, 10000, &e), 0);
	manager_done(&later);
}

static void test_parent(void **state)
{
	struct manager_request rq = request("/elsewhere/c1");
	struct manager m = MANAGER_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	rq.parent = "/kept";
	assert_int_equal(manager_begin(&m, &rq, &e), -EPERM);
	assert_string_equal(e.text,
			    "the cgroup /elsewhere/c1 is outside of /kept, where policy "
			    "keeps containers");
	rq.cgroups_path = "/kept/../elsewhere/c1";
	assert_int_equal(manager_begin(&m, &rq, &e), -EPERM);
	rq.cgroups_path = "/kept2/c1";
	assert_int_equal(manager_begin(&m, &rq, &e), -EPERM);
	manager_done(&m);
}

static void test_systemd_path(void **state)
{
	struct manager_request rq = request("machine-pods.slice:p:n");
	struct manager m = MANAGER_INIT;
	struct error e = ERROR_INIT;
	char path[CGROUP_PATH_MAX];

	(void)state;
	rq.kind = MANAGER_SYSTEMD;
	rq.state_fd = rq.cancel_fd = -1;
	assert_int_equal(manager_path(&m, &rq, path, &e), 0);
	assert_string_equal(path, "/machine.slice/machine-pods.slice/p-n.scope/container");
	manager_done(&m);

	rq.parent = "/machine.slice";
	assert_int_equal(manager_path(&m, &rq, path, &e), 0);
	manager_done(&m);
	rq.parent = "/machine.slice/machine-other.slice";
	assert_int_equal(manager_path(&m, &rq, path, &e), -EPERM);
	assert_string_equal(e.text, "the cgroup /machine.slice/machine-pods.slice/p-n.scope is "
				    "outside of /machine.slice/machine-other.slice, where "
				    "policy keeps containers");
	manager_done(&m);
}

static void test_systemd_slice(void **state)
{
	struct manager_request rq = request("a.slice:p:a-b.slice");
	struct manager m = MANAGER_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	rq.kind = MANAGER_SYSTEMD;
	rq.state_fd = rq.cancel_fd = -1;
	assert_int_equal(manager_begin(&m, &rq, &e), -EINVAL);
	assert_string_equal(e.text, "linux.cgroupsPath \"a.slice:p:a-b.slice\": a-b.slice is a "
				    "slice, in which systemd lets no process live");
	manager_done(&m);
}

/* What a state file says is not believed without a look. */
static void test_systemd_state(void **state)
{
	static const char *const paths[] = {
		"/system.slice/a.scope", "/system.slice/a.service/container", "/container",
		"a.scope/container",     "/x/../a.scope/container",
	};
	struct manager m = MANAGER_INIT;
	struct error e = ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(manager_open(&m, MANAGER_SYSTEMD, paths[i], false, &e),
				 -EINVAL);
		assert_non_null(strstr(e.text, "is no cgroup of a scope of ours"));
		manager_done(&m);
	}
}

static void test_disabled(void **state)
{
	struct manager_request rq = request("/a");
	struct manager m = MANAGER_INIT;
	struct spec_resources r = { .pids_limit = { true, 5 } };
	struct limits_plan plan;
	struct error e = ERROR_INIT;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1u << 16);
	assert_int_equal(limits_plan(&arena, &r, &plan, &e), 0);
	rq.kind = MANAGER_DISABLED;
	rq.plan = &plan;
	assert_int_equal(manager_begin(&m, &rq, &e), 0);
	assert_int_equal(manager_ready(&m, NULL, 0, &e), 0);
	assert_int_equal(manager_limit(&m, &plan, devices_default, devices_default_len, &e), 0);
	assert_int_equal(m.cgroup.fd, -1);
	assert_string_equal(m.cgroup.path, "");
	assert_int_equal(manager_remove(&m, 0, &e), 0);
	manager_done(&m);
	assert_int_equal(manager_open(&m, MANAGER_DISABLED, "", false, &e), 0);
	assert_int_equal(manager_remove(&m, 0, &e), 0);
	arena_done(&arena);
}

/* As an ordinary user, in a child. */
static int begin_as_user(struct manager_request *rq)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct manager m = MANAGER_INIT;
		struct error e = ERROR_INIT;
		int r;

		if (setresuid(65534, 65534, 65534) < 0)
			_exit(98);
		r = manager_begin(&m, rq, &e);
		if (r == 0 && m.cgroup.fd >= 0)
			_exit(97);
		if (r < 0 && !strstr(e.hint, "not delegated"))
			_exit(96);
		_exit(-r);
	}
	status = live_reap(pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_rootless(void **state)
{
	struct manager_request rq = request(NULL);
	struct spec_pair pair = { "cgroup.max.depth", "3" };
	struct spec_resources r = { .unified = { 1, &pair } };
	char path[CGROUP_PATH_MAX];
	struct limits_plan plan;
	struct arena arena;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	arena_init(&arena, 1u << 16);
	assert_int_equal(limits_plan(&arena, &r, &plan, NULL), 0);
	rq.rootless = true;
	assert_int_equal(begin_as_user(&rq), 0);
	rq.plan = &plan;
	assert_int_equal(begin_as_user(&rq), EACCES);
	rq.plan = NULL;
	rq.cgroups_path = live_path(path, "user");
	assert_int_equal(begin_as_user(&rq), EACCES);
	rq.cgroups_path = NULL;
	rq.rootless = false;
	assert_int_equal(begin_as_user(&rq), EACCES);
	arena_done(&arena);
}

/* Watches a scope as systemd does, and removes it when it is told of a change. */
static void play_systemd(const char *scope, int ready_fd)
{
	char path[2 * CGROUP_PATH_MAX], event[4096];
	int fd = inotify_init1(IN_CLOEXEC);

	snprintf(path, sizeof(path), "%s%s/cgroup.events", CGROUP_MOUNT, scope);
	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0 ||
	    write(ready_fd, "x", 1) != 1 || read(fd, event, sizeof(event)) <= 0)
		_exit(1);
	*strrchr(path, '/') = '\0';
	_exit(rmdir(path) < 0);
}

/* This one never had a process: the kernel has nothing to tell of it. */
static void test_systemd_is_told(void **state)
{
	struct cgroup scope = live_create("told.scope"), sub = live_mkdir(&scope, "container");
	struct manager m = MANAGER_INIT;
	struct error e = ERROR_INIT;
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		play_systemd(scope.path, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	if (manager_open(&m, MANAGER_SYSTEMD, sub.path, false, &e) < 0 ||
	    manager_remove(&m, 10000, &e) < 0) {
		live_kill(pid);
		fail_msg("%s", e.text);
	}
	assert_int_equal(live_reap(pid), 0);
	assert_false(live_exists(scope.path));
	manager_done(&m);
	cgroup_done(&sub);
	cgroup_done(&scope);
	close(ready[0]);
	close(ready[1]);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		{ "managers have names", test_names },
		{ "a cgroup is made, limited, found again, removed", test_life },
		{ "policy keeps containers below its parent", test_parent },
		{ "systemd's slices expand, and stay where policy keeps them",
		  test_systemd_path },
		{ "a container is no slice", test_systemd_slice },
		{ "a path that is no scope of ours is refused", test_systemd_state },
		{ "systemd is told of the end of a scope without the bus",
		  test_systemd_is_told },
		{ "disabled means no cgroup", test_disabled },
		{ "a user goes without, if nothing was asked for", test_rootless },
	};

	return cmocka_run_group_tests_name("cgroup/manager", list, NULL, NULL);
}

int main(void)
{
	return live_main(tests);
}
