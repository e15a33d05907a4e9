/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/create.h"

#include "live.h"

#include <sys/resource.h>

#include "cgroup/freeze.h"
#include "cgroup/limits.h"
#include "spec/spec.h"

static struct cgroup_create_options plain;

static int create(const char *name, const struct cgroup_create_options *opt, struct error *e)
{
	struct cgroup cg = CGROUP_NONE;
	char path[CGROUP_PATH_MAX];
	int r;

	*e = ERROR_INIT;
	r = cgroup_create(live_path(path, name), opt, &cg, e);
	cgroup_done(&cg);
	return r;
}

static void assert_exists(const char *name, bool want)
{
	char path[CGROUP_PATH_MAX];

	assert_int_equal(live_exists(live_path(path, name)), want);
}

static uint32_t root_controllers(void)
{
	char text[256];

	assert_int_equal(file_read_line(AT_FDCWD, CGROUP_MOUNT "/cgroup.controllers", text,
					sizeof(text)),
			 0);
	return cgroup_controllers_parse(text);
}

/* --- making ------------------------------------------------------------------------------- */

static void test_create(void **state)
{
	struct cgroup cg = live_create("create/a/b"), again = CGROUP_NONE;
	char path[CGROUP_PATH_MAX];
	struct error e = ERROR_INIT;
	uint32_t have;

	(void)state;
	assert_string_equal(cg.path, live_path(path, "create/a/b"));
	assert_int_equal(cgroup_controllers(&cg, &have, &e), 0);
	assert_int_equal(have, root_controllers());

	assert_int_equal(cgroup_open(path, &again, &e), 0);
	assert_string_equal(again.path, cg.path);
	cgroup_done(&again);

	live_remove(&cg);
	assert_exists("create/a/b", false);
	assert_exists("create/a", true);
	assert_int_equal(cgroup_open(path, &again, &e), -ENOENT);
}

static void test_existing_empty(void **state)
{
	struct cgroup a = live_create("empty"), b = live_create("empty");

	(void)state;
	cgroup_done(&a);
	live_remove(&b);
}

static void test_existing_with_process(void **state)
{
	struct cgroup cg = live_create("occupied");
	struct cgroup_create_options reuse = { .reuse = true };
	struct error e;
	pid_t pid = live_spawn(&cg, live_pause, NULL);

	(void)state;
	assert_int_equal(create("occupied", &plain, &e), -EBUSY);
	assert_text(&e, "the cgroup /sys/fs/cgroup%s already holds processes: %d (", cg.path,
		    (int)pid);
	assert_int_equal(create("occupied", &reuse, &e), 0);
	assert_exists("occupied", true);
	live_kill(pid);
	live_remove(&cg);
}

static void test_existing_with_process_below(void **state)
{
	struct cgroup above = live_create("above"), below = live_create("above/below");
	struct error e;
	pid_t pid = live_spawn(&below, live_pause, NULL);

	(void)state;
	assert_int_equal(create("above", &plain, &e), -EBUSY);
	live_kill(pid);
	cgroup_done(&below);
	live_remove(&above);
}

static void test_existing_frozen(void **state)
{
	struct cgroup cg = live_create("frozen");
	struct error e;

	(void)state;
	assert_int_equal(cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, &e), 0);
	assert_int_equal(create("frozen", &plain, &e), -EBUSY);
	assert_non_null(strstr(e.text, "exists and is frozen"));
	assert_int_equal(cgroup_thaw(&cg, &e), 0);
	live_remove(&cg);
}

static void test_bad_paths(void **state)
{
	static const char *const bad[] = { "", "/", "a", "/a/../b", "/a/", "//a", "/.", "/.." };
	struct cgroup cg = CGROUP_NONE;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(cgroup_create(bad[i], &plain, &cg, &e), -EINVAL);
}

static void test_file_in_the_way(void **state)
{
	struct error e;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	assert_int_equal(create("way/cgroup.procs", &plain, &e), -ENOTDIR);
	assert_non_null(strstr(e.hint, "a file of its parent has this name"));
	assert_exists("way", false);
}

