/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

#define R   SPEC_ACCESS_READ
#define W   SPEC_ACCESS_WRITE
#define M   SPEC_ACCESS_MKNOD
#define RWM (R | W | M)
#define ANY SPEC_DEVICE_ANY

/* --- an interpreter for what devices_compile() emits -------------------------------------- */

/* Every instruction, register and jump is checked, as the kernel's verifier would. */
static bool run_program(const struct bpf_insn *insns, size_t n,
			const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t reg[11] = { 0 };
	unsigned int known = 1u << BPF_REG_1; /* which registers have been written */
	size_t pc = 0, steps = 0;

	for (;;) {
		const struct bpf_insn *i = &insns[pc];
		uint64_t imm = (uint64_t)(int64_t)i->imm;
		bool jump = false;

		assert_true(pc < n);
		assert_true(++steps <= n); /* jumps go forward only */
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, BPF_REG_1);
			assert_in_range(i->off, 0, sizeof(*ctx) - 4);
			reg[i->dst_reg] = *(const uint32_t *)((const char *)ctx + i->off);
			known |= 1u << i->dst_reg;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			reg[i->dst_reg] = imm;
			known |= 1u << i->dst_reg;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			assert_true(known & (1u << i->src_reg));
			reg[i->dst_reg] = reg[i->src_reg];
			known |= 1u << i->dst_reg;
			break;
		case BPF_ALU64 | BPF_OR | BPF_X:
			assert_true(known & (1u << i->src_reg));
			assert_true(known & (1u << i->dst_reg));
			reg[i->dst_reg] |= reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			assert_true(known & (1u << i->dst_reg));
			reg[i->dst_reg] &= imm;
			break;
		case BPF_ALU64 | BPF_LSH | BPF_K:
			assert_true(known & (1u << i->dst_reg));
			reg[i->dst_reg] <<= i->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			assert_true(known & (1u << i->dst_reg));
			reg[i->dst_reg] >>= i->imm;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			assert_true(known & (1u << i->dst_reg));
			jump = (uint32_t)reg[i->dst_reg] == (uint32_t)i->imm;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			assert_true(known & (1u << i->dst_reg));
			jump = (uint32_t)reg[i->dst_reg] != (uint32_t)i->imm;
			break;
		case BPF_JMP32 | BPF_JSET | BPF_K:
			assert_true(known & (1u << i->dst_reg));
			jump = ((uint32_t)reg[i->dst_reg] & (uint32_t)i->imm) != 0;
			break;
		case BPF_JMP | BPF_JA:
			jump = true;
			break;
		case BPF_JMP | BPF_EXIT:
			assert_true(known & (1u << BPF_REG_0));
			assert_true(reg[0] <= 1);
			return reg[0];
		default:
			fail_msg("instruction %zu has the code %#x", pc, i->code);
		}
		assert_true(i->off >= 0);
		pc += 1 + (jump ? (size_t)i->off : 0);
	}
}

/* The kernel refuses a program with instructions to which nothing leads. */
static void assert_reachable(const struct bpf_insn *insns, size_t n)
{
	static bool seen[DEVICES_INSNS(DEVICES_MAX_RULES)];
	size_t i;

	memset(seen, 0, sizeof(seen));
	seen[0] = true;
	for (i = 0; i < n; i++) {
		bool jump = BPF_CLASS(insns[i].code) == BPF_JMP32 ||
			    insns[i].code == (BPF_JMP | BPF_JA);

		assert_true(seen[i]);
		if (jump) {
			assert_in_range(insns[i].off, 0, n - i - 2);
			seen[i + 1 + (size_t)insns[i].off] = true;
		}
		if (insns[i].code != (BPF_JMP | BPF_JA) &&
		    insns[i].code != (BPF_JMP | BPF_EXIT))
			seen[i + 1] = true;
	}
	assert_int_equal(insns[n - 1].code, BPF_JMP | BPF_EXIT);
}

