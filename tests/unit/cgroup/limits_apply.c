/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/limits.h"

#include "live.h"
#include "resources.h"

#include <dirent.h>
#include <sys/mman.h>

#include "cgroup/events.h"

static struct cgroup create_with(const char *name, enum cgroup_controller k)
{
	struct cgroup cg = live_create(name);
	char reason[96];
	uint32_t have = 0;
	struct error e;

	assert_int_equal(cgroup_controllers(&cg, &have, &e), 0);
	if (!(have & CGROUP_BIT(k))) {
		live_remove(&cg);
		snprintf(reason, sizeof(reason), "controller %s not in cgroup.controllers",
			 cgroup_controller_name(k));
		SKIP(reason);
	}
	return cg;
}

static int try_limit(const struct cgroup *cg, const struct spec_resources *r, struct error *e)
{
	struct limits_plan p;
	int err;

	*e = ERROR_INIT;
	err = limits_plan(&arena, r, &p, e);
	return err < 0 ? err : limits_apply(cg, &p, e);
}

static void limit(const struct cgroup *cg, const struct spec_resources *r)
{
	struct error e;

	if (try_limit(cg, r, &e) < 0)
		fail_msg("%s (%s)", e.text, e.hint);
}

static void assert_file(const struct cgroup *cg, const char *file, const char *want)
{
	char got[256];
	struct error e = ERROR_INIT;

	if (cgroup_read(cg, file, got, sizeof(got), &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(got, want);
}

/* --- memory ------------------------------------------------------------------------------- */

#define MIB (1 << 20)

static void eat(void *arg)
{
	size_t size = *(size_t *)arg;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 'x', size);
}

static void test_memory(void **state)
{
	struct cgroup cg = create_with("memory", CGROUP_MEMORY);
	struct spec_resources r = { .memory_limit = SET(64 * MIB),
				    .memory_reservation = SET(8 * MIB),
				    .memory_swap = SET(96 * MIB) };
	bool swap = faccessat(cg.fd, "memory.swap.max", F_OK, 0) == 0;
	struct error e;

	(void)state;
	if (swap) {
		limit(&cg, &r);
		assert_file(&cg, "memory.swap.max", "33554432");
		/* An update of one alone. */
		r = (struct spec_resources){ .memory_swap = SET(65 * MIB) };
		limit(&cg, &r);
		assert_file(&cg, "memory.swap.max", "1048576");
		r = (struct spec_resources){ .memory_swap = SET(63 * MIB) };
		assert_int_equal(try_limit(&cg, &r, &e), -EINVAL);
	} else {
		assert_int_equal(try_limit(&cg, &r, &e), -ENOTSUP);
		assert_text(&e,
			    "linux.resources.memory.swap: there is no file memory.swap.max");
		r.memory_swap.value = 64 * MIB;
		limit(&cg, &r);
	}
	assert_file(&cg, "memory.max", "67108864");
	assert_file(&cg, "memory.low", "8388608");

	r = (struct spec_resources){ .memory_limit = SET(-1), .memory_reservation = SET(-1) };
	limit(&cg, &r);
	assert_file(&cg, "memory.max", "max");
	assert_file(&cg, "memory.low", "max");
	live_remove(&cg);
}

static void test_oom(void **state)
{
	struct cgroup cg = create_with("oom", CGROUP_MEMORY);
	struct spec_resources r = { .memory_limit = SET(8 * MIB), .memory_swap = SET(8 * MIB) };
	size_t size = 64 * MIB;
	struct memory_events ev;
	struct pollfd p = { .events = POLLPRI };
	struct error e;

	(void)state;
	limit(&cg, &r);
	p.fd = memory_events_open(&cg, &e);
	assert_true(p.fd >= 0);
	assert_int_equal(memory_events_read(p.fd, &ev), 0);
	assert_int_equal(ev.oom_kill, 0);
	assert_int_equal(WTERMSIG(live_reap(live_spawn(&cg, eat, &size))), SIGKILL);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(memory_events_read(p.fd, &ev), 0);
	assert_int_equal(ev.oom_kill, 1);
	assert_true(ev.oom >= 1);
	close(p.fd);
	live_remove(&cg);
}

static void eat_and_tell(void *arg)
{
	size_t size = 32 * MIB;

	eat(&size);
	if (write(*(int *)arg, "r", 1) != 1)
		_exit(1);
	live_pause(NULL);
}

static void test_check_usage(void **state)
{
	struct cgroup cg = create_with("usage", CGROUP_MEMORY);
	struct spec_resources r = { .memory_limit = SET(16 * MIB),
				    .memory_check_before_update = true };
	int ready[2];
	struct error e;
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = live_spawn(&cg, eat_and_tell, &ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(try_limit(&cg, &r, &e), -EBUSY);
	assert_text(&e, "linux.resources.memory.limit is 16777216, but ");
	assert_file(&cg, "memory.max", "max");
	assert_int_equal(kill(pid, 0), 0);
	live_kill(pid);
	live_remove(&cg);
}

/* --- processes ---------------------------------------------------------------------------- */

static void fork_once(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(0);
	_exit(pid < 0 ? errno : 0);
}

static void test_pids(void **state)
{
	struct cgroup cg = create_with("pids", CGROUP_PIDS);
	struct spec_resources r = { .pids_limit = SET(0) };

	(void)state;
	limit(&cg, &r);
	/* The first process comes in, and can make no other. */
	assert_int_equal(WEXITSTATUS(live_reap(live_spawn(&cg, fork_once, NULL))), EAGAIN);
	r.pids_limit.value = 2;
	limit(&cg, &r);
	assert_file(&cg, "pids.max", "2");
	assert_int_equal(WEXITSTATUS(live_reap(live_spawn(&cg, fork_once, NULL))), 0);
	r.pids_limit.value = -1;
	limit(&cg, &r);
	assert_file(&cg, "pids.max", "max");
	live_remove(&cg);
}

/* --- CPU ---------------------------------------------------------------------------------- */

static void test_cpu(void **state)
{
	struct cgroup cg = create_with("cpu", CGROUP_CPU);
	struct spec_resources r = { .cpu_shares = SET(2048),
				    .cpu_quota = SET(10000),
				    .cpu_period = SET(50000) };
	struct error e;

	(void)state;
	limit(&cg, &r);
	assert_file(&cg, "cpu.weight", "174");
	assert_file(&cg, "cpu.max", "10000 50000");
	r = (struct spec_resources){ .cpu_period = SET(20000) };
	limit(&cg, &r);
	assert_file(&cg, "cpu.max", "10000 20000");
	r = (struct spec_resources){ .cpu_quota = SET(15000) };
	limit(&cg, &r);
	assert_file(&cg, "cpu.max", "15000 20000");
	r = (struct spec_resources){ .cpu_quota = SET(-1) };
	limit(&cg, &r);
	assert_file(&cg, "cpu.max", "max 20000");

	r = (struct spec_resources){ .cpu_quota = SET(5), .cpu_period = SET(20000) };
	assert_int_equal(try_limit(&cg, &r, &e), -EINVAL);
	assert_text(&e,
		    "linux.resources.cpu.quota: write \"5 20000\" to /sys/fs/cgroup%s/cpu.max",
		    cg.path);
	assert_non_null(strstr(e.hint, "a quota at least 1000 us"));
	live_remove(&cg);
}

static void test_cpu_burst(void **state)
{
	struct cgroup cg = create_with("burst", CGROUP_CPU);
	struct spec_resources r = { .cpu_quota = SET(10000) };
	struct error e;

	(void)state;
	limit(&cg, &r);
	/* More than the old quota: the kernel takes it only after the new one. */
	r = (struct spec_resources){ .cpu_quota = SET(60000), .cpu_burst = SET(50000) };
	limit(&cg, &r);
	assert_file(&cg, "cpu.max.burst", "50000");
	assert_file(&cg, "cpu.max", "60000 100000");
	r = (struct spec_resources){ .cpu_quota = SET(60000), .cpu_burst = SET(70000) };
	assert_int_equal(try_limit(&cg, &r, &e), -EINVAL);
	assert_text(&e, "linux.resources.cpu.burst: write \"70000\"");
	live_remove(&cg);
}

static void test_cpu_idle(void **state)
{
	struct cgroup cg = create_with("idle", CGROUP_CPU);
	struct spec_resources r = { .cpu_idle = SET(1), .cpu_shares = SET(512) };

	(void)state;
	limit(&cg, &r);
	assert_file(&cg, "cpu.idle", "1");
	r.cpu_idle.value = 0;
	limit(&cg, &r);
	assert_file(&cg, "cpu.idle", "0");
	assert_file(&cg, "cpu.weight", "59");
	live_remove(&cg);
}

static void test_cpuset(void **state)
{
	struct cgroup cg = create_with("cpuset", CGROUP_CPUSET);
	struct spec_resources r = { .cpu_cpus = "0", .cpu_mems = "0" };
	struct error e;

	(void)state;
	limit(&cg, &r);
	assert_file(&cg, "cpuset.cpus", "0");
	assert_file(&cg, "cpuset.mems", "0");
	r = (struct spec_resources){ .cpu_cpus = "9999" };
	assert_true(try_limit(&cg, &r, &e) < 0);
	assert_text(&e, "linux.resources.cpu.cpus: write \"9999\"");
	assert_non_null(strstr(e.hint, "cpuset.cpus.effective"));
	live_remove(&cg);
}

/* --- input and output --------------------------------------------------------------------- */

/* A disk's device number, as "8:0". */
static bool find_disk(unsigned int *major, unsigned int *minor)
{
	DIR *dir = opendir("/sys/block");
	bool found = false;
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		char path[300], text[32];

		if (strncmp(d->d_name, "loop", 4) == 0 || d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/dev", d->d_name);
		found = file_read_line(AT_FDCWD, path, text, sizeof(text)) == 0 &&
			sscanf(text, "%u:%u", major, minor) == 2;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void test_io(void **state)
{
	struct cgroup cg = create_with("io", CGROUP_IO);
	struct spec_throttle_device read_bps = { 0, 0, 1048576 }, write_iops = { 0, 0, 100 };
	struct spec_resources r = { .throttle_read_bps = { 1, &read_bps },
				    .throttle_write_iops = { 1, &write_iops } };
	unsigned int major, minor;
	char want[96];

	(void)state;
	if (!find_disk(&major, &minor)) {
		live_remove(&cg);
		SKIP("no disk in /sys/block");
	}
	read_bps.major = write_iops.major = major;
	read_bps.minor = write_iops.minor = minor;
	limit(&cg, &r);
	snprintf(want, sizeof(want), "%u:%u rbps=1048576 wbps=max riops=max wiops=100", major,
		 minor);
	assert_file(&cg, "io.max", want);
	read_bps.rate = write_iops.rate = 0;
	limit(&cg, &r);
	assert_file(&cg, "io.max", "");
	live_remove(&cg);
}

static void test_io_refused(void **state)
{
	struct cgroup cg = create_with("io-refused", CGROUP_IO);
	struct spec_throttle_device none = { 999, 999, 5 };
	struct spec_resources r = { .throttle_write_bps = { 1, &none } };
	struct error e;

	(void)state;
	assert_int_equal(try_limit(&cg, &r, &e), -ENODEV);
	assert_text(
		&e,
		"linux.resources.blockIO.throttleWriteBpsDevice[0]: write \"999:999 wbps=5\"");
	assert_non_null(strstr(e.hint, "not a partition"));
	live_remove(&cg);
}

/* The two files that a kernel may have for it, in their order; or an error that names one. */
static void test_io_weight(void **state)
{
	struct cgroup cg = create_with("io-weight", CGROUP_IO);
	struct spec_resources r = { .blkio_weight = SET(500) };
	struct error e;

	(void)state;
	if (faccessat(cg.fd, "io.bfq.weight", F_OK, 0) == 0) {
		limit(&cg, &r);
		assert_file(&cg, "io.bfq.weight", "default 500");
	} else if (faccessat(cg.fd, "io.weight", F_OK, 0) == 0) {
		limit(&cg, &r);
		assert_file(&cg, "io.weight", "default 4950");
	} else {
		assert_int_equal(try_limit(&cg, &r, &e), -ENOTSUP);
		assert_text(&e, "linux.resources.blockIO.weight: there is no file io.weight");
	}
	live_remove(&cg);
}

/* --- others ------------------------------------------------------------------------------- */

static void test_hugetlb(void **state)
{
	struct cgroup cg = create_with("hugetlb", CGROUP_HUGETLB);
	struct spec_hugepage_limit huge[] = { { "2MB", 4194304 } };
	struct spec_resources r = { .n_hugepages = 1, .hugepages = huge };

	(void)state;
	limit(&cg, &r);
	assert_file(&cg, "hugetlb.2MB.max", "4194304");
	assert_file(&cg, "hugetlb.2MB.rsvd.max", "4194304");
	live_remove(&cg);
}

static void test_unified(void **state)
{
	struct cgroup cg = live_create("unified");
	struct spec_pair pairs[] = { { "cgroup.max.depth", "5" },
				     { "cgroup.max.descendants", "7\n\n9" },
				     { "nonsense.file", "1" } };
	struct spec_resources r = { .unified = { 2, pairs } };
	struct error e;

	(void)state;
	limit(&cg, &r);
	assert_file(&cg, "cgroup.max.depth", "5");
	assert_file(&cg, "cgroup.max.descendants", "9");
	r.unified.n = 3;
	assert_int_equal(try_limit(&cg, &r, &e), -ENOTSUP);
	assert_text(&e, "linux.resources.unified[\"nonsense.file\"]: there is no file");
	pairs[0].value = "many";
	assert_int_equal(try_limit(&cg, &r, &e), -EINVAL);
	assert_text(&e, "linux.resources.unified[\"cgroup.max.depth\"]: write \"many\"");
	live_remove(&cg);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		WITH_ARENA("memory limits hold what they say", test_memory),
		WITH_ARENA("too much memory is death, and is told", test_oom),
		WITH_ARENA("a limit below what is in use can be refused", test_check_usage),
		WITH_ARENA("the limit on processes holds", test_pids),
		WITH_ARENA("weight, quota and period", test_cpu),
		WITH_ARENA("a burst above the old quota is retried", test_cpu_burst),
		WITH_ARENA("idle and back", test_cpu_idle),
		WITH_ARENA("CPUs and memory nodes", test_cpuset),
		WITH_ARENA("throttles are set and taken away", test_io),
		WITH_ARENA("a disk that is not there is named", test_io_refused),
		WITH_ARENA("weights of disks", test_io_weight),
		WITH_ARENA("huge pages", test_hugetlb),
		WITH_ARENA("unified files", test_unified),
	};

	return cmocka_run_group_tests_name("cgroup/limits_apply", list, NULL, NULL);
}

int main(void)
{
	return live_main(tests);
}