static void test_too_deep(void **state)
{
	struct cgroup cg = live_create("shallow");
	struct error e;

	(void)state;
	assert_int_equal(cgroup_write(&cg, "cgroup.max.depth", "1", &e), 0);
	assert_int_equal(create("shallow/1/2", &plain, &e), -EAGAIN);
	assert_non_null(strstr(e.hint, "cgroup.max.depth"));
	assert_exists("shallow/1", false);
	live_remove(&cg);
}

/* Something mounted in the tree is no part of it, and nothing is made there. */
static void test_mount_below(void **state)
{
	struct cgroup cg = live_create("mounted"), none = CGROUP_NONE;
	char path[CGROUP_PATH_MAX], full[CGROUP_PATH_MAX + 32];
	struct error e = ERROR_INIT;

	(void)state;
	snprintf(full, sizeof(full), "%s%s", CGROUP_MOUNT, cg.path);
	assert_int_equal(mount("none", full, "tmpfs", 0, NULL), 0);
	assert_int_equal(create("mounted/x", &plain, &e), -EXDEV);
	assert_int_equal(cgroup_open(live_path(path, "mounted"), &none, &e), -EXDEV);
	assert_exists("mounted/x", false);
	assert_int_equal(umount(full), 0);
	live_remove(&cg);
}

static void test_no_cgroup2(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	assert_int_equal(mount("none", CGROUP_MOUNT, "tmpfs", 0, NULL), 0);
	assert_int_equal(cgroup_mount_open(&e), -ENOTSUP);
	assert_int_equal(umount(CGROUP_MOUNT), 0);
	assert_string_equal(e.text, "no cgroup2 file system is mounted at /sys/fs/cgroup");
	assert_non_null(strstr(e.hint, "systemd.unified_cgroup_hierarchy=1"));
}

