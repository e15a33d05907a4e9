/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "profile_build.h"
#include "profile_same.h"

static void profile_full(struct p *p)
{
	struct spec_seccomp_rule *r;

	p_init(p, SECCOMP_RET_ERRNO);
	p_default_errno(p, 38);
	p_arch(p, AUDIT_ARCH_X86_64);
	p_arch(p, SPEC_ARCH_X32);
	p->spec.flags_present = true;
	p->spec.flags = SECCOMP_FILTER_FLAG_LOG;
	p->spec.listener_path = "/run/agent.sock";
	p->spec.listener_metadata = "";
	p_rule(p, SECCOMP_RET_ALLOW, "read write no_such_call");
	p_when(p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_MASKED_EQ, UINT64_MAX, 7);
	r = p_rule(p, SECCOMP_RET_ERRNO, "keyctl");
	p_errno(r, 0);
	p_rule(p, SECCOMP_RET_USER_NOTIF, "mount");
}

static void a_profile_comes_back_as_it_was(void **state)
{
	struct spec_seccomp again = { 0 };
	autobuf bytes = { .max = 1 << 20 };
	struct p p;

	(void)state;
	profile_full(&p);
	assert_int_equal(seccomp_pack(&p.spec, &bytes), 0);
	assert_int_equal(seccomp_unpack(&p.arena, bytes.data, bytes.len, &again), 0);
	profile_same(&p.spec, &again);
	p_done(&p);
}

static void nothing_and_an_empty_text_are_told_apart(void **state)
{
	struct spec_seccomp s = { .present = true, .listener_path = "" }, again = { 0 };
	autobuf bytes = { .max = 4096 };
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_int_equal(seccomp_pack(&s, &bytes), 0);
	assert_int_equal(seccomp_unpack(&a, bytes.data, bytes.len, &again), 0);
	assert_string_equal(again.listener_path, "");
	assert_null(again.listener_metadata);
	arena_done(&a);
}

static void what_is_not_whole_is_refused(void **state)
{
	autobuf bytes = { .max = 1 << 20 };
	struct p p;
	size_t len;

	(void)state;
	profile_full(&p);
	assert_int_equal(seccomp_pack(&p.spec, &bytes), 0);
	for (len = 0; len < bytes.len; len++) {
		struct spec_seccomp again = { .default_errno = 99 };
		autofree char *cut = malloc(len + 1); /* its end is seen by the sanitizer */

		assert_non_null(cut);
		memcpy(cut, bytes.data, len);
		assert_int_equal(seccomp_unpack(&p.arena, cut, len, &again), -EBADMSG);
		assert_int_equal(again.default_errno, 99);
	}
	assert_int_equal(buf_addc(&bytes, 'x'), 0);
	assert_int_equal(seccomp_unpack(&p.arena, bytes.data, bytes.len, &p.spec), -EBADMSG);
	p_done(&p);
}

/* Bytes that are altered may mean another profile, but nothing outside of them is ever read. */
static void altered_bytes_are_another_profile_or_none(void **state)
{
	autobuf bytes = { .max = 1 << 20 };
	struct p p;
	size_t i;
	int bit;

	(void)state;
	profile_full(&p);
	assert_int_equal(seccomp_pack(&p.spec, &bytes), 0);
	for (i = 0; i < bytes.len; i++)
		for (bit = 0; bit < 8; bit++) {
			struct spec_seccomp again = { 0 };
			autobuf back = { .max = 1 << 20 };
			struct arena a;

			arena_init(&a, 1 << 20);
			bytes.data[i] ^= (char)(1 << bit);
			if (seccomp_unpack(&a, bytes.data, bytes.len, &again) == 0)
				assert_int_equal(seccomp_pack(&again, &back), 0);
			bytes.data[i] ^= (char)(1 << bit);
			arena_done(&a);
		}
	p_done(&p);
}

static void what_has_no_room_in_there_is_not_packed(void **state)
{
	autofree char *name = calloc(1, 70000);
	autobuf bytes = { .max = 1 << 20 }, small = { .max = 100 };
	struct p p;

	(void)state;
	assert_non_null(name);
	profile_full(&p);
	assert_int_equal(seccomp_pack(&p.spec, &small), -EFBIG);
	memset(name, 'a', 65534);
	p.spec.rules[0].names.v[0] = name;
	assert_int_equal(seccomp_pack(&p.spec, &bytes), 0);
	name[65534] = 'a';
	assert_int_equal(seccomp_pack(&p.spec, &bytes), -EINVAL);
	p.spec.rules[0].names.v[0] = (char *)"read";
	p.spec.ceilings = &p.spec;
	p.spec.n_ceilings = 1;
	assert_int_equal(seccomp_pack(&p.spec, &bytes), -EINVAL);
	p_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_comes_back_as_it_was),
		cmocka_unit_test(nothing_and_an_empty_text_are_told_apart),
		cmocka_unit_test(what_is_not_whole_is_refused),
		cmocka_unit_test(altered_bytes_are_another_profile_or_none),
		cmocka_unit_test(what_has_no_room_in_there_is_not_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
