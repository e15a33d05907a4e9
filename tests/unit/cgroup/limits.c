/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "resources.h"

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

static struct limits_plan plan_of(const struct spec_resources *r)
{
	struct error e = ERROR_INIT;
	struct limits_plan p = { 0 };

	if (limits_plan(&arena, r, &p, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(e.errnum, 0);
	return p;
}

/* "file=value" for each step, in order, NULL at the end. */
static void assert_steps(const struct limits_plan *p, ...)
{
	va_list ap;
	size_t i;

	va_start(ap, p);
	for (i = 0; i < p->n; i++) {
		const char *want = va_arg(ap, const char *);
		char got[256];

		snprintf(got, sizeof(got), "%s=%s", p->steps[i].file, p->steps[i].value);
		assert_non_null(want);
		assert_string_equal(got, want);
	}
	assert_null(va_arg(ap, const char *));
	va_end(ap);
}

static void assert_refused(const struct spec_resources *r, const char *message)
{
	struct error e = ERROR_INIT;
	struct limits_plan p;

	assert_int_equal(limits_plan(&arena, r, &p, &e), -EINVAL);
	assert_string_equal(e.text, message);
}

/* --- the plan ----------------------------------------------------------------------------- */

static void test_nothing(void **state)
{
	struct spec_resources r = { .present = true };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, NULL);
	assert_int_equal(p.controllers, 0);
	assert_int_equal(p.n_ignored, 0);
}

static void test_everything_in_order(void **state)
{
	struct spec_weight_device wd[] = { { 8, 16, SET(100), SET(7) } };
	struct spec_throttle_device rb[] = { { 8, 0, 1000 } }, wb[] = { { 8, 0, 0 } },
				    ri[] = { { 8, 0, 30 } }, wi[] = { { 259, 3, 40 } };
	struct spec_hugepage_limit huge[] = { { "2MB", 4194304 } };
	struct spec_rdma rdma[] = { { "mlx5_0", { true, 3 }, { true, 10000 } } };
	struct spec_pair unified[] = { { "memory.high", "5" }, { "cgroup.max.depth", "3" } };
	struct spec_resources r = {
		.memory_limit = SET(1000),
		.memory_reservation = SET(500),
		.memory_swap = SET(1500),
		.cpu_shares = SET(2048),
		.cpu_quota = SET(50000),
		.cpu_period = SET(200000),
		.cpu_burst = SET(1000),
		.cpu_idle = SET(0),
		.cpu_cpus = "0-3",
		.cpu_mems = "0",
		.pids_limit = SET(100),
		.blkio_weight = SET(10),
		.n_blkio_weight_devices = 1,
		.blkio_weight_devices = wd,
		.throttle_read_bps = { 1, rb },
		.throttle_write_bps = { 1, wb },
		.throttle_read_iops = { 1, ri },
		.throttle_write_iops = { 1, wi },
		.n_hugepages = 1,
		.hugepages = huge,
		.n_rdma = 1,
		.rdma = rdma,
		.unified = { 2, unified },
	};
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "pids.max=100", "memory.swap.max=500", "memory.max=1000",
		     "memory.low=500", "io.bfq.weight=10", "io.weight=1",
		     "io.bfq.weight=8:16 100", "io.weight=8:16 910", "io.max=8:0 rbps=1000",
		     "io.max=8:0 wbps=max", "io.max=8:0 riops=30", "io.max=259:3 wiops=40",
		     "cpu.idle=0", "cpu.weight=174", "cpu.max.burst=1000",
		     "cpu.max=50000 200000", "cpuset.cpus=0-3", "cpuset.mems=0",
		     "hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304",
		     "rdma.max=mlx5_0 hca_handle=3 hca_object=10000", "memory.high=5",
		     "cgroup.max.depth=3", NULL);
	assert_int_equal(p.controllers, CGROUP_BIT(CGROUP_PIDS) | CGROUP_BIT(CGROUP_MEMORY) |
						CGROUP_BIT(CGROUP_IO) | CGROUP_BIT(CGROUP_CPU) |
						CGROUP_BIT(CGROUP_CPUSET) |
						CGROUP_BIT(CGROUP_HUGETLB) |
						CGROUP_BIT(CGROUP_RDMA));
	assert_int_equal(p.n_ignored, 1);
	assert_string_equal(p.ignored[0], "linux.resources.blockIO.weightDevice[0].leafWeight");
	assert_string_equal(p.steps[10].json,
			    "linux.resources.blockIO.throttleReadIOPSDevice[0]");
	assert_string_equal(p.steps[18].json, "linux.resources.hugepageLimits[0]");
	assert_string_equal(p.steps[21].json, "linux.resources.unified[\"memory.high\"]");
	assert_string_equal(limits_first_of(&p, CGROUP_MEMORY)->json,
			    "linux.resources.memory.swap");
	assert_null(limits_first_of(&p, CGROUP_MISC));
}

