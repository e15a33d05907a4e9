/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/devices.h"

#include "live.h"

#include <linux/bpf.h>
#include <sys/capability.h>
#include <sys/sysmacros.h>

/* --- what a process in the cgroup may do -------------------------------------------------- */

/* Each attempt is made by a child that is born in the cgroup; the errno is its answer. */
struct attempt {
	const char *path;
	int flags;
	dev_t mknod; /* 0: open(2) */
};

static void attempt_run(void *arg)
{
	const struct attempt *a = arg;
	int r = a->mknod ? mknod(a->path, S_IFCHR | 0600, a->mknod)
			 : open(a->path, a->flags | O_CLOEXEC | O_NONBLOCK);

	_exit(r < 0 ? errno : 0);
}

static int try(const struct cgroup *cg, const char *path, int flags)
{
	struct attempt a = { path, flags, 0 };

	return WEXITSTATUS(live_reap(live_spawn(cg, attempt_run, &a)));
}

static int try_mknod(const struct cgroup *cg, const char *path, dev_t dev)
{
	struct attempt a = { path, 0, dev };
	int r = WEXITSTATUS(live_reap(live_spawn(cg, attempt_run, &a)));

	return r;
}

/* A folder where device nodes work, with one of kmsg: c 1 11. */
static const char *node_folder(void)
{
	static char dir[] = "/tmp/strake-nodes-XXXXXX";
	static char *made;

	if (made)
		return made;
	made = mkdtemp(dir);
	assert_non_null(made);
	assert_int_equal(mount("none", made, "tmpfs", 0, NULL), 0);
	return made;
}

static int node_clean(void **state)
{
	(void)state;
	if (live_lack)
		return 0;
	umount2(node_folder(), MNT_DETACH);
	return rmdir(node_folder());
}

static const char *node(char dst[128], const char *name)
{
	snprintf(dst, 128, "%s/%s", node_folder(), name);
	return dst;
}

static void apply(const struct cgroup *cg, const struct spec_device_rule *rules, size_t n)
{
	struct error e = ERROR_INIT;

	if (devices_apply(cg, rules, n, &e) != 0)
		fail_msg("%s (%s)", e.text, e.hint);
}

#define RWM (SPEC_ACCESS_READ | SPEC_ACCESS_WRITE | SPEC_ACCESS_MKNOD)
#define ANY SPEC_DEVICE_ANY

static const struct spec_device_rule allow_all[] = { { true, 'a', ANY, ANY, RWM } };

/* --- */

static void test_defaults(void **state)
{
	struct cgroup cg = live_create("defaults"), sub = live_create("defaults/sub");
	char made[128], bare[128];
	struct error e;

	(void)state;
	assert_int_equal(mknod(node(bare, "kmsg"), S_IFCHR | 0600, makedev(1, 11)), 0);
	assert_int_equal(try(&sub, bare, O_RDONLY), 0);

	apply(&cg, devices_default, devices_default_len);
	assert_int_equal(devices_attached(&cg, &e), 1);
	assert_int_equal(try(&sub, "/dev/null", O_RDWR), 0);
	assert_int_equal(try(&sub, "/dev/urandom", O_RDONLY), 0);
	/* A node may be made, and then not be opened. */
	assert_int_equal(try_mknod(&sub, node(made, "made"), makedev(1, 11)), 0);
	assert_int_equal(try(&sub, made, O_RDONLY), EPERM);
	assert_int_equal(try(&sub, bare, O_RDONLY), EPERM);
	assert_int_equal(try(&sub, bare, O_WRONLY), EPERM);
	cgroup_done(&sub);
	live_remove(&cg);
	unlink(bare);
	unlink(made);
}

/* The test of the test: without the filter the same process gets what it was denied. */
static void test_noticed(void **state)
{
	struct cgroup cg = live_create("noticed");
	char bare[128];
	struct error e;

	(void)state;
	assert_int_equal(mknod(node(bare, "kmsg"), S_IFCHR | 0600, makedev(1, 11)), 0);
	apply(&cg, devices_default, devices_default_len);
	assert_int_equal(try(&cg, bare, O_RDONLY), EPERM);
	apply(&cg, allow_all, 1);
	assert_int_equal(devices_attached(&cg, &e), 0);
	assert_int_equal(try(&cg, bare, O_RDONLY), 0);
	live_remove(&cg);
	unlink(bare);
}

