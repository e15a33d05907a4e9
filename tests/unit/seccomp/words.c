/* SPDX-License-Identifier: Apache-2.0 */
/* A digest of a profile's words names a program: where the digests are equal, the programs are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "profile_bytes.h"
#include "seccomp/words.h"

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 16;
}

static bool compile(const struct p *p, enum seccomp_abi native, struct seccomp_program *ret)
{
	struct seccomp_target target = p_target(native);

	if (seccomp_compile(&p->spec, &target, ret, NULL) < 0)
		return false;
	seccomp_words_digest(&p->spec, &target, ret->words);
	return true;
}

static bool program_same(const struct seccomp_program *x, const struct seccomp_program *y)
{
	return x->n == y->n && x->flags == y->flags && x->has_notify == y->has_notify &&
	       !memcmp(x->insns, y->insns, x->n * sizeof(*x->insns));
}

static void check_pair(const struct p *x, enum seccomp_abi nx, const struct p *y,
		       enum seccomp_abi ny, size_t *same, size_t *other)
{
	autoprogram px = { 0 }, py = { 0 };

	if (!compile(x, nx, &px) || !compile(y, ny, &py))
		return;
	if (memcmp(px.words, py.words, sizeof(px.words)) == 0) {
		assert_true(program_same(&px, &py));
		(*same)++;
	} else if (!program_same(&px, &py)) {
		(*other)++;
	}
}

static void profiles_of_the_same_words_have_the_same_program(void **state)
{
	size_t same = 0, other = 0;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		uint8_t data[120], mutant[120];
		enum seccomp_abi native, mutant_native;
		struct bytes b = { data, sizeof(data) };
		struct p p, q;

		for (size_t j = 0; j < sizeof(data); j++)
			data[j] = (uint8_t)random_number();
		native = bytes_profile(&p, &b);
		for (size_t j = 0; j < 12; j++) {
			struct bytes m = { mutant, sizeof(mutant) };

			memcpy(mutant, data, sizeof(data));
			mutant[random_number() % sizeof(mutant)] ^=
				(uint8_t)(1u << random_number() % 8);
			mutant_native = bytes_profile(&q, &m);
			check_pair(&p, native, &q, mutant_native, &same, &other);
			p_done(&q);
		}
		p_done(&p);
	}
	assert_true(same > 100 && other > 1000);
}

/* Every field of a profile, one at a time. */
static void every_field_that_matters_changes_the_digest(void **state)
{
	autoprogram base = { 0 };
	size_t fields = 0;

	(void)state;
	for (int field = 0; field < 16; field++) {
		autoprogram changed = { 0 };
		struct spec_seccomp_rule *r;
		struct p p;

		p_init(&p, field == 1 ? SECCOMP_RET_TRAP : SECCOMP_RET_ERRNO);
		if (field != 1)
			p_default_errno(&p, field == 2 ? 2 : 1);
		p_arch(&p, field == 3 ? SPEC_ARCH_X32 : AUDIT_ARCH_I386);
		p.spec.flags = field == 4 ? SECCOMP_FILTER_FLAG_LOG : 0;
		p_rule(&p, SECCOMP_RET_ALLOW, field == 5 ? "read open" : "read");
		r = p_when(&p, field == 6 ? SECCOMP_RET_TRACE : SECCOMP_RET_ERRNO, "mmap",
			   field == 7 ? 2 : 1,
			   field == 8 ? SPEC_SECCOMP_GE : SPEC_SECCOMP_MASKED_EQ,
			   field == 9 ? 0x10000000fULL : 0x20000000fULL, field == 10 ? 1 : 2);
		p_errno(r, field == 11 ? 38 : 13);
		if (field == 12)
			p_arg(&p, r, 3, SPEC_SECCOMP_EQ, 0, 0);
		p_rule(&p, field == 13 ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_LOG,
		       field == 14 ? "ptrace" : "statx");
		if (field == 15)
			p_rule(&p, SECCOMP_RET_KILL_PROCESS, "reboot");
		assert_true(compile(&p, SECCOMP_ABI_X86_64, field ? &changed : &base));
		if (field) {
			assert_memory_not_equal(base.words, changed.words, sizeof(base.words));
			assert_false(program_same(&base, &changed));
			fields++;
		}
		p_done(&p);
	}
	assert_int_equal(fields, 15);
}

static void how_a_profile_is_written_does_not_change_the_program(void **state)
{
	autoprogram x = { 0 }, y = { 0 };
	struct spec_seccomp_rule *r;
	struct p p, q;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_arch(&p, AUDIT_ARCH_I386);
	p_arch(&p, AUDIT_ARCH_X86_64);
	p_rule(&p, SECCOMP_RET_ALLOW, "read write statx");
	p_when(&p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LE, 37, 0);
	p_when(&p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_EQ, 39, 0);
	r = p_when(&p, SECCOMP_RET_TRAP, "mmap", 2, SPEC_SECCOMP_MASKED_EQ, 4, 4);
	p_arg(&p, r, 3, SPEC_SECCOMP_NE, 1, 0);

	p_init(&q, SECCOMP_RET_ERRNO);
	p_default_errno(&q, EPERM);
	p_arch(&q, AUDIT_ARCH_X86_64);
	p_arch(&q, AUDIT_ARCH_I386);
	r = p_when(&q, SECCOMP_RET_TRAP, "mmap", 3, SPEC_SECCOMP_NE, 1, 0);
	p_arg(&q, r, 2, SPEC_SECCOMP_MASKED_EQ, 4, 4);
	r = p_when(&q, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LT, 40, 0);
	p_arg(&q, r, 0, SPEC_SECCOMP_NE, 38, 0);
	p_rule(&q, SECCOMP_RET_ALLOW, "statx write");
	p_rule(&q, SECCOMP_RET_ALLOW, "read no_such_call read");

	assert_true(compile(&p, SECCOMP_ABI_X86_64, &x));
	assert_true(compile(&q, SECCOMP_ABI_X86_64, &y));
	assert_true(program_same(&x, &y));
	p_done(&p);
	p_done(&q);
}

static void what_cannot_be_met_on_this_machine_does_not_change_the_program(void **state)
{
	autoprogram x = { 0 }, y = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_ERRNO);
	p_rule(&p, SECCOMP_RET_ALLOW, "read");
	assert_true(compile(&p, SECCOMP_ABI_X86_64, &x));
	p_arch(&p, AUDIT_ARCH_AARCH64);
	assert_true(compile(&p, SECCOMP_ABI_X86_64, &y));
	assert_true(program_same(&x, &y));
	p_done(&p);
}

static void who_listens_is_not_among_the_words(void **state)
{
	autoprogram x = { 0 }, y = { 0 };
	struct p p;

	(void)state;
	p_init(&p, SECCOMP_RET_USER_NOTIF);
	p.spec.listener_path = "/run/one";
	assert_true(compile(&p, SECCOMP_ABI_X86_64, &x));
	p.spec.listener_path = "/run/other";
	p.spec.listener_metadata = "more";
	assert_true(compile(&p, SECCOMP_ABI_X86_64, &y));
	assert_memory_equal(x.words, y.words, sizeof(x.words));
	p_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_of_the_same_words_have_the_same_program),
		cmocka_unit_test(every_field_that_matters_changes_the_digest),
		cmocka_unit_test(how_a_profile_is_written_does_not_change_the_program),
		cmocka_unit_test(
			what_cannot_be_met_on_this_machine_does_not_change_the_program),
		cmocka_unit_test(who_listens_is_not_among_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
