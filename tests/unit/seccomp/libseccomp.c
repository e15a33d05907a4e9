/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second opinion: the same rules given to libseccomp, both programs run over every number and
 * the boundary values of every argument. Where the two are known to differ, a test of its own
 * says so, and why ours is the answer to keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "second_opinion.h"

#define X86_64 AUDIT_ARCH_X86_64
#define I386   AUDIT_ARCH_I386

static void our_program(const struct p *p, struct seccomp_program *ret)
{
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e = ERROR_INIT;

	if (seccomp_compile(&p->spec, &target, ret, &e) < 0)
		fail_msg("%s", e.text);
}

static void both(const struct p *p, struct seccomp_program *ours,
		 struct seccomp_program *theirs)
{
	our_program(p, ours);
	their_program(&p->spec, theirs);
}

/* --- agreement ------------------------------------------------------------------------------------- */

static void compare_call(const struct seccomp_program *ours,
			 const struct seccomp_program *theirs, const struct seccomp_data *d)
{
	uint32_t x = p_call(ours, d), y = p_call(theirs, d);

	if (x != y)
		fail_msg("number 0x%x of 0x%x (0x%llx 0x%llx 0x%llx): 0x%x here, 0x%x there",
			 (unsigned)d->nr, d->arch, d->args[0], d->args[1], d->args[2], x, y);
}

static void compare_all(const struct p *p, const uint64_t *values, size_t n)
{
	static const uint32_t bases[] = { 0, SECCOMP_X32_BIT };
	autoprogram ours = { 0 }, theirs = { 0 };

	both(p, &ours, &theirs);
	for (uint32_t i = 0; i < 600 * 2 * 2; i++) {
		struct seccomp_data d = { .nr = (int)(i / 4 | bases[i & 1]),
					  .arch = i & 2 ? I386 : X86_64 };

		compare_call(&ours, &theirs, &d);
		for (size_t j = 0; j < n * n; j++) {
			d.args[0] = values[j % n];
			d.args[1] = values[j / n];
			d.args[2] = values[(j + j / n) % n];
			compare_call(&ours, &theirs, &d);
		}
	}
}

/* Where the default is ENOSYS anyway, what the profile cannot know makes no difference. */
static void start(struct p *p)
{
	p_init(p, SECCOMP_RET_ERRNO);
	p_default_errno(p, ENOSYS);
}

static void lists_of_names_agree_on_every_number(void **state)
{
	struct p p;

	(void)state;
	start(&p);
	p_arch(&p, I386);
	p_rule(&p, SECCOMP_RET_ALLOW,
	       "read write open close stat fstat lstat poll mmap mprotect munmap brk rt_sigaction "
	       "clone fork vfork execve exit wait4 kill uname openat statx futex socketcall ipc");
	p_errno(p_rule(&p, SECCOMP_RET_ERRNO, "mount umount2 swapon reboot sethostname"),
		EPERM);
	p_rule(&p, SECCOMP_RET_KILL_PROCESS, "kexec_load init_module");
	p_rule(&p, SECCOMP_RET_TRAP, "ptrace");
	p_rule(&p, SECCOMP_RET_LOG, "chroot pivot_root");
	compare_all(&p, NULL, 0);
	p_arch(&p, SPEC_ARCH_X32);
	compare_all(&p, NULL, 0);
	p_done(&p);
}

static void the_default_action_of_every_kind_agrees(void **state)
{
	static const uint32_t defaults[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_LOG,
					     SECCOMP_RET_TRACE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		struct p p;

		p_init(&p, defaults[i]);
		p_arch(&p, I386);
		p_rule(&p, SECCOMP_RET_ERRNO, "mount bpf connect semget");
		p_rule(&p, SECCOMP_RET_KILL_THREAD, "reboot");
		compare_all(&p, NULL, 0);
		p_done(&p);
	}
}

