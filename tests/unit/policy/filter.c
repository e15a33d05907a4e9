/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What node policies make of seccomp filters, looked at from the far end: the programs before and after one
 * more rule are compiled, and run by simulation over every number of every ABI and around each value that
 * a condition compares with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "order.h"
#include "policy/field.h"
#include "spec/names.h"
#include "unit/seccomp/profile_build.h"

/* POLICY_CASES=1000000 asks for more; a tenth of what is made of specs, which are faster. */
#define CASES 400

static size_t cases = CASES;
static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

/* Doors of others, young and old calls, arguments of 32 and 64 bits. */
static const char *const names[] = { "socket",     "connect",     "read",
				     "mmap",       "keyctl",      "shmget",
				     "openat2",    "clone",       "io_uring_setup",
				     "futex_wait", "personality", "no_such_call" };
static const uint64_t values[] = { 0, 1, 37, 38, 39, 0xffffffff, 0x100000026, UINT64_MAX };
static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, SPEC_ARCH_X32 };

static void some_args(struct arena *a, struct spec_seccomp_rule *r)
{
	size_t i;

	r->n_args = rnd(3);
	r->args = arena_array(a, 3, sizeof(*r->args));
	for (i = 0; i < r->n_args; i++)
		r->args[i] = (struct spec_seccomp_arg){ rnd(3), values[rnd(ARRAY_SIZE(values))],
							values[rnd(ARRAY_SIZE(values))],
							(enum spec_seccomp_op)(1 + rnd(7)) };
}

static struct spec_seccomp_rule some_call(struct arena *a, uint32_t action)
{
	struct spec_seccomp_rule r = { .action = action };
	size_t i, n = 1 + rnd(3);

	r.names.v = arena_array(a, n, sizeof(char *));
	for (i = 0; i < n; i++)
		r.names.v[r.names.n++] = (char *)names[rnd(ARRAY_SIZE(names))];
	if (action == SECCOMP_RET_ERRNO && rnd(2)) {
		r.set_errno = true;
		r.errno_ret = 1 + rnd(40);
	}
	some_args(a, &r);
	return r;
}

/* The profiles that ceilings name, by the digit that is their text. */
static struct spec_seccomp given[4];

static int given_profile(void *arg, struct arena *a, const struct policy_profile *p,
			 uint64_t bounding, struct spec_seccomp *ret, struct error *e)
{
	(void)arg, (void)a, (void)bounding, (void)e;
	*ret = given[p->text[0] - '0'];
	return 0;
}

static struct policy_rule *some_rule(struct arena *a)
{
	static const char *const texts[] = { "0", "1", "2", "3" };
	struct policy_rule *r = arena_alloc(a, sizeof(*r));
	size_t i;

	r->policy = "p";
	r->name = "r";
	r->seccomp.n_denied = rnd(4);
	r->seccomp.denied = arena_array(a, 4, sizeof(*r->seccomp.denied));
	for (i = 0; i < r->seccomp.n_denied; i++)
		r->seccomp.denied[i] = some_call(a, SECCOMP_RET_ERRNO);
	r->seccomp.abis_set = rnd(3) == 0;
	r->seccomp.abis = arena_array(a, 2, sizeof(uint32_t));
	while (r->seccomp.n_abis < rnd(3))
		r->seccomp.abis[r->seccomp.n_abis++] = archs[1 + rnd(2)];
	r->seccomp.ceilings = arena_array(a, 2, sizeof(*r->seccomp.ceilings));
	while (r->seccomp.n_ceilings < 2 && rnd(3) == 0)
		r->seccomp.ceilings[r->seccomp.n_ceilings++] =
			(struct policy_profile){ "c", texts[rnd(4)], 1 };
	return r;
}

static void some_filter(struct arena *a, struct spec_seccomp *s)
{
	static const uint32_t actions[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
					    SECCOMP_RET_LOG,   SECCOMP_RET_TRAP,
					    SECCOMP_RET_TRACE, SECCOMP_RET_KILL_PROCESS };
	size_t i;

	*s = (struct spec_seccomp){ .present = rnd(8) > 0 };
	if (!s->present)
		return;
	s->default_action = actions[rnd(ARRAY_SIZE(actions))];
	s->n_rules = rnd(6);
	s->rules = arena_array(a, 6, sizeof(*s->rules));
	for (i = 0; i < s->n_rules; i++)
		s->rules[i] = some_call(a, actions[rnd(ARRAY_SIZE(actions))]);
	s->architectures = arena_array(a, 3, sizeof(uint32_t));
	for (i = 0; i < 3; i++)
		if (rnd(2))
			s->architectures[s->n_architectures++] = archs[i];
}

