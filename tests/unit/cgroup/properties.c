/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Both sides of a limit: what systemd is told, and what the file gets. systemd's half of the way,
 * from a property to the file of the unit's cgroup, is written here once more, from its manual.
 */
#include "cgroup/properties.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resources.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/limits.h"
#include "spec/document.h"

static struct limits_plan settled_of(const struct spec_resources *r)
{
	struct limits_plan plan, settled = { 0 };
	struct error e = ERROR_INIT;

	if (limits_plan(&arena, r, &plan, &e) < 0 ||
	    limits_settle(NULL, &plan, &arena, &settled, &e) < 0)
		fail_msg("%s", e.text);
	return settled;
}

static struct properties properties_of(const struct spec_resources *r)
{
	struct limits_plan settled = settled_of(r);
	struct properties p = { 0 };
	struct error e = ERROR_INIT;

	if (properties_add_limits(&p, &arena, &settled, &e) < 0)
		fail_msg("%s", e.text);
	return p;
}

static uint64_t number_of(const struct properties *p, const char *name)
{
	const struct property *one = properties_get(p, name);

	if (!one)
		fail_msg("%s is not set", name);
	assert_int_equal(one->type, PROPERTY_NUMBER);
	return one->number;
}

static struct spec_resources unified(const char *key, const char *value)
{
	static struct spec_pair pair;

	pair = (struct spec_pair){ (char *)key, (char *)value };
	return (struct spec_resources){ .unified = { 1, &pair } };
}

/* --- what systemd does with a property ---------------------------------------------------- */

/* systemd.resource-control(5) and org.freedesktop.systemd1(5). */
static const struct {
	const char *property, *file;
} systemd_files[] = {
	{ "TasksMax", "pids.max" },
	{ "MemorySwapMax", "memory.swap.max" },
	{ "MemoryMax", "memory.max" },
	{ "MemoryLow", "memory.low" },
	{ "MemoryHigh", "memory.high" },
	{ "MemoryMin", "memory.min" },
	{ "MemoryZSwapMax", "memory.zswap.max" },
	{ "OOMPolicy", "memory.oom.group" },
	{ "IOWeight", "io.weight" },
	{ "IODeviceWeight", "io.weight" },
	{ "IOReadBandwidthMax", "io.max" },
	{ "IOWriteBandwidthMax", "io.max" },
	{ "IOReadIOPSMax", "io.max" },
	{ "IOWriteIOPSMax", "io.max" },
	{ "CPUWeight", "cpu.weight" },
	{ "CPUWeight", "cpu.idle" },
	{ "CPUQuotaPerSecUSec", "cpu.max" },
	{ "CPUQuotaPeriodUSec", "cpu.max" },
	{ "AllowedCPUs", "cpuset.cpus" },
	{ "AllowedMemoryNodes", "cpuset.mems" },
};

static bool systemd_knows(const char *property, const char *file)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(systemd_files); i++)
		if (strcmp(systemd_files[i].property, property) == 0 &&
		    strcmp(systemd_files[i].file, file) == 0)
			return true;
	return false;
}

static void text_of_number(uint64_t n, char *dst, size_t size)
{
	if (n == PROPERTY_INFINITY)
		snprintf(dst, size, "max");
	else
		snprintf(dst, size, "%" PRIu64, n);
}

static void text_of_mask(const struct property *p, char *dst, size_t size)
{
	size_t len = 0, bit;

	dst[0] = '\0';
	for (bit = 0; bit < p->mask.len * 8; bit++)
		if (p->mask.bytes[bit / 8] & 1u << bit % 8)
			len += (size_t)snprintf(dst + len, size - len, "%s%zu", len ? "," : "",
						bit);
}

static void text_of_cpu_max(const struct properties *p, char *dst, size_t size)
{
	uint64_t per_second = number_of(p, "CPUQuotaPerSecUSec");
	uint64_t period = number_of(p, "CPUQuotaPeriodUSec");
	char quota[32];

	text_of_number(per_second == PROPERTY_INFINITY ? per_second
						       : per_second * period / 1000000,
		       quota, sizeof(quota));
	snprintf(dst, size, "%s %" PRIu64, quota, period);
}