static void test_read_only(void **state)
{
	struct error e;
	int r;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	assert_int_equal(
		mount(NULL, CGROUP_MOUNT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	r = create("ro", &plain, &e);
	assert_int_equal(mount(NULL, CGROUP_MOUNT, NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	assert_int_equal(r, -EROFS);
	assert_non_null(strstr(e.hint, "mounted read-only"));
}

/* --- controllers -------------------------------------------------------------------------- */

static struct limits_plan plan_of(struct arena *a, const char *file)
{
	struct spec_pair pair = { file, "0" };
	struct spec_resources r = { .unified = { 1, &pair } };
	struct limits_plan p;

	arena_init(a, 1u << 16);
	assert_int_equal(limits_plan(a, &r, &p, NULL), 0);
	return p;
}

static void test_missing_controller(void **state)
{
	enum cgroup_controller k = 0;
	char file[64];
	struct limits_plan plan;
	struct cgroup_create_options opt = { .plan = &plan };
	struct arena arena;
	struct error e;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	while (k < CGROUP_CONTROLLERS && (root_controllers() & CGROUP_BIT(k)))
		k++;
	if (k == CGROUP_CONTROLLERS)
		SKIP("every controller is in cgroup.controllers");

	snprintf(file, sizeof(file), "%s.max", cgroup_controller_name(k));
	plan = plan_of(&arena, file);
	assert_int_equal(create("lacking/parent/child", &opt, &e), -ENOTSUP);
	assert_int_equal(e.errnum, ENOTSUP);
	assert_text(&e,
		    "linux.resources.unified[\"%s\"] needs the controller \"%s\", which is not "
		    "listed in /sys/fs/cgroup/cgroup.controllers",
		    file, cgroup_controller_name(k));
	assert_non_null(strstr(e.hint, "Delegate=yes"));
	/* All that was made on the way is gone. */
	assert_exists("lacking", false);
	arena_done(&arena);
}

/* The first domain controller that the root has, or CGROUP_CONTROLLERS. */
static enum cgroup_controller domain_controller(void)
{
	static const enum cgroup_controller domain[] = { CGROUP_HUGETLB, CGROUP_MEMORY,
							 CGROUP_IO, CGROUP_RDMA };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(domain); i++)
		if (root_controllers() & CGROUP_BIT(domain[i]))
			return domain[i];
	return CGROUP_CONTROLLERS;
}

static void test_processes_inside(void **state)
{
	struct cgroup cg = live_create("inner");
	enum cgroup_controller k = domain_controller();
	pid_t pid = live_spawn(&cg, live_pause, NULL);
	char file[64], type[32];
	struct limits_plan plan;
	struct cgroup_create_options opt = { .plan = &plan };
	struct arena arena;
	struct error e;

	(void)state;
	if (k == CGROUP_CONTROLLERS) {
		live_kill(pid);
		live_remove(&cg);
		SKIP("no domain controller is in cgroup.controllers");
	}
	snprintf(file, sizeof(file), "%s.max", cgroup_controller_name(k));
	plan = plan_of(&arena, file);
	assert_int_equal(create("inner/child", &opt, &e), -ENOTSUP);
	assert_text(
		&e,
		"linux.resources.unified[\"%s\"] needs the controller \"%s\", which cannot be "
		"enabled in /sys/fs/cgroup%s/cgroup.subtree_control: Device or resource busy",
		file, cgroup_controller_name(k), cg.path);
	assert_non_null(strstr(e.hint, "holds processes itself"));
	assert_exists("inner/child", false);

	/* Where no limit needs it, the container works without. */
	assert_int_equal(create("inner/child", &plain, &e), 0);
	assert_true(cgroup_read(&cg, "cgroup.type", type, sizeof(type), &e) > 0);
	assert_string_equal(type, "domain");
	live_kill(pid);
	live_remove(&cg);
	arena_done(&arena);
}

static void test_threaded(void **state)
{
	struct cgroup cg = live_create("threads"), t = live_mkdir(&cg, "t");
	struct error e;

	(void)state;
	assert_int_equal(cgroup_write(&t, "cgroup.type", "threaded", &e), 0);
	if (domain_controller() == CGROUP_CONTROLLERS) {
		cgroup_done(&t);
		live_remove(&cg);
		SKIP("no domain controller is in cgroup.controllers");
	}
	assert_int_equal(create("threads/x", &plain, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "its type is \"domain invalid\""));
	assert_exists("threads/x", false);
	cgroup_done(&t);
	live_remove(&cg);
}

static void test_limit(void **state)
{
	struct spec_hugepage_limit huge[] = { { "2MB", 4194304 } };
	struct spec_resources r = { .n_hugepages = 1, .hugepages = huge };
	struct limits_plan plan;
	struct cgroup_create_options opt = { .plan = &plan };
	struct cgroup cg = CGROUP_NONE;
	struct error e = ERROR_INIT;
	char path[CGROUP_PATH_MAX];
	struct arena arena;
	uint64_t value;

	(void)state;
	if (live_lack)
		SKIP(live_lack);
	if (!(root_controllers() & CGROUP_BIT(CGROUP_HUGETLB)))
		SKIP("controller hugetlb not in cgroup.controllers");
	arena_init(&arena, 1u << 16);
	assert_int_equal(limits_plan(&arena, &r, &plan, &e), 0);
	assert_int_equal(cgroup_create(live_path(path, "limit"), &opt, &cg, &e), 0);
	assert_int_equal(limits_apply(&cg, &plan, &e), 0);
	assert_int_equal(cgroup_read_u64(&cg, "hugetlb.2MB.max", &value, &e), 0);
	assert_int_equal(value, 4194304);
	assert_int_equal(cgroup_read_u64(&cg, "hugetlb.2MB.rsvd.max", &value, &e), 0);
	assert_int_equal(value, 4194304);
	arena_done(&arena);
	live_remove(&cg);
}

/* --- files, delegation, below ------------------------------------------------------------- */

static void test_files(void **state)
{
	struct cgroup cg = live_create("files"), none = CGROUP_NONE;
	char text[64], tiny[4];
	struct error e;
	uint64_t value;

	(void)state;
	assert_int_equal(cgroup_read(&cg, "cgroup.max.depth", text, sizeof(text), &e), 3);
	assert_string_equal(text, "max");
	assert_int_equal(cgroup_read(&cg, "cgroup.max.depth", tiny, sizeof(tiny), &e), -EFBIG);
	assert_int_equal(cgroup_read_u64(&cg, "cgroup.max.depth", &value, &e), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(cgroup_write(&cg, "cgroup.max.depth", "7", &e), 0);
	assert_int_equal(cgroup_read_u64(&cg, "cgroup.max.depth", &value, &e), 0);
	assert_int_equal(value, 7);

	assert_int_equal(cgroup_write(&cg, "cgroup.max.depth", "deep", &e), -EINVAL);
	assert_text(&e, "write \"deep\" to /sys/fs/cgroup%s/cgroup.max.depth: Invalid argument",
		    cg.path);
	assert_int_equal(cgroup_read(&cg, "no.such", text, sizeof(text), &e), -ENOENT);
	assert_int_equal(cgroup_read_u64(&cg, "cgroup.type", &value, &e), -EINVAL);
	assert_int_equal(cgroup_read(&none, "cgroup.type", text, sizeof(text), &e), -ENOTSUP);
	assert_string_equal(e.text, "the container has no cgroup");
	live_remove(&cg);
}

static void test_key(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(cgroup_key_u64("populated 1\nfrozen 0\n", "frozen", &v));
	assert_int_equal(v, 0);
	assert_true(cgroup_key_u64("oom 1\noom_kill 23", "oom_kill", &v));
	assert_int_equal(v, 23);
	assert_true(cgroup_key_u64("oom 1\noom_kill 23", "oom", &v));
	assert_int_equal(v, 1);
	assert_false(cgroup_key_u64("oom_kill 23\n", "oom", &v));
	assert_false(cgroup_key_u64("oom_kill x\n", "oom_kill", &v));
	assert_false(cgroup_key_u64("oom_kill 99999999999999999999999999\n", "oom_kill", &v));
	assert_false(cgroup_key_u64("", "oom", &v));
}

static void test_below(void **state)
{
	struct cgroup cg = live_create("main"), sub = live_create("main/sub"),
		      other = live_create("other"), got = CGROUP_NONE;
	struct error e;

	(void)state;
	assert_int_equal(cgroup_open_below(&cg, "sub", &got, &e), 0);
	assert_string_equal(got.path, sub.path);
	cgroup_done(&got);
	assert_int_equal(cgroup_open_below(&cg, "/sub/", &got, &e), 0);
	assert_string_equal(got.path, sub.path);
	cgroup_done(&got);
	assert_int_equal(cgroup_open_below(&cg, "/", &got, &e), 0);
	assert_string_equal(got.path, cg.path);
	cgroup_done(&got);
	assert_int_equal(cgroup_open_below(&cg, "", &got, &e), 0);
	cgroup_done(&got);
	assert_int_equal(cgroup_open_below(&cg, "../other", &got, &e), -EINVAL);
	assert_string_equal(e.text,
			    "the sub-cgroup \"../other\": `..` components are not allowed");
	assert_int_equal(cgroup_open_below(&cg, "sub/..", &got, &e), -EINVAL);
	assert_int_equal(cgroup_open_below(&cg, "a..b/..c", &got, &e), -ENOENT);
	assert_int_equal(cgroup_open_below(&cg, "none", &got, &e), -ENOENT);
	cgroup_done(&sub);
	live_remove(&other);
	live_remove(&cg);
}

static void test_attach(void **state)
{
	struct cgroup cg = live_create("attach"), parent = live_create("attach/parent"),
		      child = live_create("attach/parent/child");
	struct error e;
	char text[64];
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		live_pause(NULL);
	assert_int_equal(cgroup_attach(&child, pid, &e), 0);
	assert_true(cgroup_read(&child, "cgroup.procs", text, sizeof(text), &e) > 0);
	assert_int_equal(atoi(text), pid);
	if (root_controllers()) {
		assert_int_equal(cgroup_attach(&parent, pid, &e), -EBUSY);
		assert_non_null(strstr(e.hint, "name one of the children"));
	}
	live_kill(pid);
	assert_int_equal(cgroup_attach(&child, pid, &e), -ESRCH);
	cgroup_done(&parent);
	cgroup_done(&child);
	live_remove(&cg);
}

static void test_delegate(void **state)
{
	struct cgroup cg = live_create("delegate"), none = CGROUP_NONE;
	struct error e;
	struct stat st;

	(void)state;
	assert_int_equal(cgroup_delegate(&none, 1234, 1234, &e), 0);
	assert_int_equal(cgroup_delegate(&cg, 1234, 2345, &e), 0);
	assert_int_equal(fstat(cg.fd, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 2345);
	assert_int_equal(fstatat(cg.fd, "cgroup.procs", &st, 0), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(fstatat(cg.fd, "cgroup.subtree_control", &st, 0), 0);
	assert_int_equal(st.st_uid, 1234);
	/* The limits stay ours. */
	assert_int_equal(fstatat(cg.fd, "cgroup.max.depth", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	live_remove(&cg);
}

/* --- removing ----------------------------------------------------------------------------- */

static void test_remove_tree(void **state)
{
	struct rlimit old, few = { 24, 24 };
	char name[CGROUP_PATH_MAX] = "tree";
	struct cgroup cg = live_create("tree");
	int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		char wide[64];
		struct cgroup one;

		snprintf(wide, sizeof(wide), "tree/wide/%d/leaf", i);
		one = live_create(wide);
		cgroup_done(&one);
	}
	/* Deeper than there are descriptors. */
	for (i = 0; i < 100; i++) {
		struct cgroup one;

		strcat(name, "/d");
		one = live_create(name);
		cgroup_done(&one);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	live_remove(&cg);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_exists("tree", false);
}

static void test_remove_deeper_than_a_path(void **state)
{
	struct cgroup cg = live_create("deep");
	int fd = dup(cg.fd), next, i;
	char name[201];

	(void)state;
	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; i < 30; i++) {
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	live_remove(&cg);
	assert_exists("deep", false);
}

static void live_linger(void *arg)
{
	struct timespec t = { 0, 50000000 };

	(void)arg;
	nanosleep(&t, NULL);
}

static void test_remove_waits(void **state)
{
	struct cgroup cg = live_create("waits"), below = live_create("waits/below");
	pid_t pid = live_spawn(&below, live_linger, NULL);

	(void)state;
	cgroup_done(&below);
	live_remove(&cg);
	assert_exists("waits", false);
	live_reap(pid);
}

static void test_remove_timeout(void **state)
{
	struct cgroup cg = live_create("stuck");
	pid_t pid = live_spawn(&cg, live_pause, NULL);
	struct error e;

	(void)state;
	assert_int_equal(cgroup_remove(&cg, 20, &e), -ETIMEDOUT);
	assert_text(&e, "/sys/fs/cgroup%s still holds processes after 20 ms: %d (", cg.path,
		    (int)pid);
	assert_exists("stuck", true);
	live_kill(pid);
	live_remove(&cg);
}

static void test_remove_gone(void **state)
{
	struct cgroup cg = live_create("gone"), none = CGROUP_NONE;
	struct error e;

	(void)state;
	assert_int_equal(unlinkat(cg.mount_fd, cg.path + 1, AT_REMOVEDIR), 0);
	assert_int_equal(cgroup_remove(&cg, 1000, &e), 0);
	assert_int_equal(cgroup_remove(&none, 1000, &e), 0);
	cgroup_done(&cg);

	if (cgroup_open("/", &cg, &e) == 0)
		assert_int_equal(cgroup_remove(&cg, 0, &e), -EINVAL);
	cgroup_done(&cg);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		{ "a cgroup is made with its parents and controllers", test_create },
		{ "an empty one may be there before", test_existing_empty },
		{ "one with a process may not", test_existing_with_process },
		{ "nor one with a process below", test_existing_with_process_below },
		{ "nor a frozen one", test_existing_frozen },
		{ "only clean paths are made", test_bad_paths },
		{ "a file's name is no cgroup's", test_file_in_the_way },
		{ "a limit on depth is named", test_too_deep },
		{ "nothing is made in what is mounted below", test_mount_below },
		{ "without cgroup v2 the error says so", test_no_cgroup2 },
		{ "a read-only mount is named", test_read_only },
		{ "a missing controller undoes all and is named", test_missing_controller },
		{ "a parent with processes is named", test_processes_inside },
		{ "threaded mode is refused", test_threaded },
		{ "a limit reaches the kernel", test_limit },
		{ "files are read and written", test_files },
		{ "keys are found whole", test_key },
		{ "a sub-cgroup is below, whatever its name", test_below },
		{ "a process is moved", test_attach },
		{ "what is delegated can be used, not widened", test_delegate },
		{ "a tree goes with few descriptors", test_remove_tree },
		{ "a tree deeper than any path goes", test_remove_deeper_than_a_path },
		{ "removing waits for processes", test_remove_waits },
		{ "but not for ever", test_remove_timeout },
		{ "what is gone is removed", test_remove_gone },
	};

	return cmocka_run_group_tests_name("cgroup/create", list, NULL, NULL);
}

int main(void)
{
	return live_main(tests);
}