static void test_access(void **state)
{
	const struct spec_device_rule rules[] = {
		{ true, 'c', 1, ANY, RWM },
		{ false, 'c', 1, 5, SPEC_ACCESS_WRITE | SPEC_ACCESS_MKNOD },
		{ false, 'c', 1, 7, RWM },
	};
	struct cgroup cg = live_create("access");
	char made[128];

	(void)state;
	apply(&cg, rules, ARRAY_SIZE(rules));
	assert_int_equal(try(&cg, "/dev/null", O_RDWR), 0);
	assert_int_equal(try(&cg, "/dev/zero", O_RDONLY), 0);
	assert_int_equal(try(&cg, "/dev/zero", O_WRONLY), EPERM);
	assert_int_equal(try(&cg, "/dev/zero", O_RDWR), EPERM);
	assert_int_equal(try_mknod(&cg, node(made, "zero"), makedev(1, 5)), EPERM);
	assert_int_equal(try(&cg, "/dev/full", O_RDONLY), EPERM);
	assert_int_equal(try(&cg, "/dev/tty", O_RDONLY), EPERM);
	live_remove(&cg);
}

/* The kernel's verifier has the last word on every shape of program. */
static void test_shapes(void **state)
{
	const struct spec_device_rule deny_one[] = { allow_all[0], { false, 'b', 8, 0, RWM } };
	const struct spec_device_rule chars[] = { { true, 'c', ANY, ANY, RWM } };
	const struct spec_device_rule none[] = { { true, 'c', 0x10000, 0, RWM } };
	const struct spec_device_rule reads[] = { { true, 'a', ANY, ANY, SPEC_ACCESS_READ } };
	struct cgroup cg = live_create("shapes");

	(void)state;
	apply(&cg, deny_one, 2);
	assert_int_equal(try(&cg, "/dev/null", O_RDWR), 0);
	apply(&cg, chars, 1);
	assert_int_equal(try(&cg, "/dev/null", O_RDWR), 0);
	apply(&cg, none, 1);
	assert_int_equal(try(&cg, "/dev/null", O_RDONLY), EPERM);
	apply(&cg, reads, 1);
	assert_int_equal(try(&cg, "/dev/null", O_RDONLY), 0);
	assert_int_equal(try(&cg, "/dev/null", O_RDWR), EPERM);
	apply(&cg, NULL, 0);
	assert_int_equal(try(&cg, "/dev/null", O_RDONLY), EPERM);
	live_remove(&cg);
}

/* Whatever the lists, the program loads. */
static void test_random(void **state)
{
	struct cgroup cg = live_create("random");
	int round;

	(void)state;
	srand(21);
	for (round = 0; round < 200; round++) {
		struct spec_device_rule rules[24];
		size_t n = (size_t)rand() % ARRAY_SIZE(rules), i;

		for (i = 0; i < n; i++)
			rules[i] = (struct spec_device_rule){ rand() % 2, "abc"[rand() % 3],
							      rand() % 4 - 1, rand() % 4 - 1,
							      (uint32_t)(1 + rand() % 7) };
		apply(&cg, rules, n);
	}
	live_remove(&cg);
}

static void test_nothing_needed(void **state)
{
	struct cgroup cg = live_create("all");
	struct error e;

	(void)state;
	apply(&cg, allow_all, 1);
	assert_int_equal(devices_attached(&cg, &e), 0);
	live_remove(&cg);
}

static void test_largest(void **state)
{
	static struct spec_device_rule rules[DEVICES_MAX_RULES];
	struct cgroup cg = live_create("largest");
	size_t i;

	(void)state;
	/* None of which can be merged, with every kind of instruction; null comes first. */
	rules[0] = (struct spec_device_rule){ true, 'c', 1, 3, RWM };
	for (i = 1; i < DEVICES_MAX_RULES; i++)
		rules[i] = (struct spec_device_rule){ true, i % 2 ? 'b' : 'c', 300, (int64_t)i,
						      (uint32_t)(1 + i % 7) };
	apply(&cg, rules, ARRAY_SIZE(rules));
	assert_int_equal(try(&cg, "/dev/null", O_RDWR), 0);
	assert_int_equal(try(&cg, "/dev/zero", O_RDONLY), EPERM);
	live_remove(&cg);
}

struct race {
	int stop_fd;
	const char *forbidden;
};

/* Opens what is always allowed and what never is, until told to stop. */
static void racer(void *arg)
{
	const struct race *race = arg;
	struct pollfd p = { .fd = race->stop_fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 0) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			_exit(1);
		close(fd);
		if (open(race->forbidden, O_RDONLY | O_CLOEXEC | O_NONBLOCK) >= 0)
			_exit(2);
	}
	_exit(0);
}

