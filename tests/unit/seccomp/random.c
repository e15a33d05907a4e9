/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "profile_bytes.h"

#define SETS  600
#define BYTES 400

static uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);

static uint8_t random_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)(seed >> 24);
}

/* Compiles and proves; a set the compiler refuses must say why. */
static void check_one(const uint8_t *data, size_t n, size_t *compiled)
{
	struct bytes b = { data, n };
	struct p p;
	enum seccomp_abi native = bytes_profile(&p, &b);
	struct seccomp_target target = p_target(native);
	struct error e = ERROR_INIT;
	autoprogram program = { 0 };
	int r;

	r = seccomp_compile(&p.spec, &target, &program, &e);
	if (r < 0) {
		assert_int_equal(r, -E2BIG);
		assert_true(*e.text);
	} else {
		(*compiled)++;
		r = seccomp_prove(&program, &p.spec, &target, &e);
		if (r < 0)
			fail_msg("%s", e.text);
	}
	p_done(&p);
}

static void p11_random_rule_sets_compile_to_what_the_rules_say(void **state)
{
	uint8_t data[BYTES];
	size_t compiled = 0;

	(void)state;
	for (size_t i = 0; i < SETS; i++) {
		size_t n = i % BYTES;

		for (size_t j = 0; j < n; j++)
			data[j] = random_byte();
		check_one(data, n, &compiled);
	}
	/* A generator that only makes nonsense would prove nothing. */
	assert_true(compiled > SETS * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p11_random_rule_sets_compile_to_what_the_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