static void text_of_device(const struct limits_row *row, const struct property *p, char *dst,
			   size_t size)
{
	static const struct {
		const char *property, *key;
	} keys[] = { { "IODeviceWeight", "" },
		     { "IOReadBandwidthMax", "rbps=" },
		     { "IOWriteBandwidthMax", "wbps=" },
		     { "IOReadIOPSMax", "riops=" },
		     { "IOWriteIOPSMax", "wiops=" } };
	const char *key = NULL;
	char number[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].property, row->property) == 0)
			key = keys[i].key;
	assert_non_null(key);
	assert_int_equal(p->type, PROPERTY_DEVICES);
	assert_int_equal(p->devices.n, 1);
	assert_memory_equal(p->devices.v[0].path, "/dev/block/", 11);
	text_of_number(p->devices.v[0].value, number, sizeof(number));
	snprintf(dst, size, "%s %s%s", p->devices.v[0].path + 11, key, number);
}

/* What the unit's own cgroup has in the row's file once systemd has applied the property. */
static void systemd_writes(const struct limits_row *row, const struct properties *all,
			   char *dst, size_t size)
{
	const struct property *p = properties_get(all, row->property);

	if (!p)
		fail_msg("%s is not set", row->property);
	if (!systemd_knows(row->property, row->file))
		fail_msg("systemd does not write %s for %s", row->file, row->property);
	switch (row->kind) {
	case LIMITS_NONE:
		fail();
		break;
	case LIMITS_NUMBER:
		text_of_number(number_of(all, row->property), dst, size);
		break;
	case LIMITS_CPU_MAX:
		text_of_cpu_max(all, dst, size);
		break;
	case LIMITS_CPU_IDLE:
		snprintf(dst, size, "%d", number_of(all, row->property) == 0);
		break;
	case LIMITS_CPU_LIST:
		assert_int_equal(p->type, PROPERTY_MASK);
		text_of_mask(p, dst, size);
		break;
	case LIMITS_OOM:
		assert_int_equal(p->type, PROPERTY_TEXT);
		snprintf(dst, size, "%d", strcmp(p->text, "kill") == 0);
		break;
	case LIMITS_DEVICE:
		text_of_device(row, p, dst, size);
		break;
	}
}

/* --- every row of the table --------------------------------------------------------------- */

static struct spec_weight_device weight_device = { 8, 16, SET(100), { 0 } };
static struct spec_throttle_device throttle_device = { 259, 3, 1048576 };
static struct spec_hugepage_limit hugepage = { "2MB", 4194304 };
static struct spec_rdma rdma = { "mlx5_0", SET(3), SET(10000) };

/* The resource of the row, with nothing else. */
static struct spec_resources resource_of(enum limits_id id)
{
	struct spec_throttles throttles = { 1, &throttle_device };