static void every_comparison_agrees_on_every_boundary(void **state)
{
	static const uint64_t values[] = { 0, 1, 2, 3,          4,          5,
					   6, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff };

	(void)state;
	for (int op = SPEC_SECCOMP_NE; op <= SPEC_SECCOMP_MASKED_EQ; op++) {
		struct p p;

		start(&p);
		p_arch(&p, I386);
		p_when(&p, SECCOMP_RET_ALLOW, "personality", 0, op, op == 7 ? 6 : 5, 4);
		p_when(&p, SECCOMP_RET_ALLOW, "prctl", 1, op, op == 7 ? 0x80000001 : 0x80000000,
		       1);
		p_when(&p, SECCOMP_RET_TRAP, "mmap", 2, op, op == 7 ? 7 : 3, 3);
		compare_all(&p, values, ARRAY_SIZE(values));
		p_done(&p);
	}
}

static void wide_values_agree_where_the_kernel_takes_64_bits(void **state)
{
	static const uint64_t values[] = { 0,
					   4,
					   5,
					   6,
					   0x1ffffffffULL,
					   0x200000000ULL,
					   0x200000004ULL,
					   0x200000005ULL,
					   0x200000006ULL,
					   0x300000000ULL,
					   UINT64_MAX };

	(void)state;
	for (int op = SPEC_SECCOMP_NE; op <= SPEC_SECCOMP_MASKED_EQ; op++) {
		uint64_t value = op == 7 ? 0xf0000000fULL : 0x200000005ULL;
		struct p p;

		start(&p);
		p_when(&p, SECCOMP_RET_ALLOW, "mmap", 1, op, value, 0x200000005ULL);
		p_when(&p, SECCOMP_RET_ALLOW, "clone", 0, op, value, 0x200000005ULL);
		compare_all(&p, values, ARRAY_SIZE(values));
		p_done(&p);
	}
}

static void several_conditions_agree(void **state)
{
	static const uint64_t values[] = { 0, 1, 2, 3, 4, 5, 8, 9, 16, 17 };
	struct spec_seccomp_rule *r;
	struct p p;

	(void)state;
	start(&p);
	p_arch(&p, I386);
	r = p_when(&p, SECCOMP_RET_ALLOW, "bpf", 0, SPEC_SECCOMP_EQ, 16, 0);
	p_arg(&p, r, 2, SPEC_SECCOMP_NE, 9, 0);
	p_when(&p, SECCOMP_RET_ALLOW, "ptrace", 0, SPEC_SECCOMP_LT, 3, 0);
	r = p_when(&p, SECCOMP_RET_ALLOW, "kill", 0, SPEC_SECCOMP_GT, 1, 0);
	p_arg(&p, r, 1, SPEC_SECCOMP_LE, 4, 0);
	p_arg(&p, r, 2, SPEC_SECCOMP_MASKED_EQ, 1, 1);
	p_when(&p, SECCOMP_RET_ALLOW, "personality", 0, SPEC_SECCOMP_EQ, 0, 0);
	p_when(&p, SECCOMP_RET_ALLOW, "personality", 0, SPEC_SECCOMP_EQ, 8, 0);
	p_when(&p, SECCOMP_RET_ALLOW, "clone", 0, SPEC_SECCOMP_MASKED_EQ, 0x7e020000, 0);
	compare_all(&p, values, ARRAY_SIZE(values));
	p_done(&p);
}

/* --- where they differ -------------------------------------------------------------------------------- */

