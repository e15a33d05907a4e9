/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "profile_build.h"

/* A profile of everything the compiler makes: ranges, points, masks, two arguments, x32, i386. */
static void make_profile(struct p *p)
{
	struct spec_seccomp_rule *r;

	p_init(p, SECCOMP_RET_ERRNO);
	p_arch(p, AUDIT_ARCH_X86_64);
	p_arch(p, AUDIT_ARCH_I386);
	p_arch(p, SPEC_ARCH_X32);
	p_rule(p, SECCOMP_RET_ALLOW, "read write close mmap openat2 statx ioctl");
	p_rule(p, SECCOMP_RET_KILL_PROCESS, "kexec_load");
	p_when(p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LT, 38, 0);
	p_when(p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_EQ, 39, 0);
	p_when(p, SECCOMP_RET_ALLOW, "clone", 0, SPEC_SECCOMP_MASKED_EQ, 0x7e020000, 0);
	p_when(p, SECCOMP_RET_TRAP, "ioctl", 1, SPEC_SECCOMP_EQ, 0x5412, 0);
	p_when(p, SECCOMP_RET_ALLOW, "prctl", 1, SPEC_SECCOMP_GE, UINT64_C(0x500000007), 0);
	r = p_when(p, SECCOMP_RET_ALLOW, "mprotect", 0, SPEC_SECCOMP_MASKED_EQ,
		   UINT64_C(0xf0000000f), UINT64_C(0x100000002));
	p_arg(p, r, 2, SPEC_SECCOMP_NE, 4, 0);
}

/* --- does an altered program differ at all? asked without the proof's own choice of cases ------ */

static bool differs_at(const struct seccomp_program *x, const struct seccomp_program *y,
		       const struct seccomp_data *d)
{
	struct seccomp_run rx, ry;

	assert_int_equal(seccomp_simulate(x->insns, x->n, d, &rx), 0);
	return seccomp_simulate(y->insns, y->n, d, &ry) < 0 || rx.action != ry.action;
}

static bool differs(const struct seccomp_program *x, const struct seccomp_program *y)
{
	static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	static const uint32_t special[] = {
		9, 10, 16, 41, 56, 157, 54, 102, 120, 125, 172, 359
	};
	static const uint64_t values[] = { 0,
					   2,
					   4,
					   38,
					   39,
					   40,
					   0x5412,
					   0x7e020000,
					   1u << 17,
					   1u << 25,
					   0x5412 | UINT64_C(1) << 32,
					   UINT64_C(0x500000006),
					   UINT64_C(0x500000007),
					   UINT64_C(0x600000000),
					   UINT64_C(0x4ffffffff),
					   UINT64_C(0x100000002),
					   UINT64_C(0x100000003) };

	for (size_t a = 0; a < ARRAY_SIZE(arches); a++) {
		for (uint32_t nr = 0; nr < 600; nr++) {
			struct seccomp_data d = { .nr = (int)nr, .arch = arches[a] };

			if (differs_at(x, y, &d))
				return true;
			d.nr |= (int)SECCOMP_X32_BIT;
			if (differs_at(x, y, &d))
				return true;
		}
		for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				for (size_t w = 0; w < 3 * ARRAY_SIZE(values); w++) {
					struct seccomp_data d = { .nr = (int)special[i],
								  .arch = arches[a] };

					d.args[0] = values[v];
					d.args[1 + w % 2] = values[w / 3];
					if (differs_at(x, y, &d))
						return true;
				}
			}
		}
	}
	return false;
}

static size_t altered, noticed, equivalent;

static void check_altered(const struct seccomp_program *good, const struct seccomp_program *bad,
			  size_t at, const struct p *p, const struct seccomp_target *target)
{
	struct error e = ERROR_INIT;

	altered++;
	if (seccomp_prove(bad, &p->spec, target, &e) == -EBADMSG) {
		noticed++;
		assert_true(*e.text && *e.hint);
	} else {
		equivalent++;
		if (differs(good, bad))
			fail_msg("instruction %zu: %u %u %u 0x%x was not noticed", at,
				 bad->insns[at].code, bad->insns[at].jt, bad->insns[at].jf,
				 bad->insns[at].k);
	}
}

static void an_altered_instruction_is_noticed(void **state)
{
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e = ERROR_INIT;
	autoprogram good = { 0 }, bad = { 0 };
	struct p p;

	(void)state;
	make_profile(&p);
	assert_int_equal(seccomp_compile(&p.spec, &target, &good, &e), 0);
	assert_int_equal(seccomp_prove(&good, &p.spec, &target, &e), 0);
	assert_int_equal(seccomp_compile(&p.spec, &target, &bad, &e), 0);

	for (size_t i = 0; i < good.n; i++) {
		struct sock_filter *insn = &bad.insns[i], was = *insn;

		insn->k = was.k + 1;
		check_altered(&good, &bad, i, &p, &target);
		insn->k = was.k - 1;
		check_altered(&good, &bad, i, &p, &target);
		*insn = was;
		if (BPF_CLASS(was.code) == BPF_JMP && BPF_OP(was.code) != BPF_JA) {
			insn->jt = was.jf;
			insn->jf = was.jt;
			check_altered(&good, &bad, i, &p, &target);
			insn->jt = was.jt + 1;
			insn->jf = was.jf;
			check_altered(&good, &bad, i, &p, &target);
		}
		*insn = was;
	}
	/* Loads that another path skips, and ends of ranges beyond all numbers, may not matter. */
	assert_true(noticed > altered * 9 / 10);
	print_message("%zu instructions, %zu alterations, %zu noticed, %zu without effect\n",
		      good.n, altered, noticed, equivalent);
	p_done(&p);
}

static void a_program_for_another_profile_is_refused(void **state)
{
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e = ERROR_INIT;
	autoprogram program = { 0 };
	struct p p;

	(void)state;
	make_profile(&p);
	assert_int_equal(seccomp_compile(&p.spec, &target, &program, &e), 0);
	p_rule(&p, SECCOMP_RET_ALLOW, "getpid");
	assert_int_equal(seccomp_prove(&program, &p.spec, &target, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "getpid"));
	p_done(&p);
}

static void a_program_that_looks_at_arguments_without_need_is_refused(void **state)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_RISCV64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct seccomp_program program = { .insns = insns, .n = ARRAY_SIZE(insns) };
	struct seccomp_target target = p_target(SECCOMP_ABI_RISCV64);
	struct error e = ERROR_INIT;
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ALLOW);
	assert_int_equal(seccomp_prove(&program, &p.spec, &target, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "looks at arguments"));
	p_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_altered_instruction_is_noticed),
		cmocka_unit_test(a_program_for_another_profile_is_refused),
		cmocka_unit_test(a_program_that_looks_at_arguments_without_need_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