static void test_memory(void **state)
{
	static const struct {
		struct opt_i64 limit, swap;
		const char *swap_step, *limit_step;
		uint32_t flags;
	} cases[] = {
		{ SET(1000), SET(3000), "memory.swap.max=2000", "memory.max=1000", 0 },
		{ SET(1000), SET(1000), "memory.swap.max=0", "memory.max=1000",
		  LIMITS_SKIP_MISSING },
		{ SET(1000), SET(-1), "memory.swap.max=max", "memory.max=1000",
		  LIMITS_SKIP_MISSING },
		{ SET(-1), SET(-1), "memory.swap.max=max", "memory.max=max",
		  LIMITS_SKIP_MISSING },
		/* No limit for memory means none for swap, where nothing is said of it. */
		{ SET(-1),
		  { 0 },
		  "memory.swap.max=max",
		  "memory.max=max",
		  LIMITS_SKIP_MISSING },
		/* No sum is below what memory alone has: what is left for swap is nothing. */
		{ SET(1000), SET(0), "memory.swap.max=0", "memory.max=1000",
		  LIMITS_SKIP_MISSING },
		{ SET(-1), SET(0), "memory.swap.max=0", "memory.max=max", LIMITS_SKIP_MISSING },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec_resources r = { .memory_limit = cases[i].limit,
					    .memory_swap = cases[i].swap };
		struct limits_plan p = plan_of(&r);

		assert_steps(&p, cases[i].swap_step, cases[i].limit_step, NULL);
		assert_int_equal(p.steps[0].flags, cases[i].flags);
	}
}

static void test_memory_unset(void **state)
{
	struct spec_resources r = { .memory_limit = SET(1000) };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "memory.max=1000", NULL);

	/* Zero has always meant that nothing is said. */
	r = (struct spec_resources){ .memory_limit = SET(0), .memory_reservation = SET(0) };
	p = plan_of(&r);
	assert_steps(&p, NULL);

	r = (struct spec_resources){ .memory_swap = SET(-1), .memory_reservation = SET(-1) };
	p = plan_of(&r);
	assert_steps(&p, "memory.swap.max=max", "memory.low=max", NULL);

	r = (struct spec_resources){ .memory_swap = SET(0) };
	p = plan_of(&r);
	assert_steps(&p, "memory.swap.max=0", NULL);
}

static void test_memory_refused(void **state)
{
	struct spec_resources r = { .memory_swap = SET(1000), .memory_limit = SET(-1) };

	(void)state;
	assert_refused(&r, "linux.resources.memory.swap is 1000, but memory.limit is -1: it "
			   "limits memory and swap together");
	r.memory_limit = (struct opt_i64)SET(1001);
	assert_refused(&r, "linux.resources.memory.swap is 1000, which is less than "
			   "memory.limit, 1001: it limits memory and swap together");
	r = (struct spec_resources){ .memory_limit = SET(-2) };
	assert_refused(&r, "linux.resources.memory.limit is -2: it is a number of bytes, or -1 "
			   "for no limit");
	r = (struct spec_resources){ .memory_limit = SET(5), .memory_swap = SET(INT64_MIN) };
	assert_refused(&r, "linux.resources.memory.swap is -9223372036854775808: it is a "
			   "number of bytes, or -1 for no limit");
	r = (struct spec_resources){ .memory_reservation = SET(-7) };
	assert_refused(&r, "linux.resources.memory.reservation is -7: it is a number of bytes, "
			   "or -1 for no limit");
}

