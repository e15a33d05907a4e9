/* SPDX-License-Identifier: Apache-2.0 */
/* What profiles mean, by example: each answer here was worked out by hand from rules.h. */
#include "seccomp/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "profile_build.h"

#define X86_64 AUDIT_ARCH_X86_64
#define I386   AUDIT_ARCH_I386
#define X32(n) (0x40000000u + (n))

#define ALLOW SECCOMP_RET_ALLOW
#define KILL  SECCOMP_RET_KILL_THREAD
#define E(n)  (SECCOMP_RET_ERRNO | (n))

#define HIGH(n) ((uint64_t)(n) << 32)

/* Compiles for x86_64, proves, and leaves the program to the caller. */
static void compile(struct p *p, struct seccomp_program *ret)
{
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e = ERROR_INIT;

	if (seccomp_compile(&p->spec, &target, ret, &e) < 0)
		fail_msg("%s", e.text);
	if (seccomp_prove(ret, &p->spec, &target, &e) < 0)
		fail_msg("%s", e.text);
}

/* The text of the refusal, which must be one. */
static int refuse(struct p *p, const struct seccomp_target *target, struct error *e)
{
	autoprogram program = { 0 };
	int r;

	*e = ERROR_INIT;
	r = seccomp_compile(&p->spec, target, &program, e);
	assert_true(r < 0);
	assert_null(program.insns);
	assert_int_equal(e->errnum, -r);
	return r;
}

static void no_profile_is_no_program(void **state)
{
	struct spec_seccomp spec = { 0 };
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	autoprogram program = { 0 };

	(void)state;
	assert_int_equal(seccomp_compile(&spec, &target, &program, NULL), 0);
	assert_null(program.insns);
	assert_int_equal(program.n, 0);
	assert_int_equal(seccomp_prove(&program, &spec, &target, NULL), 0);
}

static void the_default_applies_unless_a_rule_matches(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_rule(&p, ALLOW, "read write openat2");
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 0), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 437), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 39), E(EPERM));
	p_done(&p);
}

static void the_highest_precedence_wins_in_any_order(void **state)
{
	static const uint32_t ladder[] = {
		SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP,
		E(EPERM),
		E(ENOSYS),
		SECCOMP_RET_USER_NOTIF,
		SECCOMP_RET_TRACE | EPERM,
		SECCOMP_RET_LOG,
		SECCOMP_RET_ALLOW,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ladder); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ladder); j++) {
			const uint32_t *both[] = { &ladder[i], &ladder[j] };
			autoprogram g = { 0 };
			struct p p;

			p_init(&p, SECCOMP_RET_TRAP);
			for (size_t k = 0; k < 2; k++) {
				uint32_t action = *both[k] & SECCOMP_RET_ACTION_FULL;
				struct spec_seccomp_rule *r = p_rule(&p, action, "getpid");

				if (action == SECCOMP_RET_ERRNO)
					p_errno(r, *both[k] & SECCOMP_RET_DATA);
			}
			compile(&p, &g);
			assert_int_equal(P_CALL(&g, X86_64, 39), ladder[i < j ? i : j]);
			p_done(&p);
		}
	}
}

static void a_deny_beats_an_allow_that_also_matches(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_rule(&p, ALLOW, "socket");
	/* Equal to the default action: other runtimes drop this rule before they look. */
	p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, 38, 0);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 41, 38), E(EPERM));
	assert_int_equal(P_CALL(&g, X86_64, 41, 2), ALLOW);
	p_done(&p);
}

static void all_conditions_of_a_rule_must_hold(void **state)
{
	struct spec_seccomp_rule *r;
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	r = p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, 16, 0);
	p_arg(&p, r, 2, SPEC_SECCOMP_EQ, 9, 0);
	p_errno(r, EINVAL);
	/* A range on one index. */
	r = p_when(&p, SECCOMP_RET_TRAP, "prctl", 0, SPEC_SECCOMP_GE, 10, 0);
	p_arg(&p, r, 0, SPEC_SECCOMP_LT, 20, 0);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 41, 16, 3, 9), E(EINVAL));
	assert_int_equal(P_CALL(&g, X86_64, 41, 16, 3, 8), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 41, 2, 3, 9), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 157, 9), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 157, 10), SECCOMP_RET_TRAP);
	assert_int_equal(P_CALL(&g, X86_64, 157, 19), SECCOMP_RET_TRAP);
	assert_int_equal(P_CALL(&g, X86_64, 157, 20), ALLOW);
	p_done(&p);
}