/* --- the meaning, as the header gives it, from the list as it was written ----------------- */

static bool names(const struct spec_device_rule *r, char type, int64_t major, int64_t minor)
{
	return (r->type == 'a' || r->type == type) && (r->major == ANY || r->major == major) &&
	       (r->minor == ANY || r->minor == minor);
}

static bool allowed(const struct spec_device_rule *rules, size_t n, char type, int64_t major,
		    int64_t minor, uint32_t access)
{
	uint32_t bit;

	for (bit = 1; bit <= M; bit <<= 1) {
		bool allow = false;
		size_t i;

		if (!(access & bit))
			continue;
		for (i = 0; i < n; i++)
			if (names(&rules[i], type, major, minor) && (rules[i].access & bit))
				allow = rules[i].allow;
		if (!allow)
			return false;
	}
	return true;
}

/* --- */

static struct devices_filter filter;
static struct bpf_insn insns[DEVICES_INSNS(DEVICES_MAX_RULES)];
static size_t n_insns;

static void build(const struct spec_device_rule *rules, size_t n)
{
	struct error e = ERROR_INIT;

	if (devices_normalise(rules, n, &filter, &e) < 0)
		fail_msg("%s", e.text);
	devices_compile(&filter, insns, &n_insns);
	assert_true(n_insns <= DEVICES_INSNS(filter.n));
	assert_reachable(insns, n_insns);
}

static bool program_allows(char type, uint32_t major, uint32_t minor, uint32_t access)
{
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};

	if (access & R)
		ctx.access_type |= BPF_DEVCG_ACC_READ << 16;
	if (access & W)
		ctx.access_type |= BPF_DEVCG_ACC_WRITE << 16;
	if (access & M)
		ctx.access_type |= BPF_DEVCG_ACC_MKNOD << 16;
	return run_program(insns, n_insns, &ctx);
}

static void test_defaults(void **state)
{
	(void)state;
	build(devices_default, devices_default_len);
	assert_false(devices_allow_all(&filter));
	assert_true(program_allows('c', 1, 3, RWM));
	assert_true(program_allows('c', 1, 5, R | W));
	assert_true(program_allows('c', 1, 7, R));
	assert_true(program_allows('c', 1, 8, R));
	assert_true(program_allows('c', 1, 9, R));
	assert_true(program_allows('c', 5, 0, R | W));
	assert_true(program_allows('c', 5, 1, R | W));
	assert_true(program_allows('c', 5, 2, R | W));
	assert_true(program_allows('c', 136, 77, R | W));
	/* A node may be made of anything, and then not be opened. */
	assert_true(program_allows('c', 1, 11, M));
	assert_false(program_allows('c', 1, 11, R));
	assert_false(program_allows('c', 1, 1, W));
	assert_true(program_allows('b', 8, 0, M));
	assert_false(program_allows('b', 8, 0, R));
	assert_false(program_allows('b', 1, 3, R));
	assert_false(program_allows('c', 10, 229, R | W));
}

static void test_privileged(void **state)
{
	struct spec_device_rule rules[32] = { { true, 'a', ANY, ANY, RWM } };

	(void)state;
	memcpy(rules + 1, devices_default, devices_default_len * sizeof(*rules));
	build(rules, 1 + devices_default_len);
	assert_true(devices_allow_all(&filter));

	/* One exception, and it no longer is. */
	rules[1 + devices_default_len] = (struct spec_device_rule){ false, 'b', 8, 0, W };
	build(rules, 2 + devices_default_len);
	assert_false(devices_allow_all(&filter));
	assert_int_equal(filter.n, 1);
	assert_false(program_allows('b', 8, 0, R | W));
	assert_true(program_allows('b', 8, 0, R));
	assert_true(program_allows('c', 8, 0, RWM));
}