static void test_pids(void **state)
{
	struct spec_resources r = { .pids_limit = SET(-1) };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "pids.max=max", NULL);
	r.pids_limit.value = 0;
	p = plan_of(&r);
	assert_steps(&p, "pids.max=1", NULL);
	r.pids_limit.value = INT64_MAX;
	p = plan_of(&r);
	assert_steps(&p, "pids.max=9223372036854775807", NULL);
}

static void test_cpu_max(void **state)
{
	struct spec_resources r = { .cpu_quota = SET(50000) };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "cpu.max=50000", NULL);
	r = (struct spec_resources){ .cpu_quota = SET(-1) };
	p = plan_of(&r);
	assert_steps(&p, "cpu.max=max", NULL);
	r = (struct spec_resources){ .cpu_quota = SET(-1), .cpu_period = SET(5000) };
	p = plan_of(&r);
	assert_steps(&p, "cpu.max=max 5000", NULL);
	r = (struct spec_resources){ .cpu_quota = SET(0), .cpu_period = SET(0) };
	p = plan_of(&r);
	assert_steps(&p, NULL);
	r = (struct spec_resources){ .cpu_period = SET(5000) };
	p = plan_of(&r);
	assert_steps(&p, "cpu.max=5000", NULL);
	assert_int_equal(p.steps[0].flags, LIMITS_KEEP_QUOTA);
	assert_string_equal(p.steps[0].json, "linux.resources.cpu.period");
}

static void test_cpu_burst(void **state)
{
	struct spec_resources r = { .cpu_burst = SET(100), .cpu_quota = SET(5000) };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "cpu.max.burst=100", "cpu.max=5000", NULL);
	assert_int_equal(p.steps[0].flags, LIMITS_RETRY);

	/* With no quota to come, a refusal is final. */
	r.cpu_quota.set = false;
	p = plan_of(&r);
	assert_steps(&p, "cpu.max.burst=100", NULL);
	assert_int_equal(p.steps[0].flags, 0);
}

static void test_cpu_idle(void **state)
{
	struct spec_resources r = { .cpu_idle = SET(1), .cpu_shares = SET(512) };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "cpu.idle=1", NULL);
	assert_int_equal(p.n_ignored, 1);
	assert_string_equal(p.ignored[0], "linux.resources.cpu.shares");
	r.cpu_idle.value = 2;
	assert_refused(&r, "linux.resources.cpu.idle is 2: it is 0 (ordinary) or 1 (idle)");
}

static void test_cpu_weight(void **state)
{
	uint64_t shares, last = 1;

	(void)state;
	assert_int_equal(limits_cpu_weight(0), 0);
	assert_int_equal(limits_cpu_weight(1), 1);
	assert_int_equal(limits_cpu_weight(2), 1);
	assert_int_equal(limits_cpu_weight(1024), 100);
	assert_int_equal(limits_cpu_weight(262144), 10000);
	assert_int_equal(limits_cpu_weight(UINT64_MAX), 10000);
	for (shares = 3; shares < 262144; shares++) {
		uint64_t weight = limits_cpu_weight(shares);

		assert_in_range(weight, last, 10000);
		last = weight;
	}
}