static void not_equal_twice_on_one_index_excludes_both(void **state)
{
	struct spec_seccomp_rule *r;
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	r = p_when(&p, ALLOW, "socket", 0, SPEC_SECCOMP_NE, 38, 0);
	p_arg(&p, r, 0, SPEC_SECCOMP_NE, 40, 0);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 41, 38), E(EPERM));
	assert_int_equal(P_CALL(&g, X86_64, 41, 40), E(EPERM));
	assert_int_equal(P_CALL(&g, X86_64, 41, 39), ALLOW);
	p_done(&p);
}

static void equal_twice_on_one_index_means_any_of_them_where_that_is_asked_for(void **state)
{
	struct seccomp_target strict = p_target(SECCOMP_ABI_X86_64);
	struct spec_seccomp_rule *r;
	autoprogram g = { 0 };
	struct error e;
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	r = p_when(&p, ALLOW, "personality", 0, SPEC_SECCOMP_EQ, 0, 0);
	p_arg(&p, r, 0, SPEC_SECCOMP_EQ, 8, 0);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 135, 0), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 135, 8), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 135, 4), E(EPERM));

	strict.eq_union = false;
	assert_int_equal(refuse(&p, &strict, &e), -EINVAL);
	assert_non_null(strstr(e.text, "linux.seccomp.syscalls[0].args"));
	p_done(&p);
}

static void every_comparison_is_unsigned_and_64_bits_wide(void **state)
{
	static const struct {
		enum spec_seccomp_op op;
		uint64_t value, two;
		uint64_t holds[3], fails[3];
	} cases[] = {
		{ SPEC_SECCOMP_EQ,
		  HIGH(1) + 5,
		  0,
		  { HIGH(1) + 5, HIGH(1) + 5, HIGH(1) + 5 },
		  { 5, HIGH(1) + 4, HIGH(2) + 5 } },
		{ SPEC_SECCOMP_NE,
		  HIGH(1) + 5,
		  0,
		  { 5, HIGH(1), HIGH(3) + 5 },
		  { HIGH(1) + 5, HIGH(1) + 5, HIGH(1) + 5 } },
		{ SPEC_SECCOMP_LT,
		  HIGH(1) + 5,
		  0,
		  { 0, UINT32_MAX, HIGH(1) + 4 },
		  { HIGH(1) + 5, HIGH(1) + UINT32_MAX, UINT64_MAX } },
		{ SPEC_SECCOMP_LE,
		  HIGH(1) + 5,
		  0,
		  { 6, HIGH(1), HIGH(1) + 5 },
		  { HIGH(1) + 6, HIGH(2), UINT64_MAX } },
		{ SPEC_SECCOMP_GT,
		  HIGH(1) + 5,
		  0,
		  { HIGH(1) + 6, HIGH(2), UINT64_MAX },
		  { HIGH(1) + 5, 6, UINT32_MAX } },
		{ SPEC_SECCOMP_GE,
		  HIGH(1) + 5,
		  0,
		  { HIGH(1) + 5, HIGH(2), UINT64_MAX },
		  { HIGH(1) + 4, UINT32_MAX, 0 } },
		{ SPEC_SECCOMP_MASKED_EQ,
		  HIGH(0xf0) + 0xf,
		  HIGH(0x10) + 2,
		  { HIGH(0x10) + 2, HIGH(0xf1f) + 0xff2 - HIGH(0xe00), HIGH(0x11) + 0x12 },
		  { 2, HIGH(0x10) + 3, HIGH(0x20) + 2 } },
		{ SPEC_SECCOMP_MASKED_EQ, 0, 0, { 0, 7, UINT64_MAX }, { 0 } },
		{ SPEC_SECCOMP_MASKED_EQ, 1, 2, { 0 }, { 0, 2, UINT64_MAX } },
		{ SPEC_SECCOMP_LT, 0, 0, { 0 }, { 0, 1, UINT64_MAX } },
		{ SPEC_SECCOMP_GT, UINT64_MAX, 0, { 0 }, { 0, 1, UINT64_MAX } },
		{ SPEC_SECCOMP_GE, 0, 0, { 0, 1, UINT64_MAX }, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool never = !(cases[i].holds[1] | cases[i].holds[2]);
		bool always = !(cases[i].fails[1] | cases[i].fails[2]);
		autoprogram g = { 0 };
		struct p p;

		p_init(&p, SECCOMP_RET_ERRNO);
		/* mmap: the kernel takes all 64 bits of its second argument. */
		p_when(&p, ALLOW, "mmap", 1, cases[i].op, cases[i].value, cases[i].two);
		compile(&p, &g);
		for (size_t j = 0; j < 3; j++) {
			if (!never)
				assert_int_equal(P_CALL(&g, X86_64, 9, 0, cases[i].holds[j]),
						 ALLOW);
			if (!always)
				assert_int_equal(P_CALL(&g, X86_64, 9, 0, cases[i].fails[j]),
						 E(EPERM));
		}
		p_done(&p);
	}
}

/* --- what the kernel cuts ------------------------------------------------------------------------ */

static void bits_that_the_kernel_ignores_slip_past_no_rule(void **state)
{
	static const uint64_t uppers[] = { 0, HIGH(1), HIGH(0x80000000), HIGH(UINT32_MAX) };
	autoprogram deny = { 0 }, allow = { 0 };
	struct p p, q;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, 38, 0);
	p_when(&p, SECCOMP_RET_ERRNO, "ioctl", 1, SPEC_SECCOMP_EQ, 0x5412, 0);
	compile(&p, &deny);
	/* The same as an allow list, as default profiles write it. */
	p_init(&q, SECCOMP_RET_ERRNO);
	p_when(&q, ALLOW, "socket", 0, SPEC_SECCOMP_LT, 38, 0);
	p_when(&q, ALLOW, "socket", 0, SPEC_SECCOMP_EQ, 39, 0);
	p_when(&q, ALLOW, "socket", 0, SPEC_SECCOMP_GT, 40, 0);
	compile(&q, &allow);

	for (size_t i = 0; i < ARRAY_SIZE(uppers); i++) {
		assert_int_equal(P_CALL(&deny, X86_64, 41, uppers[i] | 38), E(EPERM));
		assert_int_equal(P_CALL(&deny, X86_64, 41, uppers[i] | 2), ALLOW);
		assert_int_equal(P_CALL(&deny, X86_64, 16, 0, uppers[i] | 0x5412), E(EPERM));
		assert_int_equal(P_CALL(&allow, X86_64, 41, uppers[i] | 38), E(EPERM));
		assert_int_equal(P_CALL(&allow, X86_64, 41, uppers[i] | 40), E(EPERM));
		assert_int_equal(P_CALL(&allow, X86_64, 41, uppers[i] | 41), ALLOW);
	}
	p_done(&p);
	p_done(&q);
}

