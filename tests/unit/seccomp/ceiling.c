/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile under ceilings: the program gives each call the strictest of what the programs of all of them give
 * by themselves, at every number of every ABI and around every value that one of them compares with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "profile_bytes.h"

#define SETS  400
#define BYTES 300

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint8_t random_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)(seed >> 24);
}

static uint32_t ask(const struct seccomp_program *p, const struct seccomp_data *d,
		    bool *read_args)
{
	struct seccomp_run run = { 0 };

	assert_int_equal(seccomp_simulate(p->insns, p->n, d, &run), 0);
	*read_args |= run.read_args;
	return run.action;
}

/* --- by hand ------------------------------------------------------------------------------------- */

static void compile_native(const struct spec_seccomp *s, enum seccomp_abi native,
			   struct seccomp_program *ret)
{
	struct seccomp_target target = p_target(native);
	struct error e = ERROR_INIT;

	if (seccomp_compile(s, &target, ret, &e) < 0 || seccomp_prove(ret, s, &target, &e) < 0)
		fail_msg("%s", e.text);
}

static void a_ceiling_takes_away_and_gives_nothing(void **state)
{
	autoprogram cut = { 0 };
	struct p own, most;

	(void)state;
	p_init(&own, SECCOMP_RET_ERRNO);
	p_rule(&own, SECCOMP_RET_ALLOW, "read write fork");
	p_when(&own, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LE, 38, 0);
	p_init(&most, SECCOMP_RET_ERRNO);
	p_default_errno(&most, 13);
	p_rule(&most, SECCOMP_RET_ALLOW, "read write open");
	p_when(&most, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LT, 38, 0);
	p_rule(&most, SECCOMP_RET_KILL_PROCESS, "personality");
	own.spec.n_ceilings = 1;
	own.spec.ceilings = &most.spec;
	compile_native(&own.spec, SECCOMP_ABI_X86_64, &cut);
#define IS(nr, arg, action) assert_int_equal(P_CALL(&cut, AUDIT_ARCH_X86_64, nr, arg), action)
	IS(0, 0, SECCOMP_RET_ALLOW);
	IS(57, 0, SECCOMP_RET_ERRNO | 13); /* fork: not below the ceiling */
	IS(2, 0, SECCOMP_RET_ERRNO | 1);   /* open: not in the profile */
	IS(41, 37, SECCOMP_RET_ALLOW);
	IS(41, 38, SECCOMP_RET_ERRNO | 13);
	IS(41, 39, SECCOMP_RET_ERRNO | 1); /* of two errnos the smaller */
	IS(135, 0, SECCOMP_RET_KILL_PROCESS);
#undef IS
	p_done(&own);
	p_done(&most);
}

