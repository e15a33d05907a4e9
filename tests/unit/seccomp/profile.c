/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/profile.h"
#include "seccomp/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "profile_build.h"
#include "seccomp/abi.h"
#include "spec/parse.h"

#define CAP(n)             (UINT64_C(1) << (n))
#define CAP_SYS_PTRACE_BIT CAP(19)
#define CAP_SYS_ADMIN_BIT  CAP(21)

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 64u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static const struct seccomp_profile_for plain = { .native = SECCOMP_ABI_X86_64,
						  .kernel_major = 6,
						  .kernel_minor = 1 };

static struct spec_seccomp resolve_for(const char *text,
				       const struct seccomp_profile_for *target)
{
	struct spec_seccomp s;
	struct error e = ERROR_INIT;

	if (seccomp_profile_resolve(&arena, "p.json", text, strlen(text), target, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static struct spec_seccomp resolve(const char *text)
{
	return resolve_for(text, &plain);
}

static void refuse(const char *text, const char *want)
{
	struct spec_seccomp s = { 0 };
	struct error e = ERROR_INIT;
	int r = seccomp_profile_resolve(&arena, "p.json", text, strlen(text), &plain, &s, &e);

	if (r != -EINVAL)
		fail_msg("%d for %s", r, text);
	if (!strstr(e.text, want) || !strstr(e.text, "p.json"))
		fail_msg("\"%s\" does not tell \"%s\"", e.text, want);
	assert_false(s.present);
}

static void an_empty_profile_switches_seccomp_off(void **state)
{
	(void)state;
	assert_false(resolve("{}").present);
	assert_false(resolve("{\"defaultAction\":\"\",\"syscalls\":[]}").present);
	assert_false(resolve("{\"syscalls\":null}").present);
	assert_true(resolve("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}").present);
	refuse("{\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	       "defaultAction is missing");
}

static void rules_come_through_with_all_their_fields(void **state)
{
	struct spec_seccomp s = resolve(
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
		"\"listenerPath\":\"/run/a\",\"listenerMetadata\":\"m\","
		"\"syscalls\":[{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\","
		"\"args\":null,\"comment\":\"x\",\"includes\":{},\"excludes\":{}},"
		"{\"name\":\"clone\",\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38,\"args\":[{"
		"\"index\":1,\"value\":18446744073709551615,\"valueTwo\":2,"
		"\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}");

	(void)state;
	assert_int_equal(s.default_action, SECCOMP_RET_ERRNO);
	assert_true(s.set_default_errno);
	assert_int_equal(s.default_errno, 1);
	assert_int_equal(s.flags, SECCOMP_FILTER_FLAG_LOG);
	assert_true(s.flags_present);
	assert_string_equal(s.listener_path, "/run/a");
	assert_string_equal(s.listener_metadata, "m");
	assert_int_equal(s.n_rules, 2);
	assert_int_equal(s.rules[0].names.n, 2);
	assert_string_equal(s.rules[0].names.v[1], "write");
	assert_int_equal(s.rules[0].action, SECCOMP_RET_ALLOW);
	assert_false(s.rules[0].set_errno);
	assert_int_equal(s.rules[0].n_args, 0);
	assert_string_equal(s.rules[1].names.v[0], "clone");
	assert_int_equal(s.rules[1].errno_ret, 38);
	assert_int_equal(s.rules[1].args[0].index, 1);
	assert_true(s.rules[1].args[0].value == UINT64_MAX);
	assert_int_equal(s.rules[1].args[0].value_two, 2);
	assert_int_equal(s.rules[1].args[0].op, SPEC_SECCOMP_MASKED_EQ);
}

static void the_entry_of_this_machine_gives_the_architectures(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":["
		"{\"architecture\":\"SCMP_ARCH_OF_TOMORROW\",\"subArchitectures\":[\"X\"]},"
		"{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\","
		"\"SCMP_ARCH_X32\"]},{\"architecture\":\"SCMP_ARCH_AARCH64\"}]}";
	struct seccomp_profile_for arm = plain, power = plain;
	struct spec_seccomp s = resolve(text);

	(void)state;
	assert_int_equal(s.n_architectures, 3);
	assert_int_equal(s.architectures[0], AUDIT_ARCH_X86_64);
	assert_int_equal(s.architectures[1], AUDIT_ARCH_I386);
	assert_int_equal(s.architectures[2], SPEC_ARCH_X32);
	arm.native = SECCOMP_ABI_AARCH64;
	s = resolve_for(text, &arm);
	assert_int_equal(s.n_architectures, 1);
	assert_int_equal(s.architectures[0], AUDIT_ARCH_AARCH64);
	/* Not in the map: the native ABI alone, which every filter knows. */
	power.native = SECCOMP_ABI_PPC64LE;
	assert_int_equal(resolve_for(text, &power).n_architectures, 0);
	s = resolve("{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		    "\"architectures\":[\"SCMP_ARCH_X86\"]}");
	assert_int_equal(s.n_architectures, 1);
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],"
	       "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]}",
	       "architectures and archMap are both given");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":"
	       "\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_Z\"]}]}",
	       "archMap[0].subArchitectures[0]: \"SCMP_ARCH_Z\"");
}

/* How many of one rule with these includes and excludes are left. */
static size_t kept(const char *filter, const struct seccomp_profile_for *target)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",%s}]}",
		 filter);
	return resolve_for(text, target).n_rules;
}