static void a_negative_value_means_its_lower_half_where_the_kernel_takes_32_bits(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_arch(&p, I386);
	p_when(&p, SECCOMP_RET_ERRNO, "kill", 0, SPEC_SECCOMP_EQ, UINT64_MAX, 0);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 62, UINT64_MAX), E(EPERM));
	assert_int_equal(P_CALL(&g, X86_64, 62, UINT32_MAX), E(EPERM));
	assert_int_equal(P_CALL(&g, I386, 37, UINT32_MAX), E(EPERM));
	assert_int_equal(P_CALL(&g, I386, 37, 1), ALLOW);
	p_done(&p);
}

/* --- architectures --------------------------------------------------------------------------------- */

static void unlisted_abis_are_killed_as_other_runtimes_do(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 0), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, X32(0)), KILL);
	assert_int_equal(P_CALL(&g, X86_64, 0xfffffffeu), KILL);
	assert_int_equal(P_CALL(&g, I386, 3), KILL);
	assert_int_equal(P_CALL(&g, AUDIT_ARCH_AARCH64, 63), KILL);
	p_done(&p);
}

static void each_listed_abi_has_its_own_numbers(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_arch(&p, I386);
	p_arch(&p, SPEC_ARCH_X32);
	p_arch(&p, AUDIT_ARCH_S390X); /* this machine cannot meet it */
	p_rule(&p, ALLOW, "ptrace socketcall statx");
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 101), ALLOW);
	assert_int_equal(P_CALL(&g, I386, 26), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, X32(521)), ALLOW);
	assert_int_equal(P_CALL(&g, I386, 102), ALLOW);
	/* 102 is getuid of x86_64, and 101 is no call of x32. */
	assert_int_equal(P_CALL(&g, X86_64, 102), E(EPERM));
	assert_int_equal(P_CALL(&g, X86_64, X32(101)), E(ENOSYS));
	p_done(&p);
}