static void an_abi_is_met_where_all_list_it(void **state)
{
	autoprogram cut = { 0 };
	struct p own, most;

	(void)state;
	p_init(&own, SECCOMP_RET_ALLOW);
	p_arch(&own, AUDIT_ARCH_I386);
	p_arch(&own, SPEC_ARCH_X32);
	p_init(&most, SECCOMP_RET_ALLOW);
	p_arch(&most, SPEC_ARCH_X32);
	own.spec.n_ceilings = 1;
	own.spec.ceilings = &most.spec;
	compile_native(&own.spec, SECCOMP_ABI_X86_64, &cut);
	assert_int_equal(P_CALL(&cut, AUDIT_ARCH_X86_64, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(P_CALL(&cut, AUDIT_ARCH_X86_64, 0x40000000, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(P_CALL(&cut, AUDIT_ARCH_I386, 3, 0), SECCOMP_RET_KILL_THREAD);
	p_done(&own);
	p_done(&most);
}

/* --- at random ----------------------------------------------------------------------------------- */

#define PARTS 3

struct met {
	size_t n;
	struct p p[PARTS];
	struct seccomp_program alone[PARTS];
	struct seccomp_program cut;
};

static void same_answer(const struct met *m, const struct seccomp_data *d, bool *read_args)
{
	uint32_t want = ask(&m->alone[0], d, read_args), got;

	for (size_t i = 1; i < m->n; i++)
		want = seccomp_action_stricter(ask(&m->alone[i], d, read_args), want);
	got = ask(&m->cut, d, read_args);
	if (got != want)
		fail_msg("call 0x%x of 0x%x (0x%llx 0x%llx 0x%llx): 0x%x instead of 0x%x",
			 (unsigned)d->nr, d->arch, (unsigned long long)d->args[0],
			 (unsigned long long)d->args[1], (unsigned long long)d->args[2], got,
			 want);
}

/* Boundary values of all conditions of the call's rules, in turn and at random. */
static size_t near_values(const struct met *m, uint64_t *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < m->p[i].spec.n_rules; k++) {
			const struct spec_seccomp_rule *r = &m->p[i].spec.rules[k];

			for (size_t j = 0; j < r->n_args && n + 6 < max; j++) {
				uint64_t v = r->args[j].op == SPEC_SECCOMP_MASKED_EQ
						     ? r->args[j].value_two
						     : r->args[j].value;

				ret[n++] = v - 1;
				ret[n++] = v;
				ret[n++] = v + 1;
				ret[n++] = v ^ UINT64_C(1) << 32;
				ret[n++] = (uint32_t)v | UINT64_C(0xffffffff) << 32;
			}
		}
	ret[n++] = 0;
	return n;
}

static void compare(const struct met *m)
{
	static uint64_t near[512];
	size_t n = near_values(m, near, ARRAY_SIZE(near));

	for (uint32_t i = 0; i < SECCOMP_SLOTS * 2 * 2; i++) {
		struct seccomp_data d = { .nr = (int)(i / 4 | (i & 1 ? SECCOMP_X32_BIT : 0)),
					  .arch = i & 2 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64 };
		bool read_args = false;

		same_answer(m, &d, &read_args);
		for (size_t k = 0; read_args && k < 4 * n; k++) {
			for (size_t j = 0; j < 6; j++)
				d.args[j] = k < n && j == k % 6 ? near[k]
								: near[random_byte() * 2u % n];
			same_answer(m, &d, &read_args);
		}
	}
}

static bool one_set(size_t size)
{
	static struct spec_seccomp ceilings[PARTS];
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct error e = ERROR_INIT;
	struct met m = { .n = 2 + size % 2 };
	uint8_t data[BYTES];
	bool whole = true;

	for (size_t i = 0; i < m.n; i++) {
		struct bytes b = { data, size % BYTES };

		for (size_t k = 0; k < b.n; k++)
			data[k] = random_byte();
		/* The machine is the first byte's choice; all of them are of one here. */
		(void)bytes_profile(&m.p[i], &b);
		whole = whole && seccomp_compile(&m.p[i].spec, &target, &m.alone[i], &e) == 0;
		if (i)
			ceilings[i - 1] = m.p[i].spec;
	}
	m.p[0].spec.n_ceilings = m.n - 1;
	m.p[0].spec.ceilings = ceilings;
	whole = whole && seccomp_compile(&m.p[0].spec, &target, &m.cut, &e) == 0;
	if (whole && seccomp_prove(&m.cut, &m.p[0].spec, &target, &e) < 0)
		fail_msg("%s", e.text);
	if (whole)
		compare(&m);
	seccomp_program_done(&m.cut);
	for (size_t i = 0; i < m.n; i++) {
		seccomp_program_done(&m.alone[i]);
		p_done(&m.p[i]);
	}
	return whole;
}

static void the_answer_is_the_strictest_of_all_everywhere(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t i = 0; i < SETS; i++)
		compared += one_set(i);
	print_message("%d sets, %zu compared\n", SETS, compared);
	/* What is left is too large for the kernel. */
	assert_true(compared > SETS * 8 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ceiling_takes_away_and_gives_nothing),
		cmocka_unit_test(an_abi_is_met_where_all_list_it),
		cmocka_unit_test(the_answer_is_the_strictest_of_all_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