static void test_io_weight(void **state)
{
	struct spec_weight_device none[] = { { 8, 0, { 0 }, { 0 } } };
	struct spec_weight_device bad[] = { { 8, 0, SET(10), { 0 } },
					    { 8, -1, SET(10), { 0 } } };
	struct spec_resources r = { .blkio_weight = SET(1000) };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "io.bfq.weight=1000", "io.weight=10000", NULL);
	assert_int_equal(p.steps[0].flags, LIMITS_ELSE_NEXT);
	assert_int_equal(p.steps[1].flags, 0);
	r.blkio_weight.value = 500;
	p = plan_of(&r);
	assert_steps(&p, "io.bfq.weight=500", "io.weight=4950", NULL);
	r.blkio_weight.value = 0;
	p = plan_of(&r);
	assert_steps(&p, NULL);
	r.blkio_weight.value = 9;
	assert_refused(&r, "linux.resources.blockIO.weight: the weight 9 is not in 10 to 1000");
	r.blkio_weight.value = 1001;
	assert_refused(&r,
		       "linux.resources.blockIO.weight: the weight 1001 is not in 10 to 1000");

	r = (struct spec_resources){ .n_blkio_weight_devices = 1,
				     .blkio_weight_devices = none };
	p = plan_of(&r);
	assert_steps(&p, NULL);
	r = (struct spec_resources){ .n_blkio_weight_devices = 2, .blkio_weight_devices = bad };
	assert_refused(&r, "linux.resources.blockIO.weightDevice[1]: 8:-1 is no device number");
}

static void test_hugetlb_refused(void **state)
{
	struct spec_hugepage_limit huge[] = { { "2MB", 1 }, { "../2MB", 1 } };
	struct spec_resources r = { .n_hugepages = 2, .hugepages = huge };

	(void)state;
	assert_refused(&r, "linux.resources.hugepageLimits[1].pageSize is \"../2MB\": it has "
			   "the form 64KB, 2MB or 1GB");
	huge[1].page_size = NULL;
	assert_refused(&r,
		       "linux.resources.hugepageLimits[1].pageSize is \"\": it has the form "
		       "64KB, 2MB or 1GB");
	huge[1].page_size = "2MB/";
	assert_refused(&r, "linux.resources.hugepageLimits[1].pageSize is \"2MB/\": it has the "
			   "form 64KB, 2MB or 1GB");
}

static void test_rdma(void **state)
{
	struct spec_rdma rdma[] = { { "a", { 0 }, { true, 5 } }, { "b", { 0 }, { 0 } } };
	struct spec_resources r = { .n_rdma = 2, .rdma = rdma };
	struct limits_plan p = plan_of(&r);

	(void)state;
	assert_steps(&p, "rdma.max=a hca_object=5", NULL);
	assert_string_equal(p.steps[0].json, "linux.resources.rdma[\"a\"]");
	rdma[1].device = "b hca_handle=max";
	assert_refused(&r, "linux.resources.rdma: \"b hca_handle=max\" is no device's name");
}

static void test_unified(void **state)
{
	struct spec_pair pairs[] = { { "memory.high", "max" },
				     { "io.max", "8:0 rbps=1\n8:16 rbps=2" },
				     { "memory.pressure", "some 150000 1000000" },
				     { "misc.max", "res_a 3" },
				     { "foo.bar", "1" },
				     { "cpuset.cpus", "" } };
	struct spec_resources r = { .memory_limit = SET(7),
				    .unified = { ARRAY_SIZE(pairs), pairs } };
	struct limits_plan p = plan_of(&r);

	(void)state;
	/* After everything else, so it has the last word; in the order of the document. */
	assert_steps(&p, "memory.max=7", "memory.high=max", "io.max=8:0 rbps=1\n8:16 rbps=2",
		     "memory.pressure=some 150000 1000000", "misc.max=res_a 3", "foo.bar=1",
		     "cpuset.cpus=", NULL);
	assert_ptr_equal(p.steps[1].row, limits_row_of("memory.high"));
	assert_string_equal(p.steps[1].row->property, "MemoryHigh");
	assert_int_equal(p.steps[2].flags, LIMITS_BY_LINE);
	assert_int_equal(p.steps[5].controller, CGROUP_CORE);
	assert_int_equal(p.controllers, CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_IO) |
						CGROUP_BIT(CGROUP_MISC) |
						CGROUP_BIT(CGROUP_CPUSET));
}