static void a_rule_for_a_call_holds_at_its_old_door_too(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_arch(&p, I386);
	p_rule(&p, SECCOMP_RET_ERRNO, "connect semop");
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, I386, 362), E(EPERM));    /* connect */
	assert_int_equal(P_CALL(&g, I386, 102, 3), E(EPERM)); /* socketcall */
	assert_int_equal(P_CALL(&g, I386, 102, 2), ALLOW);
	assert_int_equal(P_CALL(&g, I386, 117, 1), E(EPERM)); /* ipc, and with a version */
	assert_int_equal(P_CALL(&g, I386, 117, 1 << 16 | 1), E(EPERM));
	assert_int_equal(P_CALL(&g, I386, 117, 2), ALLOW);
	p_done(&p);
}

static void a_rule_that_allows_some_calls_does_not_open_the_old_door(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_arch(&p, I386);
	p_when(&p, ALLOW, "socket", 0, SPEC_SECCOMP_EQ, 2, 0);
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, I386, 359, 2), ALLOW);
	assert_int_equal(P_CALL(&g, I386, 102, 1), E(EPERM)); /* the family is out of sight */
	p_done(&p);
}

static void a_rule_that_denies_some_calls_closes_the_old_door_unless_that_is_named(void **state)
{
	autoprogram closed = { 0 }, open = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_arch(&p, I386);
	p_when(&p, SECCOMP_RET_ERRNO, "socket", 0, SPEC_SECCOMP_EQ, 38, 0);
	compile(&p, &closed);
	assert_int_equal(P_CALL(&closed, I386, 359, 2), ALLOW);
	assert_int_equal(P_CALL(&closed, I386, 359, 38), E(EPERM));
	assert_int_equal(P_CALL(&closed, I386, 102, 1), E(EPERM));
	assert_int_equal(P_CALL(&closed, I386, 102, 3), ALLOW);
	p_rule(&p, SECCOMP_RET_ALLOW, "socketcall");
	compile(&p, &open);
	assert_int_equal(P_CALL(&open, I386, 102, 1), ALLOW);
	p_done(&p);
}

/* --- what the profile cannot know ------------------------------------------------------------------- */

static void numbers_the_profile_cannot_know_get_enosys(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_arch(&p, I386);
	p_rule(&p, ALLOW, "read statx openat2");
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 999), E(ENOSYS));         /* no kernel has it */
	assert_int_equal(P_CALL(&g, X86_64, 400), E(ENOSYS));         /* a hole */
	assert_int_equal(P_CALL(&g, X86_64, 0xffffffffu), E(ENOSYS)); /* -1 */
	assert_int_equal(P_CALL(&g, I386, 0xffffffffu), E(ENOSYS));
	assert_int_equal(P_CALL(&g, X86_64, 438), E(ENOSYS)); /* pidfd_getfd: above openat2 */
	assert_int_equal(P_CALL(&g, X86_64, 436),
			 E(ENOSYS)); /* close_range: newer, though below */
	assert_int_equal(P_CALL(&g, X86_64, 434),
			 E(EPERM)); /* pidfd_open: 5.3, it could know */
	assert_int_equal(P_CALL(&g, X86_64, 39), E(EPERM));
	assert_int_equal(P_CALL(&g, I386, 222), E(ENOSYS)); /* a hole of i386 */
	p_done(&p);
}

static void defaults_that_let_calls_through_need_no_enosys(void **state)
{
	static const uint32_t through[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_LOG,
					    SECCOMP_RET_TRACE, SECCOMP_RET_USER_NOTIF };
	static const uint32_t others[] = { SECCOMP_RET_TRAP, SECCOMP_RET_KILL_THREAD,
					   SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(through); i++) {
		autoprogram x = { 0 }, y = { 0 };
		struct p p, q;

		p_init(&p, through[i]);
		p_rule(&p, SECCOMP_RET_TRAP, "read");
		compile(&p, &x);
		assert_int_equal(P_CALL(&x, X86_64, 999) & SECCOMP_RET_ACTION_FULL, through[i]);
		p_init(&q, others[i]);
		p_rule(&q, SECCOMP_RET_ALLOW, "read");
		compile(&q, &y);
		assert_int_equal(P_CALL(&y, X86_64, 999), E(ENOSYS));
		p_done(&p);
		p_done(&q);
	}
}