static void they_allow_everything_where_two_values_are_excluded(void **state)
{
	autoprogram ours = { 0 }, theirs = { 0 };
	struct spec_seccomp_rule *r;
	struct p p;

	(void)state;
	start(&p);
	r = p_when(&p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_NE, 38, 0);
	p_arg(&p, r, 0, SPEC_SECCOMP_NE, 40, 0);
	both(&p, &ours, &theirs);
	assert_int_equal(P_CALL(&ours, X86_64, 41, 38), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(P_CALL(&theirs, X86_64, 41, 38), SECCOMP_RET_ALLOW);
	p_done(&p);
}

static void they_let_a_set_bit_32_slip_past(void **state)
{
	autoprogram ours = { 0 }, theirs = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, 38, 0);
	both(&p, &ours, &theirs);
	assert_int_equal(P_CALL(&ours, X86_64, 41, 0x100000026), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(P_CALL(&theirs, X86_64, 41, 0x100000026), SECCOMP_RET_ALLOW);
	p_done(&p);
}

static void they_open_the_old_door_for_a_rule_with_conditions(void **state)
{
	autoprogram ours = { 0 }, theirs = { 0 };
	struct p p;

	(void)state;
	start(&p);
	p_arch(&p, I386);
	p_when(&p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_NE, 38, 0);
	both(&p, &ours, &theirs);
	assert_int_equal(P_CALL(&ours, I386, 102, 1), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(P_CALL(&theirs, I386, 102, 1), SECCOMP_RET_ALLOW); /* also of 38 */
	p_done(&p);
}

static void they_give_the_default_for_calls_nobody_knows(void **state)
{
	autoprogram ours = { 0 }, theirs = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_rule(&p, SECCOMP_RET_ALLOW, "read statx");
	both(&p, &ours, &theirs);
	assert_int_equal(P_CALL(&ours, X86_64, 999), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(P_CALL(&theirs, X86_64, 999), SECCOMP_RET_ERRNO | EPERM);
	p_done(&p);
}

static void they_take_the_first_of_rules_that_contradict_each_other(void **state)
{
	struct seccomp_target first = p_target(SECCOMP_ABI_X86_64);
	autoprogram ours = { 0 }, theirs = { 0 }, like_them = { 0 };
	struct p p;

	(void)state;
	start(&p);
	p_rule(&p, SECCOMP_RET_ALLOW, "setns");
	p_errno(p_rule(&p, SECCOMP_RET_ERRNO, "setns"), EPERM);
	both(&p, &ours, &theirs);
	assert_int_equal(P_CALL(&ours, X86_64, 308), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(P_CALL(&theirs, X86_64, 308), SECCOMP_RET_ALLOW);
	/* And so do we where that is asked for. */
	first.first_wins = true;
	assert_int_equal(seccomp_compile(&p.spec, &first, &like_them, NULL), 0);
	assert_int_equal(seccomp_prove(&like_them, &p.spec, &first, NULL), 0);
	assert_int_equal(P_CALL(&like_them, X86_64, 308), SECCOMP_RET_ALLOW);
	p_done(&p);
}

static void they_drop_a_deny_that_equals_the_default(void **state)
{
	autoprogram ours = { 0 }, theirs = { 0 };
	struct p p;

	(void)state;
	start(&p);
	p_rule(&p, SECCOMP_RET_ALLOW, "socket");
	p_errno(p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, 38, 0), ENOSYS);
	both(&p, &ours, &theirs);
	assert_int_equal(P_CALL(&ours, X86_64, 41, 38), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(P_CALL(&theirs, X86_64, 41, 38), SECCOMP_RET_ALLOW);
	p_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_names_agree_on_every_number),
		cmocka_unit_test(the_default_action_of_every_kind_agrees),
		cmocka_unit_test(every_comparison_agrees_on_every_boundary),
		cmocka_unit_test(wide_values_agree_where_the_kernel_takes_64_bits),
		cmocka_unit_test(several_conditions_agree),
		cmocka_unit_test(they_allow_everything_where_two_values_are_excluded),
		cmocka_unit_test(they_let_a_set_bit_32_slip_past),
		cmocka_unit_test(they_open_the_old_door_for_a_rule_with_conditions),
		cmocka_unit_test(they_give_the_default_for_calls_nobody_knows),
		cmocka_unit_test(they_take_the_first_of_rules_that_contradict_each_other),
		cmocka_unit_test(they_drop_a_deny_that_equals_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