static void test_unified_refused(void **state)
{
	static const char *const moves[] = { "cgroup.procs", "cgroup.threads", "cgroup.kill",
					     "cgroup.freeze", "cgroup.type" };
	static const char *const names[] = { "",
					     "memory",
					     ".",
					     "..",
					     ".x",
					     "memory.high\n",
					     "memory. high",
					     "a/../../b.c",
					     "/memory.max" };
	struct spec_pair pair = { NULL, "1" };
	struct spec_resources r = { .unified = { 1, &pair } };
	struct limits_plan p;
	char want[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(moves); i++) {
		pair.key = moves[i];
		snprintf(want, sizeof(want),
			 "linux.resources.unified[\"%s\"]: it sets no limit, but moves, stops "
			 "or kills processes",
			 moves[i]);
		assert_refused(&r, want);
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct error e = ERROR_INIT;

		pair.key = names[i];
		assert_int_equal(limits_plan(&arena, &r, &p, &e), -EINVAL);
		assert_non_null(strstr(e.text, "it is the name of a file in the cgroup"));
	}
}

static void test_ignored(void **state)
{
	struct limits_plan p = plan_of(&resources_of_v1);

	(void)state;
	assert_steps(&p, NULL);
	assert_int_equal(p.n_ignored, 9);
	assert_string_equal(p.ignored[2], "linux.resources.memory.swappiness");
	assert_string_equal(p.ignored[8], "linux.resources.network.priorities");
}

static void test_table(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LIMITS_ROWS; i++) {
		const struct limits_row *row = &limits_table[i];

		assert_non_null(row->file);
		assert_true(row->json || i >= LIMIT_MEMORY_HIGH);
		assert_int_equal(row->kind == LIMITS_NONE, row->property == NULL);
		assert_true(row->controller < CGROUP_CONTROLLERS);
		assert_int_equal(strncmp(row->file, cgroup_controller_name(row->controller),
					 strlen(cgroup_controller_name(row->controller))),
				 0);
	}
	assert_string_equal(limits_row_of("memory.max")->property, "MemoryMax");
	assert_string_equal(limits_row_of("io.weight")->property, "IOWeight");
	assert_string_equal(limits_row_of("cpu.max")->property, "CPUQuotaPerSecUSec");
	assert_null(limits_row_of("io.max"));
	assert_null(limits_row_of("memory.current"));
}

static void test_no_memory(void **state)
{
	struct spec_pair unified[] = { { "memory.high", "5" } };
	struct spec_resources r = { .memory_limit = SET(1000), .unified = { 1, unified } };
	struct limits_plan p;
	size_t ceiling;
	int r_last = -ENOMEM;

	(void)state;
	for (ceiling = 0; ceiling < 8192; ceiling += 16) {
		struct error e = ERROR_INIT;
		struct arena small;

		arena_init(&small, ceiling);
		r_last = limits_plan(&small, &r, &p, &e);
		if (r_last < 0)
			assert_int_equal(r_last, -ENOMEM);
		arena_done(&small);
	}
	assert_int_equal(r_last, 0);
}

/* --- writing, with ordinary files in a folder for a cgroup -------------------------------- */

static int writing_setup(void **state)
{
	arena_setup(NULL);
	return folder_setup(state);
}

static int writing_teardown(void **state)
{
	folder_teardown(state);
	return arena_teardown(NULL);
}

static void assert_file(struct folder *f, const char *name, const char *want)
{
	char got[256];

	assert_int_equal(file_read_line(f->cg.fd, name, got, sizeof(got)), 0);
	assert_string_equal(got, want);
}

static void assert_absent(struct folder *f, const char *name)
{
	assert_int_equal(faccessat(f->cg.fd, name, F_OK, 0), -1);
}

static void test_apply(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .memory_limit = SET(1000),
				    .pids_limit = SET(5),
				    .cpu_quota = SET(7000) };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "memory.max", "");
	file_put(f, "pids.max", "");
	file_put(f, "cpu.max", "");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "memory.max", "1000");
	assert_file(f, "pids.max", "5");
	assert_file(f, "cpu.max", "7000");
}