/* --- flags, errors ------------------------------------------------------------------------------- */

static void flags_reach_the_program_as_the_kernel_wants_them(void **state)
{
	autoprogram plain = { 0 }, notify = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p.spec.flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | 1u << 5;
	compile(&p, &plain);
	/* One thread needs no synchronisation; how to wait for a listener needs one. */
	assert_int_equal(plain.flags, SECCOMP_FILTER_FLAG_LOG);
	assert_false(plain.has_notify);

	p_rule(&p, SECCOMP_RET_USER_NOTIF, "mkdir");
	compile(&p, &notify);
	assert_int_equal(notify.flags,
			 SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_NEW_LISTENER | 1u << 5);
	assert_true(notify.has_notify);
	p_done(&p);
}

static void what_the_kernel_does_not_know_is_refused(void **state)
{
	struct seccomp_target old = p_target(SECCOMP_ABI_X86_64);
	struct seccomp_target nowhere = p_target(SECCOMP_ABI_COUNT);
	struct error e;
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	assert_int_equal(refuse(&p, &nowhere, &e), -ENOTSUP);
	p.spec.flags = UINT64_C(1) << 20;
	assert_int_equal(refuse(&p, &old, &e), -EINVAL);
	assert_non_null(strstr(e.text, "linux.seccomp.flags: 0x100000"));
	p.spec.flags = SECCOMP_FILTER_FLAG_NEW_LISTENER; /* not a profile's to ask for */
	assert_int_equal(refuse(&p, &old, &e), -EINVAL);
	old.flags = 0;
	p.spec.flags = SECCOMP_FILTER_FLAG_LOG;
	assert_int_equal(refuse(&p, &old, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "the kernel does not know 0x2"));
	p_done(&p);
}

static void what_a_rule_cannot_mean_is_refused_with_its_path(void **state)
{
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e;
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_rule(&p, ALLOW, "read");
	p_errno(p_rule(&p, SECCOMP_RET_KILL_PROCESS, "write"), 1);
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	assert_non_null(strstr(e.text, "linux.seccomp.syscalls[1]"));
	assert_true(*e.hint);
	p_done(&p);

	p_init(&p, SECCOMP_RET_KILL_THREAD);
	p_default_errno(&p, 1);
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	assert_non_null(strstr(e.text, "linux.seccomp.defaultAction"));
	p_done(&p);

	p_init(&p, SECCOMP_RET_ALLOW);
	p_when(&p, SECCOMP_RET_TRAP, "read", 6, SPEC_SECCOMP_EQ, 0, 0);
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	assert_non_null(strstr(e.text, "linux.seccomp.syscalls[0].args[0].index: 6"));
	p_done(&p);

	p_init(&p, SECCOMP_RET_ALLOW);
	p_when(&p, SECCOMP_RET_TRAP, "read", 0, (enum spec_seccomp_op)9, 0, 0);
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	p_done(&p);

	p_init(&p, SECCOMP_RET_ALLOW);
	p_rule(&p, SECCOMP_RET_TRAP, "");
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	assert_non_null(strstr(e.text, "linux.seccomp.syscalls[0].names"));
	p_done(&p);

	p_init(&p, 0x12345678);
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	p_done(&p);

	p_init(&p, SECCOMP_RET_ERRNO);
	p_default_errno(&p, 4096);
	assert_int_equal(refuse(&p, &target, &e), -EINVAL);
	p_done(&p);
}

static void names_that_no_kernel_has_are_skipped(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_rule(&p, ALLOW, "read no_such_call_yet");
	compile(&p, &g);
	assert_int_equal(P_CALL(&g, X86_64, 0), ALLOW);
	p_done(&p);
}

static void a_program_that_is_too_big_names_the_biggest_rules(void **state)
{
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e;
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	p_rule(&p, SECCOMP_RET_TRAP, "read");
	for (uint64_t i = 0; i < 4500; i++)
		p_when(&p, SECCOMP_RET_TRAP, "ioctl", 1, SPEC_SECCOMP_EQ, 3 * i, 0);
	assert_int_equal(refuse(&p, &target, &e), -E2BIG);
	assert_non_null(strstr(e.text, "ioctl (linux.seccomp.syscalls["));
	assert_non_null(strstr(e.text, "4096"));
	assert_true(*e.hint);
	p_done(&p);
}