static void capabilities_of_the_bounding_set_switch_rules(void **state)
{
	static const struct {
		uint64_t bounding;
		const char *filter;
		size_t kept;
	} cases[] = {
		{ 0, "\"includes\":{\"caps\":[]}", 1 },
		{ 0, "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", 0 },
		{ CAP_SYS_ADMIN_BIT, "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", 1 },
		/* All that are included ... */
		{ CAP_SYS_ADMIN_BIT,
		  "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_PTRACE\"]}", 0 },
		{ CAP_SYS_ADMIN_BIT | CAP_SYS_PTRACE_BIT,
		  "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_PTRACE\"]}", 1 },
		/* ... and any that is excluded. */
		{ 0, "\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_PTRACE\"]}", 1 },
		{ CAP_SYS_PTRACE_BIT,
		  "\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_PTRACE\"]}", 0 },
		/* Excludes come first. */
		{ CAP_SYS_ADMIN_BIT,
		  "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},\"excludes\":{\"caps\":["
		  "\"CAP_SYS_ADMIN\"]}",
		  0 },
		/* What nobody knows nobody has. */
		{ UINT64_MAX, "\"includes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}", 0 },
		{ UINT64_MAX, "\"excludes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seccomp_profile_for t = plain;

		t.bounding = cases[i].bounding;
		if (kept(cases[i].filter, &t) != cases[i].kept)
			fail_msg("%s", cases[i].filter);
	}
}

static void machines_and_kernels_switch_rules(void **state)
{
	static const struct {
		enum seccomp_abi native;
		unsigned major, minor;
		const char *filter;
		size_t kept;
	} cases[] = {
		{ SECCOMP_ABI_X86_64, 6, 1, "\"includes\":{\"arches\":[\"amd64\",\"x32\"]}",
		  1 },
		{ SECCOMP_ABI_X86_64, 6, 1, "\"includes\":{\"arches\":[\"x86\",\"x32\"]}", 0 },
		{ SECCOMP_ABI_S390X, 6, 1, "\"excludes\":{\"arches\":[\"s390\",\"s390x\"]}",
		  0 },
		{ SECCOMP_ABI_X86_64, 6, 1, "\"excludes\":{\"arches\":[\"s390\",\"s390x\"]}",
		  1 },
		{ SECCOMP_ABI_AARCH64, 6, 1, "\"includes\":{\"arches\":[\"arm\",\"arm64\"]}",
		  1 },
		{ SECCOMP_ABI_LOONGARCH64, 6, 1, "\"includes\":{\"arches\":[\"loong64\"]}", 1 },
		{ SECCOMP_ABI_X86_64, 4, 7, "\"includes\":{\"minKernel\":\"4.8\"}", 0 },
		{ SECCOMP_ABI_X86_64, 4, 8, "\"includes\":{\"minKernel\":\"4.8\"}", 1 },
		{ SECCOMP_ABI_X86_64, 4, 10, "\"includes\":{\"minKernel\":\"4.8\"}", 1 },
		{ SECCOMP_ABI_X86_64, 5, 0, "\"includes\":{\"minKernel\":\"4.8\"}", 1 },
		{ SECCOMP_ABI_X86_64, 3, 19, "\"includes\":{\"minKernel\":\"4.8\"}", 0 },
		{ SECCOMP_ABI_X86_64, 4, 8, "\"excludes\":{\"minKernel\":\"4.8\"}", 0 },
		{ SECCOMP_ABI_X86_64, 4, 7, "\"excludes\":{\"minKernel\":\"4.8\"}", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seccomp_profile_for t = { 0, cases[i].native, cases[i].major,
						 cases[i].minor };

		if (kept(cases[i].filter, &t) != cases[i].kept)
			fail_msg("case %zu: %s", i, cases[i].filter);
	}
}

static void errors_by_name_win_over_numbers(void **state)
{
	struct spec_seccomp s = resolve(
		"{\"defaultErrno\":\"ENOSYS\",\"defaultErrnoRet\":1,"
		"\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"EPERM\",\"errnoRet\":2},"
		"{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"22\"},"
		"{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");

	(void)state;
	assert_int_equal(s.default_errno, ENOSYS);
	assert_int_equal(s.rules[0].errno_ret, EPERM);
	assert_int_equal(s.rules[1].errno_ret, EINVAL);
	assert_false(s.rules[2].set_errno);
	refuse("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"ENOTHING\"}",
	       "defaultErrno");
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
	(void)state;
	refuse("{\"defaultAction\":\"SCMP_ACT_MAYBE\"}", "defaultAction");
	refuse("{\"defaultAction\":1}", "defaultAction");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}", "syscalls");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}",
	       "syscalls[0].action");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"a\","
	       "\"names\":[\"b\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
	       "syscalls[0].name");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],"
	       "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":1,\"op\":\"X\"}]}]}",
	       "syscalls[0].args[0].op");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],"
	       "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"minKernel\":\"4\"}}]}",
	       "syscalls[0].includes.minKernel");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],"
	       "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"minKernel\":\"0.0\"}}]}",
	       "minKernel");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"b\"],"
	       "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"minKernel\":\"256.1\"}}]}",
	       "minKernel");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", "flags[0]");
	refuse("{", "p.json");
}