static void test_apply_no_swap(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .memory_limit = SET(1000), .memory_swap = SET(1000) };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	/* No swap in the kernel, no swap asked for: fine, and no file comes into being. */
	file_put(f, "memory.max", "");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "memory.max", "1000");
	assert_absent(f, "memory.swap.max");

	/* Some swap asked for: an error that names all. */
	r.memory_swap.value = 1500;
	p = plan_of(&r);
	file_put(f, "cgroup.controllers", "cpu memory\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), -ENOTSUP);
	assert_string_equal(e.text, "linux.resources.memory.swap: there is no file "
				    "memory.swap.max in the cgroup /sys/fs/cgroup/test");
	assert_string_equal(e.hint,
			    "this kernel does not have it: it is too old, or built without");
}

static void test_apply_no_controller(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .memory_limit = SET(1000) };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "cgroup.controllers", "cpu pids\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), -ENOTSUP);
	assert_string_equal(e.text, "linux.resources.memory.limit: there is no file memory.max "
				    "in the cgroup /sys/fs/cgroup/test");
	assert_string_equal(e.hint,
			    "the controller \"memory\" is not enabled there: add +memory "
			    "to cgroup.subtree_control of the cgroup above, or have it "
			    "delegated");
}

static void test_apply_bfq(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .blkio_weight = SET(1000), .pids_limit = SET(5) };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "pids.max", "");
	file_put(f, "io.weight", "default 100\n");
	file_put(f, "io.bfq.weight", "");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "io.bfq.weight", "1000");
	assert_file(f, "io.weight", "default 100");

	unlinkat(f->cg.fd, "io.bfq.weight", 0);
	file_put(f, "io.weight", "");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "io.weight", "10000");
	assert_absent(f, "io.bfq.weight");

	unlinkat(f->cg.fd, "io.weight", 0);
	assert_int_equal(limits_apply(&f->cg, &p, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "there is no file io.weight"));
}

static void test_apply_period(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .cpu_period = SET(20000) };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "cpu.max", "50000 100000\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	/* An ordinary file keeps its tail: what counts is what was written over its start. */
	assert_file(f, "cpu.max", "50000 200000");
}

static void test_apply_swap_alone(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .memory_swap = SET(3000) };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "memory.max", "1000\n");
	file_put(f, "memory.swap.max", "");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "memory.swap.max", "2000");
	assert_file(f, "memory.max", "1000");

	file_put(f, "memory.max", "3001\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), -EINVAL);
	assert_string_equal(e.text, "linux.resources.memory.swap is 3000, which is less than "
				    "memory.limit, 3001: it limits memory and swap together");
	file_put(f, "memory.max", "max\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), -EINVAL);
	assert_string_equal(e.text, "linux.resources.memory.swap is 3000, but there is no "
				    "memory.limit");
	assert_file(f, "memory.swap.max", "2000");
}

static void test_apply_hugetlb(void **state)
{
	struct folder *f = *state;
	struct spec_hugepage_limit huge[] = { { "2MB", 4194304 }, { "1GB", 0 } };
	struct spec_resources r = { .n_hugepages = 2, .hugepages = huge };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "cgroup.controllers", "hugetlb\n");
	file_put(f, "hugetlb.2MB.max", "");
	file_put(f, "hugetlb.1GB.max", "");
	file_put(f, "hugetlb.1GB.rsvd.max", "");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "hugetlb.2MB.max", "4194304");
	assert_absent(f, "hugetlb.2MB.rsvd.max");
	assert_file(f, "hugetlb.1GB.rsvd.max", "0");

	huge[1].page_size = "16GB";
	p = plan_of(&r);
	assert_int_equal(limits_apply(&f->cg, &p, &e), -ENOTSUP);
	assert_string_equal(e.text, "linux.resources.hugepageLimits[1]: there is no file "
				    "hugetlb.16GB.max in the cgroup /sys/fs/cgroup/test");
	assert_string_equal(e.hint,
			    "the sizes this host has are listed in /sys/kernel/mm/hugepages");
}