static void many_rules_at_one_number_become_few_instructions(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	/* 1000 neighbours are one range, 200 single values one comparison each and a tree. */
	for (uint64_t i = 0; i < 1000; i++)
		p_when(&p, SECCOMP_RET_TRAP, "ioctl", 1, SPEC_SECCOMP_EQ, 5000 + i, 0);
	for (uint64_t i = 0; i < 200; i++)
		p_when(&p, SECCOMP_RET_TRAP, "prctl", 0, SPEC_SECCOMP_EQ, 2 * i, 0);
	compile(&p, &g);
	assert_true(g.n < 350);
	assert_int_equal(P_CALL(&g, X86_64, 16, 0, 4999), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 16, 0, 5000), SECCOMP_RET_TRAP);
	assert_int_equal(P_CALL(&g, X86_64, 16, 0, 5999), SECCOMP_RET_TRAP);
	assert_int_equal(P_CALL(&g, X86_64, 16, 0, 6000), ALLOW);
	assert_int_equal(P_CALL(&g, X86_64, 157, 200), SECCOMP_RET_TRAP);
	assert_int_equal(P_CALL(&g, X86_64, 157, 201), ALLOW);
	p_done(&p);
}

static void programs_near_the_limit_still_mean_what_they_say(void **state)
{
	autoprogram g = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_arch(&p, I386);
	/* Far more than a conditional jump reaches, in several blocks. */
	for (uint64_t i = 0; i < 800; i++) {
		struct spec_seccomp_rule *r =
			p_when(&p, ALLOW, i % 3 ? "mmap" : "mremap", i % 5, SPEC_SECCOMP_EQ,
			       HIGH(i) + 7 * i, 0);

		if (i % 4 == 0)
			p_arg(&p, r, (i + 1) % 5, SPEC_SECCOMP_GT, i, 0);
	}
	p_rule(&p, ALLOW, "read write ioctl statx");
	compile(&p, &g);
	assert_true(g.n > 2000 && g.n <= 4096);
	p_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_profile_is_no_program),
		cmocka_unit_test(the_default_applies_unless_a_rule_matches),
		cmocka_unit_test(the_highest_precedence_wins_in_any_order),
		cmocka_unit_test(a_deny_beats_an_allow_that_also_matches),
		cmocka_unit_test(all_conditions_of_a_rule_must_hold),
		cmocka_unit_test(not_equal_twice_on_one_index_excludes_both),
		cmocka_unit_test(
			equal_twice_on_one_index_means_any_of_them_where_that_is_asked_for),
		cmocka_unit_test(every_comparison_is_unsigned_and_64_bits_wide),
		cmocka_unit_test(bits_that_the_kernel_ignores_slip_past_no_rule),
		cmocka_unit_test(
			a_negative_value_means_its_lower_half_where_the_kernel_takes_32_bits),
		cmocka_unit_test(unlisted_abis_are_killed_as_other_runtimes_do),
		cmocka_unit_test(each_listed_abi_has_its_own_numbers),
		cmocka_unit_test(a_rule_for_a_call_holds_at_its_old_door_too),
		cmocka_unit_test(a_rule_that_allows_some_calls_does_not_open_the_old_door),
		cmocka_unit_test(
			a_rule_that_denies_some_calls_closes_the_old_door_unless_that_is_named),
		cmocka_unit_test(numbers_the_profile_cannot_know_get_enosys),
		cmocka_unit_test(defaults_that_let_calls_through_need_no_enosys),
		cmocka_unit_test(flags_reach_the_program_as_the_kernel_wants_them),
		cmocka_unit_test(what_the_kernel_does_not_know_is_refused),
		cmocka_unit_test(what_a_rule_cannot_mean_is_refused_with_its_path),
		cmocka_unit_test(names_that_no_kernel_has_are_skipped),
		cmocka_unit_test(a_program_that_is_too_big_names_the_biggest_rules),
		cmocka_unit_test(many_rules_at_one_number_become_few_instructions),
		cmocka_unit_test(programs_near_the_limit_still_mean_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