	switch (id) {
	case LIMIT_PIDS:
		return (struct spec_resources){ .pids_limit = SET(100) };
	case LIMIT_MEMORY_SWAP:
		return (struct spec_resources){ .memory_limit = SET(4096),
						.memory_swap = SET(12288) };
	case LIMIT_MEMORY_LIMIT:
		return (struct spec_resources){ .memory_limit = SET(536870912) };
	case LIMIT_MEMORY_RESERVATION:
		return (struct spec_resources){ .memory_reservation = SET(-1) };
	case LIMIT_BFQ_WEIGHT:
	case LIMIT_IO_WEIGHT:
		return (struct spec_resources){ .blkio_weight = SET(500) };
	case LIMIT_BFQ_WEIGHT_DEVICE:
	case LIMIT_IO_WEIGHT_DEVICE:
		return (struct spec_resources){ .n_blkio_weight_devices = 1,
						.blkio_weight_devices = &weight_device };
	case LIMIT_READ_BPS:
		return (struct spec_resources){ .throttle_read_bps = throttles };
	case LIMIT_WRITE_BPS:
		return (struct spec_resources){ .throttle_write_bps = throttles };
	case LIMIT_READ_IOPS:
		return (struct spec_resources){ .throttle_read_iops = throttles };
	case LIMIT_WRITE_IOPS:
		return (struct spec_resources){ .throttle_write_iops = throttles };
	case LIMIT_CPU_IDLE:
		return (struct spec_resources){ .cpu_idle = SET(1) };
	case LIMIT_CPU_SHARES:
		return (struct spec_resources){ .cpu_shares = SET(2048) };
	case LIMIT_CPU_BURST:
		return (struct spec_resources){ .cpu_burst = SET(1000) };
	case LIMIT_CPU_QUOTA:
		return (struct spec_resources){ .cpu_quota = SET(150000),
						.cpu_period = SET(100000) };
	case LIMIT_CPU_PERIOD:
		return (struct spec_resources){ .cpu_period = SET(50000) };
	case LIMIT_CPU_CPUS:
		return (struct spec_resources){ .cpu_cpus = "0,1,2,9" };
	case LIMIT_CPU_MEMS:
		return (struct spec_resources){ .cpu_mems = "0" };
	case LIMIT_HUGETLB:
	case LIMIT_HUGETLB_RSVD:
		return (struct spec_resources){ .n_hugepages = 1, .hugepages = &hugepage };
	case LIMIT_RDMA:
		return (struct spec_resources){ .n_rdma = 1, .rdma = &rdma };
	case LIMIT_MEMORY_HIGH:
		return unified("memory.high", "1048576");
	case LIMIT_MEMORY_MIN:
		return unified("memory.min", "65536");
	case LIMIT_MEMORY_ZSWAP:
		return unified("memory.zswap.max", "max");
	case LIMIT_MEMORY_OOM_GROUP:
		return unified("memory.oom.group", "1");
	case LIMITS_ROWS:
		break;
	}
	fail_msg("row %d has no resource here", (int)id);
	return (struct spec_resources){ 0 };
}

static const struct limits_step *step_of(const struct limits_plan *p, enum limits_id id)
{
	const struct limits_row *row = &limits_table[id];
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->steps[i].row == row ||
		    /* One row stands for both files of a page size, as their names differ. */
		    (id == LIMIT_HUGETLB_RSVD && str_ends(p->steps[i].file, ".rsvd.max")))
			return &p->steps[i];
	return NULL;
}

/* Resources of config.json that are no limit with a file, and so have no row. */
static bool is_no_limit(const char *json)
{
	static const char *const others[] = {
		"devices",             /* a filter */
		"unified",             /* any file */
		"memory.useHierarchy", /* cgroup v2 always does */
		"memory.checkBeforeUpdate",
	};
	struct limits_plan p = settled_of(&resources_of_v1);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (str_eq(others[i], json))
			return true;
	for (i = 0; i < p.n_ignored; i++)
		if (str_eq(p.ignored[i] + strlen("linux.resources."), json))
			return true;
	return false;
}

static bool is_limit(const char *json)
{
	size_t i;

	for (i = 0; i < LIMITS_ROWS; i++)
		if (limits_table[i].json && str_eq(limits_table[i].json, json))
			return true;
	return false;
}

/* What the parser knows, the table knows: a field that is new in one of both is found here. */
static void assert_fields_have_rows(const struct table *t, const char *above)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		char json[64];

		snprintf(json, sizeof(json), "%s%s", above, f->key);
		if (f->read == read_object) {
			strcat(json, ".");
			assert_fields_have_rows(f->arg, json);
		} else if (is_limit(json) == is_no_limit(json)) {
			fail_msg("linux.resources.%s has %s", json,
				 is_limit(json) ? "a row, and is ignored" : "no row");
		}
	}
}

static void test_total(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LIMITS_ROWS; i++) {
		const struct limits_row *row = &limits_table[i];

		assert_non_null(row->file);
		assert_true(row->controller < CGROUP_CONTROLLERS);
		/* A property where there is a way to it, and only there. */
		assert_int_equal(row->kind != LIMITS_NONE, row->property != NULL);
		/* From config.json by its own field, or by the name of the file. */
		if (!row->json)
			assert_ptr_equal(limits_row_of(row->file), row);
	}
	assert_fields_have_rows(&spec_resources_table, "");
}