static void test_apply_check(void **state)
{
	struct folder *f = *state;
	struct spec_resources r = { .memory_limit = SET(4096),
				    .memory_swap = SET(8192),
				    .memory_check_before_update = true };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	file_put(f, "memory.max", "old");
	file_put(f, "memory.swap.max", "old");
	file_put(f, "memory.current", "4096\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), -EBUSY);
	assert_string_equal(e.text,
			    "linux.resources.memory.limit is 4096, but 4096 bytes are in "
			    "use in /sys/fs/cgroup/test");
	assert_file(f, "memory.max", "old");
	assert_file(f, "memory.swap.max", "old");

	file_put(f, "memory.current", "8192\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), -EBUSY);
	assert_non_null(strstr(e.text, "linux.resources.memory.swap is 8192"));

	file_put(f, "memory.current", "4095\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
	assert_file(f, "memory.max", "4096");

	r.memory_check_before_update = false;
	p = plan_of(&r);
	file_put(f, "memory.current", "9999\n");
	assert_int_equal(limits_apply(&f->cg, &p, &e), 0);
}

static void test_apply_nowhere(void **state)
{
	struct cgroup none = CGROUP_NONE;
	struct spec_resources r = { 0 };
	struct limits_plan p = plan_of(&r);
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(limits_apply(&none, &p, &e), 0);
	r.pids_limit = (struct opt_i64)SET(5);
	p = plan_of(&r);
	assert_int_equal(limits_apply(&none, &p, &e), -ENOTSUP);
	assert_string_equal(e.text,
			    "linux.resources.pids.limit: the container has no cgroup to limit");
}

int main(void)
{
#define APPLY(name, f)                                         \
	{                                                      \
		name, f, writing_setup, writing_teardown, NULL \
	}
	const struct CMUnitTest tests[] = {
		WITH_ARENA("no resources, no steps", test_nothing),
		WITH_ARENA("all resources have their step, in order", test_everything_in_order),
		WITH_ARENA("swap alone is what is left of memory and swap", test_memory),
		WITH_ARENA("what is not set is not written", test_memory_unset),
		WITH_ARENA("impossible amounts of memory are refused", test_memory_refused),
		WITH_ARENA("pids: -1 is no limit, 0 is one", test_pids),
		WITH_ARENA("quota and period make cpu.max", test_cpu_max),
		WITH_ARENA("a burst may come before its quota", test_cpu_burst),
		WITH_ARENA("an idle cgroup has no weight", test_cpu_idle),
		WITH_ARENA("shares become a weight", test_cpu_weight),
		WITH_ARENA("block weights are for BFQ or scaled", test_io_weight),
		WITH_ARENA("a page size is part of a file's name", test_hugetlb_refused),
		WITH_ARENA("rdma limits name what they limit", test_rdma),
		WITH_ARENA("unified comes last", test_unified),
		WITH_ARENA("unified sets limits and nothing else", test_unified_refused),
		WITH_ARENA("what only cgroup v1 had is listed as ignored", test_ignored),
		WITH_ARENA("the table is whole", test_table),
		WITH_ARENA("a full arena is an error at any point", test_no_memory),
		APPLY("steps are written to their files", test_apply),
		APPLY("a kernel without swap needs no limit of it", test_apply_no_swap),
		APPLY("a missing controller is named", test_apply_no_controller),
		APPLY("BFQ's file goes first, where there is one", test_apply_bfq),
		APPLY("a period alone keeps the quota", test_apply_period),
		APPLY("swap alone counts from the limit that is there", test_apply_swap_alone),
		APPLY("reservations of huge pages may be missing", test_apply_hugetlb),
		APPLY("checkBeforeUpdate refuses before it writes", test_apply_check),
		WITH_ARENA("without a cgroup nothing can be limited", test_apply_nowhere),
	};

	return cmocka_run_group_tests_name("cgroup/limits", tests, NULL, NULL);
}