static void test_nothing(void **state)
{
	(void)state;
	build(NULL, 0);
	assert_false(devices_allow_all(&filter));
	assert_false(program_allows('c', 1, 3, R));
	assert_false(program_allows('b', 0, 0, M));
}

static void test_last_counts(void **state)
{
	const struct spec_device_rule rules[] = {
		{ true, 'a', ANY, ANY, RWM },  { true, 'c', 10, 200, RWM },
		{ false, 'a', ANY, ANY, RWM }, { true, 'c', 1, 3, R | W },
		{ false, 'c', 1, 3, W },
	};

	(void)state;
	build(rules, ARRAY_SIZE(rules));
	assert_false(program_allows('c', 10, 200, R));
	assert_true(program_allows('c', 1, 3, R));
	assert_false(program_allows('c', 1, 3, W));
	assert_false(program_allows('c', 1, 3, R | W));
}

static void test_access_adds_up(void **state)
{
	const struct spec_device_rule rules[] = {
		{ true, 'c', 4, 5, R },
		{ true, 'b', 4, 5, M },
		{ true, 'c', 4, 5, W },
	};

	(void)state;
	build(rules, ARRAY_SIZE(rules));
	assert_int_equal(filter.n, 2);
	assert_true(program_allows('c', 4, 5, R | W));
	assert_false(program_allows('c', 4, 5, RWM));
}

static void test_hole(void **state)
{
	/* What cgroup v1 could not say: all of a major but one. */
	const struct spec_device_rule rules[] = {
		{ true, 'c', 10, ANY, RWM },
		{ false, 'c', 10, 200, RWM },
		{ true, 'a', ANY, 200, R },
	};

	(void)state;
	build(rules, ARRAY_SIZE(rules));
	assert_true(program_allows('c', 10, 199, RWM));
	assert_false(program_allows('c', 10, 200, W));
	assert_true(program_allows('c', 10, 200, R));
	assert_true(program_allows('b', 77, 200, R));
}

static void test_all_with_numbers(void **state)
{
	/* 'a' with numbers is both kinds of this one device, and no more than that. */
	const struct spec_device_rule rules[] = { { true, 'a', 10, 229, R | W } };

	(void)state;
	build(rules, 1);
	assert_true(program_allows('c', 10, 229, R | W));
	assert_true(program_allows('b', 10, 229, R | W));
	assert_false(program_allows('c', 10, 229, M));
	assert_false(program_allows('c', 10, 230, R));
}

static void test_redundant(void **state)
{
	const struct spec_device_rule rules[] = {
		{ false, 'c', 7, 7, RWM },                            /* already so */
		{ true, 'c', 1, 3, R },                               /* covered by the next */
		{ true, 'c', 1, ANY, RWM }, { true, 'c', 1, 3, RWM }, /* the same again */
		{ true, 'c', 1, ANY, RWM },                           /* covers both */
	};

	(void)state;
	build(rules, ARRAY_SIZE(rules));
	assert_int_equal(filter.n, 1);
	assert_int_equal(filter.rules[0].minor, ANY);
}

static void test_large_numbers(void **state)
{
	const struct spec_device_rule rules[] = {
		{ true, 'c', 0xfff, 0xfffff, RWM },
		{ true, 'c', 0x1000, 0, RWM },   /* no device has so much: not 0:0 */
		{ true, 'c', 1, 0x100000, RWM }, /* nor this: not 2:0, not 1:0 */
		{ true, 'c', ANY, UINT32_MAX, RWM },
		{ true, 'c', UINT32_MAX, ANY, RWM },
	};

	(void)state;
	build(rules, ARRAY_SIZE(rules));
	assert_true(program_allows('c', 0xfff, 0xfffff, R));
	assert_false(program_allows('c', 0xfff, 0, R));
	assert_false(program_allows('c', 0, 0, R));
	assert_false(program_allows('c', 1, 0, R));
	assert_false(program_allows('c', 2, 0, R));
	build(rules + 1, 2);
	assert_false(program_allows('c', 0, 0, R));
}