static void test_agree(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LIMITS_ROWS; i++) {
		const struct limits_row *row = &limits_table[i];
		struct spec_resources r = resource_of(i);
		struct limits_plan plan = settled_of(&r);
		const struct limits_step *step = step_of(&plan, i);
		struct properties p = properties_of(&r);
		char text[128];

		if (!step)
			fail_msg("row %zu, %s, is not in the plan", i, row->file);
		if (!row->property)
			continue;
		systemd_writes(row, &p, text, sizeof(text));
		if (strcmp(text, step->value) != 0)
			fail_msg("%s: %s is set so that systemd writes \"%s\", but we write "
				 "\"%s\"",
				 row->file, row->property, text, step->value);
	}
}

/* Nothing of what is not asked for: systemd's defaults stay. */
static void test_nothing_else(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LIMITS_ROWS; i++) {
		struct spec_resources r = resource_of(i);
		struct limits_plan plan = settled_of(&r);
		struct properties p = properties_of(&r);
		size_t k;

		for (k = 0; k < p.n; k++) {
			size_t s = 0;

			while (s < plan.n &&
			       !(plan.steps[s].row && plan.steps[s].row->property &&
				 (strcmp(plan.steps[s].row->property, p.v[k].name) == 0 ||
				  plan.steps[s].row->kind == LIMITS_CPU_MAX)))
				s++;
			if (s == plan.n)
				fail_msg("%s is set for %s", p.v[k].name, limits_table[i].file);
		}
	}
}

/* --- values ------------------------------------------------------------------------------- */