/* 0, or -E2BIG and the like: no such container. */
static int merge_and_compile(const struct policy_rule **rules, size_t n,
			     const struct spec_seccomp *asked, struct arena *a,
			     struct seccomp_program *ret)
{
	struct policy_set set = { .n_rules = n, .rules = rules };
	struct seccomp_target target = p_target(SECCOMP_ABI_X86_64);
	struct policy_facts f = order_facts();
	struct policy_result result;
	struct error e = ERROR_INIT;
	struct spec s = { .linux_.seccomp = *asked };
	int r;

	f.native_arch = AUDIT_ARCH_X86_64;
	f.profile = given_profile;
	r = policy_merge(&set, &f, POLICY_CREATE, &s, a, &result, &e);
	if (r == 0)
		r = seccomp_compile(&s.linux_.seccomp, &target, ret, &e);
	if (r < 0 && r != -E2BIG)
		fail_msg("%s", e.text);
	return r;
}

static uint32_t ask(const struct seccomp_program *p, const struct seccomp_data *d,
		    bool *read_args)
{
	struct seccomp_run run = { .action = SECCOMP_RET_ALLOW };

	if (p->n)
		assert_int_equal(seccomp_simulate(p->insns, p->n, d, &run), 0);
	*read_args |= run.read_args;
	/* An ABI that is off ends the thread, whatever the profile's own default does. */
	if ((run.action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_PROCESS)
		return SECCOMP_RET_KILL_THREAD;
	return run.action & SECCOMP_RET_ACTION_FULL;
}

/* By the kernel's own order: the smaller is the stricter. */
static void not_wider(const struct seccomp_program *before, const struct seccomp_program *after,
		      const struct seccomp_data *d, size_t one, bool *read_args)
{
	uint32_t was = ask(before, d, read_args), is = ask(after, d, read_args);

	if (is > was)
		fail_msg("case %zu: call 0x%x of 0x%x (0x%llx 0x%llx 0x%llx): 0x%x became 0x%x",
			 one, (unsigned)d->nr, d->arch, (unsigned long long)d->args[0],
			 (unsigned long long)d->args[1], (unsigned long long)d->args[2], was,
			 is);
}

/* Every number, and where one looks at arguments, all tuples around what conditions compare with. */
static void compare(const struct seccomp_program *before, const struct seccomp_program *after,
		    size_t one)
{
	static const uint32_t bases[] = { 0, SECCOMP_X32_BIT };
	static uint64_t near[3 * ARRAY_SIZE(values)];
	const size_t n = ARRAY_SIZE(near);
	size_t i, k;

	for (i = 0; i < n; i++)
		near[i] = values[i / 3] + i % 3 - 1;
	for (i = 0; i < 512 * 2 * 2; i++) {
		struct seccomp_data d = { .nr = (int)(i / 4 | bases[i & 1]),
					  .arch = i & 2 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64 };
		bool read_args = false;

		not_wider(before, after, &d, one, &read_args);
		for (k = 0; read_args && k < n * n; k++) {
			d.args[0] = near[k % n];
			d.args[1] = near[k / n];
			d.args[2] = near[(k * 5 + k / n) % n];
			not_wider(before, after, &d, one, &read_args);
		}
	}
}

static void p15_one_more_rule_never_lets_a_call_through(void **state)
{
	size_t i, compared = 0;

	(void)state;
	for (i = 0; i < cases; i++) {
		const struct policy_rule *rules[4];
		autoprogram before = { 0 };
		autoprogram after = { 0 };
		struct spec_seccomp asked;
		size_t n = rnd(3), k;
		struct arena a;

		arena_init(&a, 16u << 20);
		some_filter(&a, &asked);
		for (k = 0; k < ARRAY_SIZE(given); k++)
			some_filter(&a, &given[k]);
		for (k = 0; k <= n; k++)
			rules[k] = some_rule(&a);
		if (merge_and_compile(rules, n, &asked, &a, &before) == 0 &&
		    merge_and_compile(rules, n + 1, &asked, &a, &after) == 0) {
			compare(&before, &after, i);
			compared++;
		}
		arena_done(&a);
	}
	print_message("%zu cases, %zu compared\n", cases, compared);
	assert_true(compared > cases * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p15_one_more_rule_never_lets_a_call_through),
	};

	if (getenv("POLICY_CASES"))
		cases = strtoul(getenv("POLICY_CASES"), NULL, 10) / 10;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