static void test_update_is_atomic(void **state)
{
	struct spec_device_rule more[32];
	struct cgroup cg = live_create("atomic");
	struct error e;
	char bare[128];
	int stop[2], i;
	struct race race = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(mknod(node(bare, "kmsg"), S_IFCHR | 0600, makedev(1, 11)), 0);
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	race.stop_fd = stop[0];
	race.forbidden = bare;
	memcpy(more, devices_default, devices_default_len * sizeof(*more));
	more[devices_default_len] = (struct spec_device_rule){ true, 'c', 10, 200, RWM };

	apply(&cg, devices_default, devices_default_len);
	pid = live_spawn(&cg, racer, &race);
	for (i = 0; i < 300; i++) {
		apply(&cg, more, devices_default_len + (size_t)(i % 2));
		assert_int_equal(devices_attached(&cg, &e), 1);
	}
	assert_int_equal(write(stop[1], "s", 1), 1);
	assert_int_equal(WEXITSTATUS(live_reap(pid)), 0);
	close(stop[0]);
	close(stop[1]);
	live_remove(&cg);
	unlink(bare);
}

/* A program that allows all, as another manager of cgroups might attach it. */
static int attach_foreign(const struct cgroup *cg)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = ARRAY_SIZE(insns);
	attr.license = (uintptr_t) "GPL";
	memcpy(attr.prog_name, "foreign", 8);
	fd = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	assert_true(fd >= 0);

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cg->fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	assert_int_equal(sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr)), 0);
	close(fd);
	return 0;
}

static uint32_t count_programs(const struct cgroup *cg)
{
	union bpf_attr attr;
	uint32_t ids[64];

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cg->fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = 64;
	assert_int_equal(sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr)), 0);
	return attr.query.prog_cnt;
}

static void test_foreign(void **state)
{
	struct cgroup cg = live_create("foreign");
	struct error e;

	(void)state;
	attach_foreign(&cg);
	assert_int_equal(devices_attached(&cg, &e), 0);
	apply(&cg, devices_default, devices_default_len);
	apply(&cg, devices_default, devices_default_len);
	assert_int_equal(devices_attached(&cg, &e), 1);
	assert_int_equal(count_programs(&cg), 2);
	assert_int_equal(try(&cg, "/dev/null", O_RDWR), 0);
	apply(&cg, allow_all, 1);
	assert_int_equal(count_programs(&cg), 1);
	live_remove(&cg);
}

/* In a child, whose rights are taken away first. */
static int apply_without(const struct cgroup *cg, void (*drop)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct error e = ERROR_INIT;
		int r;

		drop();
		r = devices_apply(cg, devices_default, devices_default_len, &e);
		if (r == -EPERM && !strstr(e.text, "attach the device filter"))
			r = 99;
		_exit(r < 0 ? -r : 100 + r);
	}
	status = live_reap(pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void drop_to_user(void)
{
	if (setresuid(65534, 65534, 65534) < 0)
		_exit(98);
}

static void drop_to_namespace(void)
{
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(98);
}

static void drop_capabilities(void)
{
	cap_t none = cap_init();

	if (!none || cap_set_proc(none) < 0)
		_exit(98);
	cap_free(none);
}

static void test_unprivileged(void **state)
{
	struct cgroup cg = live_create("user");
	struct error e;

	(void)state;
	assert_int_equal(apply_without(&cg, drop_to_user), 101);
	assert_int_equal(apply_without(&cg, drop_to_namespace), 101);
	/* Root of the host without the right to: an error, nothing to pass over. */
	assert_int_equal(apply_without(&cg, drop_capabilities), EPERM);
	assert_int_equal(devices_attached(&cg, &e), 0);
	live_remove(&cg);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		{ "the default devices open, others do not", test_defaults },
		{ "without the filter they do", test_noticed },
		{ "reading, writing and making are three things", test_access },
		{ "programs of every shape load", test_shapes },
		{ "programs of random rules load", test_random },
		{ "to allow all takes no program", test_nothing_needed },
		{ "the largest program loads", test_largest },
		{ "an update leaves no gap", test_update_is_atomic },
		{ "programs of others stay", test_foreign },
		{ "where it cannot be, it is said or passed over", test_unprivileged },
	};

	return cmocka_run_group_tests_name("cgroup/devices_apply", list, NULL, node_clean);
}

int main(void)
{
	return live_main(tests);
}