static void test_quota(void **state)
{
	static const struct {
		int64_t quota;
		uint64_t period, per_second, period_wanted;
	} cases[] = {
		{ 50000, 100000, 500000, 100000 },
		{ 50000, 0, 500000, 100000 },      /* of the ordinary period */
		{ 12345, 100000, 130000, 100000 }, /* 12.345 % is 13 % to systemd */
		{ 1000, 1000000, 10000, 1000000 },
		{ 1001, 1000000, 10000, 1000000 },
		{ 10001, 1000000, 20000, 1000000 },
		{ 333333, 1000000, 340000, 1000000 },
		{ 100000, 30000, 3340000, 30000 }, /* 3.33 processors */
		{ -1, 100000, PROPERTY_INFINITY, 100000 },
		{ 0, 20000, PROPERTY_INFINITY, 20000 },
		{ INT64_MAX, 1000, PROPERTY_INFINITY, 1000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec_resources r = { .cpu_quota = SET(cases[i].quota),
					    .cpu_period = SET(cases[i].period) };
		struct properties p = properties_of(&r);

		assert_int_equal(number_of(&p, "CPUQuotaPerSecUSec"), cases[i].per_second);
		assert_int_equal(number_of(&p, "CPUQuotaPeriodUSec"), cases[i].period_wanted);
	}
}

/* The unit stands above the container's cgroup and must never be the tighter of both. */
static void test_quota_never_tighter(void **state)
{
	uint64_t quota, period;

	(void)state;
	for (quota = 1000; quota < 3000000; quota = quota * 11 / 10 + 7)
		for (period = 1000; period <= 1000000; period = period * 13 / 10 + 3) {
			struct spec_resources r = { .cpu_quota = SET((int64_t)quota),
						    .cpu_period = SET(period) };
			struct properties p = properties_of(&r);
			uint64_t per_second = number_of(&p, "CPUQuotaPerSecUSec");

			assert_int_equal(per_second % 10000, 0);
			assert_true(per_second * period >= quota * 1000000);
			assert_true((per_second - 10000) * period < quota * 1000000);
			arena_done(&arena);
			arena_init(&arena, 1u << 20);
		}
}

static void test_swap(void **state)
{
	struct spec_resources r = { .memory_limit = SET(1000), .memory_swap = SET(3000) };
	struct properties p = properties_of(&r);

	(void)state;
	assert_int_equal(number_of(&p, "MemoryMax"), 1000);
	assert_int_equal(number_of(&p, "MemorySwapMax"), 2000);
	r.memory_swap.value = 1000;
	p = properties_of(&r);
	assert_int_equal(number_of(&p, "MemorySwapMax"), 0);
	r.memory_swap.value = -1;
	p = properties_of(&r);
	assert_int_equal(number_of(&p, "MemorySwapMax"), PROPERTY_INFINITY);
	r = (struct spec_resources){ .memory_limit = SET(-1) };
	p = properties_of(&r);
	assert_int_equal(number_of(&p, "MemoryMax"), PROPERTY_INFINITY);
	assert_int_equal(number_of(&p, "MemorySwapMax"), PROPERTY_INFINITY);
}

static void test_swap_without_limit(void **state)
{
	struct spec_resources r = { .memory_swap = SET(3000) };
	struct limits_plan plan, settled;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(limits_plan(&arena, &r, &plan, &e), 0);
	assert_int_equal(limits_settle(NULL, &plan, &arena, &settled, &e), -EINVAL);
	assert_string_equal(
		e.text, "linux.resources.memory.swap is 3000, but there is no memory.limit");
}

static void test_cpu_lists(void **state)
{
	static const struct {
		const char *list;
		size_t len;
		uint8_t bytes[4];
	} cases[] = {
		{ "0", 1, { 1 } },
		{ "0-3,5", 1, { 0x2f } },
		{ "8", 2, { 0, 1 } },
		{ "7-8, 16", 3, { 0x80, 1, 1 } },
		{ "31,0", 4, { 1, 0, 0, 0x80 } },
		{ "0-31", 4, { 255, 255, 255, 255 } },
	};
	static const char *const strange[] = {
		"3-1", "a", "1-", "0-10:2/3", "8192", "-1", ","
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec_resources r = { .cpu_cpus = (char *)cases[i].list };
		struct properties p = properties_of(&r);
		const struct property *mask = properties_get(&p, "AllowedCPUs");

		assert_non_null(mask);
		assert_int_equal(mask->mask.len, cases[i].len);
		assert_memory_equal(mask->mask.bytes, cases[i].bytes, cases[i].len);
	}
	/* The kernel will tell what it thinks of these. */
	for (i = 0; i < ARRAY_SIZE(strange); i++) {
		struct spec_resources r = { .cpu_cpus = (char *)strange[i] };
		struct properties p = properties_of(&r);

		assert_int_equal(p.n, 0);
	}
}

static void test_unified(void **state)
{
	static const struct {
		const char *key, *value, *property;
		uint64_t number;
	} cases[] = {
		{ "memory.max", "512M", "MemoryMax", 512u << 20 },
		{ "memory.max", "4k", "MemoryMax", 4096 },
		{ "memory.high", "max", "MemoryHigh", PROPERTY_INFINITY },
		{ "memory.swap.max", "0", "MemorySwapMax", 0 },
		{ "pids.max", "7", "TasksMax", 7 },
		{ "cpu.weight", "50", "CPUWeight", 50 },
		{ "cpu.idle", "1", "CPUWeight", 0 },
		{ "cpu.idle", "0", "CPUWeight", PROPERTY_INFINITY },
		{ "cpu.max", "20000 50000", "CPUQuotaPerSecUSec", 400000 },
		{ "cpu.max", "20000", "CPUQuotaPerSecUSec", 200000 },
		{ "cpu.max", "max", "CPUQuotaPerSecUSec", PROPERTY_INFINITY },
		{ "io.weight", "default 200", "IOWeight", 200 },
		{ "io.weight", "300", "IOWeight", 300 },
	};
	static const char *const silent[][2] = {
		{ "memory.max", "half" },
		{ "memory.max", "1 2" },
		{ "memory.max", "17179869184G" },
		{ "cpu.max", "a b" },
		{ "cpu.max", "1 2 3" },
		{ "cpu.max", "1000 0" },
		{ "cpu.idle", "2" },
		{ "memory.oom.group", "no" },
		{ "io.max", "8:0 rbps=1" },
		{ "io.weight", "8:0 200" },
		{ "cgroup.max.depth", "3" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec_resources r = unified(cases[i].key, cases[i].value);
		struct properties p = properties_of(&r);

		assert_int_equal(number_of(&p, cases[i].property), cases[i].number);
	}
	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		struct spec_resources r = unified(silent[i][0], silent[i][1]);
		struct properties p = properties_of(&r);

		if (p.n)
			fail_msg("%s \"%s\" sets %s", silent[i][0], silent[i][1], p.v[0].name);
	}
}

/* As with the files: what comes later counts. */
static void test_last_counts(void **state)
{
	struct spec_pair pairs[] = { { (char *)"memory.max", (char *)"300" },
				     { (char *)"cpu.max", (char *)"30000" } };
	struct spec_resources r = { .memory_limit = SET(100),
				    .cpu_idle = SET(0),
				    .cpu_shares = SET(1024),
				    .cpu_quota = SET(20000),
				    .cpu_period = SET(50000),
				    .unified = { 2, pairs } };
	struct properties p = properties_of(&r);

	(void)state;
	assert_int_equal(number_of(&p, "MemoryMax"), 300);
	assert_int_equal(number_of(&p, "CPUWeight"), 100);
	/* 30 ms of the period that the step before has set. */
	assert_int_equal(number_of(&p, "CPUQuotaPerSecUSec"), 600000);
	assert_int_equal(number_of(&p, "CPUQuotaPeriodUSec"), 50000);
	assert_int_equal(p.n, 4);
}

static void test_devices(void **state)
{
	struct spec_throttle_device v[] = { { 8, 0, 100 }, { 8, 16, 0 }, { 8, 0, 300 } };
	struct spec_resources r = { .throttle_read_bps = { 3, v } };
	struct properties p = properties_of(&r);
	const struct property *one = properties_get(&p, "IOReadBandwidthMax");

	(void)state;
	assert_non_null(one);
	assert_int_equal(one->devices.n, 2);
	assert_string_equal(one->devices.v[0].path, "/dev/block/8:0");
	assert_int_equal(one->devices.v[0].value, 300);
	assert_string_equal(one->devices.v[1].path, "/dev/block/8:16");
	assert_true(one->devices.v[1].value == PROPERTY_INFINITY);
}

static void test_list(void **state)
{
	struct property one = { .type = PROPERTY_FLAG };
	struct properties p = { 0 };
	struct error e = ERROR_INIT;
	char names[PROPERTIES_MAX + 1][8];
	size_t i;

	(void)state;
	for (i = 0; i <= PROPERTIES_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "P%zu", i);
		one.name = names[i];
		assert_int_equal(properties_set(&p, &one, &e), i < PROPERTIES_MAX ? 0 : -E2BIG);
	}
	assert_true(properties_drop(&p, "P0"));
	assert_false(properties_drop(&p, "P0"));
	assert_true(properties_drop(&p, "P47"));
	assert_int_equal(p.n, PROPERTIES_MAX - 2);
	assert_string_equal(p.v[0].name, "P1");
	assert_string_equal(p.v[p.n - 1].name, "P46");
	assert_null(properties_get(&p, "P47"));
}

int main(void)
{
	const struct CMUnitTest list[] = {
		WITH_ARENA("the table is total", test_total),
		WITH_ARENA("what systemd is told and what the file gets agree, row by row",
			   test_agree),
		WITH_ARENA("a resource sets its own property alone", test_nothing_else),
		WITH_ARENA("a quota becomes whole per cents of a second, rounded up",
			   test_quota),
		WITH_ARENA("the unit's quota is never tighter than the container's",
			   test_quota_never_tighter),
		WITH_ARENA("swap is what memory and swap have beyond memory", test_swap),
		WITH_ARENA("swap without a limit is refused before anything is made",
			   test_swap_without_limit),
		WITH_ARENA("lists of processors become masks", test_cpu_lists),
		WITH_ARENA("unified has properties too", test_unified),
		WITH_ARENA("the last of two values counts", test_last_counts),
		WITH_ARENA("devices gather in one property", test_devices),
		WITH_ARENA("a property is set once, and dropped", test_list),
	};

	return cmocka_run_group_tests_name("cgroup/properties", list, NULL, NULL);
}
