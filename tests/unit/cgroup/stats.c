/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/stats.h"

#include <math.h>

#include "folder.h"
#include "live.h"

/* --- parsing, with ordinary files in a folder for a cgroup -------------------------------- */

static struct cgroup_stats stats_of(const struct cgroup *cg)
{
	struct cgroup_stats s;
	struct error e = ERROR_INIT;

	if (cgroup_stats_read(cg, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void test_cpu(void **state)
{
	struct folder *f = *state;
	struct cgroup_stats s;

	file_put(f, "cgroup.controllers", "cpu\n");
	file_put(f, "cpu.stat",
		 "usage_usec 3010\nuser_usec 2000\nsystem_usec 1010\nnice_usec 5\n"
		 "core_sched.force_idle_usec 0\nnr_periods 7\nnr_throttled 3\n"
		 "throttled_usec 18446744073709551615\nnr_bursts 2\nburst_usec 9\n");
	file_put(f, "cpu.pressure",
		 "some avg10=1.07 avg60=23.40 avg300=100.00 total=1234567\n"
		 "full avg10=0.00 avg60=0.01 avg300=0.00 total=8\n");
	s = stats_of(&f->cg);
	assert_true(s.cpu.present);
	assert_int_equal(s.cpu.usage, 3010);
	assert_int_equal(s.cpu.user, 2000);
	assert_int_equal(s.cpu.system, 1010);
	assert_int_equal(s.cpu.nr_periods, 7);
	assert_int_equal(s.cpu.nr_throttled, 3);
	assert_true(s.cpu.throttled == UINT64_MAX);
	assert_int_equal(s.cpu.nr_bursts, 2);
	assert_int_equal(s.cpu.burst, 9);
	assert_true(s.cpu.psi.present);
	assert_true(fabs(s.cpu.psi.some.avg10 - 1.07) < 1e-9);
	assert_true(fabs(s.cpu.psi.some.avg60 - 23.4) < 1e-9);
	assert_true(fabs(s.cpu.psi.some.avg300 - 100) < 1e-9);
	assert_int_equal(s.cpu.psi.some.total, 1234567);
	assert_true(fabs(s.cpu.psi.full.avg60 - 0.01) < 1e-9);
	assert_int_equal(s.cpu.psi.full.total, 8);
	assert_false(s.memory.present);
	assert_false(s.io.present);
	assert_false(s.pids.present);
	cgroup_stats_done(&s);
}

static void test_memory(void **state)
{
	struct folder *f = *state;
	struct cgroup_stats s;

	file_put(f, "cgroup.controllers", "memory pids\n");
	file_put(f, "cpu.stat", "usage_usec 1\n");
	file_put(f, "memory.current", "8192\n");
	file_put(f, "memory.max", "max\n");
	file_put(f, "memory.peak", "16384\n");
	file_put(
		f, "memory.stat",
		"anon 4096\nfile 2048\nkernel_stack 1\nslab_reclaimable 5\nslab_unreclaimable 6\n"
		"inactive_file 77\nworkingset_refault_anon 3\nworkingset_refault_file 4\n"
		"pgfault 99\nthp_collapse_alloc 12\nnew_in_some_kernel 55\n");
	file_put(f, "memory.events",
		 "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n");
	file_put(f, "pids.current", "3\n");
	file_put(f, "pids.max", "max\n");
	s = stats_of(&f->cg);
	assert_true(s.memory.present);
	assert_int_equal(s.memory.usage, 8192);
	assert_true(s.memory.limit == STATS_MAX);
	assert_int_equal(s.memory.peak, 16384);
	assert_int_equal(s.memory.anon, 4096);
	assert_int_equal(s.memory.file, 2048);
	assert_int_equal(s.memory.inactive_file, 77);
	assert_int_equal(s.memory.pgfault, 99);
	assert_int_equal(s.memory.thp_collapse_alloc, 12);
	assert_int_equal(s.memory.workingset_refault, 7);
	assert_int_equal(s.memory.n_raw, 11);
	assert_string_equal(s.memory.raw[10].key, "new_in_some_kernel");
	assert_int_equal(s.memory.raw[10].value, 55);
	assert_int_equal(s.memory.events.low, 1);
	assert_int_equal(s.memory.events.high, 2);
	assert_int_equal(s.memory.events.max, 3);
	assert_int_equal(s.memory.events.oom, 4);
	assert_int_equal(s.memory.events.oom_kill, 5);
	assert_int_equal(s.memory.events.oom_group_kill, 6);
	assert_false(s.memory.swap_present);
	assert_false(s.memory.psi.present);
	assert_int_equal(s.pids.current, 3);
	assert_true(s.pids.limit == STATS_MAX);
	cgroup_stats_done(&s);

	file_put(f, "memory.swap.current", "100\n");
	file_put(f, "memory.swap.max", "200\n");
	file_put(f, "memory.swap.peak", "150\n");
	s = stats_of(&f->cg);
	assert_true(s.memory.swap_present);
	assert_int_equal(s.memory.swap_usage, 100);
	assert_int_equal(s.memory.swap_limit, 200);
	assert_int_equal(s.memory.swap_peak, 150);
	cgroup_stats_done(&s);
}

static void test_io(void **state)
{
	struct folder *f = *state;
	struct cgroup_stats s;

	file_put(f, "cgroup.controllers", "io\n");
	file_put(f, "cpu.stat", "usage_usec 1\n");
	file_put(f, "io.stat",
		 "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"
		 "7:0 \n"
		 "253:1\n"
		 "259:3 rbytes=10 wbytes=20 rios=30 wios=40 dbytes=50 dios=60 cost.usage=7\n");
	s = stats_of(&f->cg);
	assert_true(s.io.present);
	assert_int_equal(s.io.n, 2);
	assert_int_equal(s.io.devices[0].major, 8);
	assert_int_equal(s.io.devices[0].rbytes, 1);
	assert_int_equal(s.io.devices[0].wbytes, 2);
	assert_int_equal(s.io.devices[0].rios, 3);
	assert_int_equal(s.io.devices[0].wios, 4);
	assert_int_equal(s.io.devices[0].dbytes, 5);
	assert_int_equal(s.io.devices[0].dios, 6);
	assert_int_equal(s.io.devices[1].major, 259);
	assert_int_equal(s.io.devices[1].minor, 3);
	assert_int_equal(s.io.devices[1].wios, 40);
	cgroup_stats_done(&s);

	file_put(f, "io.stat", "");
	s = stats_of(&f->cg);
	assert_true(s.io.present);
	assert_int_equal(s.io.n, 0);
	cgroup_stats_done(&s);
}

static void test_hugetlb_and_rdma(void **state)
{
	struct folder *f = *state;
	struct cgroup_stats s;
	size_t big;

	file_put(f, "cgroup.controllers", "hugetlb rdma\n");
	file_put(f, "cpu.stat", "usage_usec 1\n");
	file_put(f, "hugetlb.2MB.current", "2097152\n");
	file_put(f, "hugetlb.2MB.max", "4194304\n");
	file_put(f, "hugetlb.2MB.events", "max 9\n");
	file_put(f, "hugetlb.2MB.rsvd.current", "77\n");
	file_put(f, "hugetlb.1GB.current", "0\n");
	file_put(f, "hugetlb.1GB.max", "max\n");
	file_put(f, "rdma.current",
		 "mlx5_0 hca_handle=2 hca_object=20\nocrdma1 hca_handle=1 "
		 "hca_object=0\n");
	file_put(f, "rdma.max", "mlx5_0 hca_handle=3 hca_object=max\n");
	s = stats_of(&f->cg);
	assert_int_equal(s.n_hugetlb, 2);
	big = strcmp(s.hugetlb[0].page_size, "1GB") == 0 ? 0 : 1;
	assert_string_equal(s.hugetlb[big].page_size, "1GB");
	assert_true(s.hugetlb[big].limit == STATS_MAX);
	assert_string_equal(s.hugetlb[!big].page_size, "2MB");
	assert_int_equal(s.hugetlb[!big].current, 2097152);
	assert_int_equal(s.hugetlb[!big].limit, 4194304);
	assert_int_equal(s.hugetlb[!big].failures, 9);
	assert_int_equal(s.n_rdma_current, 2);
	assert_string_equal(s.rdma_current[0].device, "mlx5_0");
	assert_int_equal(s.rdma_current[0].hca_handles, 2);
	assert_int_equal(s.rdma_current[0].hca_objects, 20);
	assert_string_equal(s.rdma_current[1].device, "ocrdma1");
	assert_int_equal(s.n_rdma_limit, 1);
	assert_int_equal(s.rdma_limit[0].hca_handles, 3);
	assert_true(s.rdma_limit[0].hca_objects == STATS_MAX);
	cgroup_stats_done(&s);
}

/* What no kernel writes must not break us: the numbers are lost, nothing else. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",          "\n",    " ",   "\n\n\n",  ":",           "a",
		"a b c d e", "8:0 =", "= =", "8:0 a=b", "some avg10=", "some avg10=1.2.3"
	};
	static const char *const files[] = { "cpu.stat",  "cpu.pressure", "memory.stat",
					     "io.stat",   "rdma.current", "memory.events",
					     "memory.max" };
	struct folder *f = *state;
	size_t i, j;

	file_put(f, "cgroup.controllers", "cpu io memory rdma\n");
	file_put(f, "cpu.stat", "usage_usec 1\n");
	file_put(f, "memory.current", "1\n");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < ARRAY_SIZE(texts); j++) {
			struct cgroup_stats s;

			file_put(f, files[i], texts[j]);
			s = stats_of(&f->cg);
			cgroup_stats_done(&s);
		}
	}
}

/* --- live --------------------------------------------------------------------------------- */

static void burn(void *arg)
{
	volatile unsigned long n = 0;

	(void)arg;
	while (clock() < CLOCKS_PER_SEC / 50)
		n++;
}

static void test_live(void **state)
{
	struct cgroup cg = live_create("stats");
	struct cgroup_stats s;
	struct error e = ERROR_INIT;
	uint32_t have;

	(void)state;
	live_reap(live_spawn(&cg, burn, NULL));
	s = stats_of(&cg);
	assert_true(s.cpu.present);
	assert_true(s.cpu.usage >= 10000);
	assert_true(s.cpu.usage <= 10000000);
	assert_int_equal(cgroup_controllers(&cg, &have, &e), 0);
	assert_int_equal(s.pids.present, (have & CGROUP_BIT(CGROUP_PIDS)) != 0);
	assert_int_equal(s.memory.present, (have & CGROUP_BIT(CGROUP_MEMORY)) != 0);
	assert_int_equal(s.n_hugetlb > 0, (have & CGROUP_BIT(CGROUP_HUGETLB)) != 0);
	assert_int_equal(s.cpu.psi.present, access("/proc/pressure/cpu", R_OK) == 0);
	cgroup_stats_done(&s);

	assert_int_equal(cgroup_remove(&cg, 1000, &e), 0);
	assert_int_equal(cgroup_stats_read(&cg, &s, &e), -ENODEV);
	assert_text(&e, "the cgroup /sys/fs/cgroup%s was removed", cg.path);
	cgroup_done(&cg);
	assert_int_equal(cgroup_stats_read(&cg, &s, &e), -ENOTSUP);
}

static int tests(void)
{
#define FOLDER(name, f)                                      \
	{                                                    \
		name, f, folder_setup, folder_teardown, NULL \
	}
	const struct CMUnitTest list[] = {
		FOLDER("CPU time, throttling and pressure", test_cpu),
		FOLDER("memory, swap, events, processes", test_memory),
		FOLDER("input and output by device", test_io),
		FOLDER("huge pages and rdma", test_hugetlb_and_rdma),
		FOLDER("nonsense is survived", test_nonsense),
		{ "a real cgroup", test_live },
	};

	return cmocka_run_group_tests_name("cgroup/stats", list, NULL, NULL);
}

int main(void)
{
	return live_main(tests);
}