static void test_whole_types(void **state)
{
	const struct spec_device_rule rules[] = {
		{ true, 'c', 1, 3, RWM }, /* covered */
		{ false, 'c', 1, 5, RWM },
		{ true, 'c', ANY, ANY, RWM },
		{ false, 'c', 7, 7, W },
	};

	(void)state;
	build(rules, 3);
	assert_true(program_allows('c', 1, 5, RWM));
	assert_false(program_allows('b', 1, 5, R));
	build(rules, 4);
	assert_true(program_allows('c', 7, 7, R | M));
	assert_false(program_allows('c', 7, 7, R | W));
}

static void test_refused(void **state)
{
	static const struct spec_device_rule bad[] = {
		{ true, 'p', 1, 3, R },
		{ true, 'c', -2, 3, R },
		{ true, 'c', 1, (int64_t)UINT32_MAX + 1, R },
		{ true, 'c', 1, 3, 0 },
		{ true, 'c', 1, 3, 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct spec_device_rule rules[] = { { true, 'c', 1, 3, R }, bad[i] };
		struct error e = ERROR_INIT;

		assert_int_equal(devices_normalise(rules, 2, &filter, &e), -EINVAL);
		assert_non_null(strstr(e.text, "linux.resources.devices[1]: no such device"));
	}
}

static void test_too_many(void **state)
{
	static struct spec_device_rule rules[DEVICES_MAX_RULES + 1];
	struct error e = ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i] = (struct spec_device_rule){ true, 'c', 1, (int64_t)i, R };
	assert_int_equal(devices_normalise(rules, DEVICES_MAX_RULES, &filter, &e), 0);
	assert_int_equal(devices_normalise(rules, ARRAY_SIZE(rules), &filter, &e), -E2BIG);
	assert_string_equal(e.text,
			    "linux.resources.devices: more than 1024 rules that matter");
}

/* Few numbers, so that rules meet often. */
static struct spec_device_rule random_rule(void)
{
	struct spec_device_rule r = {
		.allow = rand() % 2,
		.type = "abc"[rand() % 3],
		.major = rand() % 4 - 1,
		.minor = rand() % 4 - 1,
		.access = (uint32_t)(1 + rand() % 7),
	};

	if (rand() % 8 == 0)
		r.access = RWM;
	return r;
}

static void test_random(void **state)
{
	int round;

	(void)state;
	srand(20);
	for (round = 0; round < 20000; round++) {
		struct spec_device_rule rules[12];
		size_t n = (size_t)rand() % ARRAY_SIZE(rules), i;
		uint32_t major, minor, access;

		for (i = 0; i < n; i++)
			rules[i] = random_rule();
		build(rules, n);
		for (major = 0; major < 3; major++)
			for (minor = 0; minor < 3; minor++)
				for (access = 1; access <= RWM; access++) {
					assert_int_equal(
						program_allows('c', major, minor, access),
						allowed(rules, n, 'c', major, minor, access));
					assert_int_equal(
						program_allows('b', major, minor, access),
						allowed(rules, n, 'b', major, minor, access));
				}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the default devices and no others", test_defaults },
		{ "all devices need no program", test_privileged },
		{ "no rule, no device", test_nothing },
		{ "the last rule counts", test_last_counts },
		{ "kinds of access add up", test_access_adds_up },
		{ "a rule can take one device out of many", test_hole },
		{ "type a with numbers is no wildcard", test_all_with_numbers },
		{ "rules without effect go", test_redundant },
		{ "numbers that no device has stand for none", test_large_numbers },
		{ "a whole type at once", test_whole_types },
		{ "what is no rule is refused", test_refused },
		{ "there is a limit on rules", test_too_many },
		{ "the program means what the list means", test_random },
	};

	return cmocka_run_group_tests_name("cgroup/devices", tests, NULL, NULL);
}