static void what_is_written_for_config_json_is_read_back_the_same(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":"
		"[\"SCMP_ARCH_X32\"]}],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
		"\"listenerPath\":\"/run/a\",\"listenerMetadata\":\"m\",\"syscalls\":["
		"{\"names\":[\"read\",\"openat2\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13,\"args\":["
		"{\"index\":0,\"value\":18446744073709551615,\"valueTwo\":5,"
		"\"op\":\"SCMP_CMP_MASKED_EQ\"},{\"index\":1,\"value\":3,\"op\":\"SCMP_CMP_GT\"}]},"
		"{\"names\":[\"kexec_load\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}";
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct spec_seccomp s = resolve(text), again;
	autojson *w = json_writer_new(false);
	uint8_t before[SHA256_SIZE], after[SHA256_SIZE];
	autoprogram x = { 0 }, y = { 0 };
	struct error e = ERROR_INIT;
	autobuf out = { 0 };

	(void)state;
	buf_init(&out, 1u << 20);
	seccomp_profile_write(w, &s);
	assert_int_equal(json_writer_end(w, &out), 0);
	if (spec_parse_seccomp(&arena, "written", out.data, out.len, &again, &e) < 0)
		fail_msg("%s: %s", e.text, out.data);
	assert_int_equal(again.n_architectures, 2);
	assert_string_equal(again.listener_path, "/run/a");
	assert_string_equal(again.listener_metadata, "m");
	assert_int_equal(seccomp_compile(&s, &target, &x, &e), 0);
	assert_int_equal(seccomp_compile(&again, &target, &y, &e), 0);
	assert_int_equal(x.n, y.n);
	assert_memory_equal(x.insns, y.insns, x.n * sizeof(*x.insns));
	seccomp_words_digest(&s, &target, before);
	seccomp_words_digest(&again, &target, after);
	assert_memory_equal(before, after, sizeof(before));
}

static void no_profile_is_written_as_null(void **state)
{
	struct spec_seccomp s = { 0 };
	autojson *w = json_writer_new(false);
	autobuf out = { 0 };

	(void)state;
	buf_init(&out, 100);
	seccomp_profile_write(w, &s);
	assert_int_equal(json_writer_end(w, &out), 0);
	assert_string_equal(out.data, "null");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_empty_profile_switches_seccomp_off),
		T(rules_come_through_with_all_their_fields),
		T(the_entry_of_this_machine_gives_the_architectures),
		T(capabilities_of_the_bounding_set_switch_rules),
		T(machines_and_kernels_switch_rules),
		T(errors_by_name_win_over_numbers),
		T(what_is_wrong_is_told_with_its_place),
		T(what_is_written_for_config_json_is_read_back_the_same),
		T(no_profile_is_written_as_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
