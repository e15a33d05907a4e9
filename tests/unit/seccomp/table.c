/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/table.h"

#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/mem.h"
#include "seccomp/abi.h"

/* The second opinion: libseccomp's own tables. */
static const struct {
	enum seccomp_abi abi;
	uint32_t scmp;
} known[] = {
	{ SECCOMP_ABI_X86_64, SCMP_ARCH_X86_64 },   { SECCOMP_ABI_I386, SCMP_ARCH_X86 },
	{ SECCOMP_ABI_X32, SCMP_ARCH_X32 },         { SECCOMP_ABI_AARCH64, SCMP_ARCH_AARCH64 },
	{ SECCOMP_ABI_ARM, SCMP_ARCH_ARM },         { SECCOMP_ABI_RISCV64, SCMP_ARCH_RISCV64 },
	{ SECCOMP_ABI_PPC64LE, SCMP_ARCH_PPC64LE }, { SECCOMP_ABI_S390X, SCMP_ARCH_S390X },
};

static uint32_t number(const char *name, enum seccomp_abi abi)
{
	const struct seccomp_syscall *call = seccomp_syscall_find(name, NULL);

	assert_non_null(call);
	assert_int_not_equal(call->slot[abi], SECCOMP_NR_NONE);
	return seccomp_slot_nr(abi, call->slot[abi]);
}

static void names_are_sorted_and_each_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < seccomp_table_len; i++) {
		const char *name = seccomp_table[i].name;

		assert_true(strlen(name) < SECCOMP_NAME_MAX);
		if (i)
			assert_true(strcmp(seccomp_table[i - 1].name, name) < 0);
		for (size_t j = 0; j < seccomp_table_len; j += 7)
			assert_ptr_equal(seccomp_syscall_find(name, &seccomp_table[j]),
					 &seccomp_table[i]);
		assert_ptr_equal(seccomp_syscall_find(name, NULL), &seccomp_table[i]);
	}
}

static void names_that_no_kernel_has_are_not_found(void **state)
{
	static const char *const names[] = {
		"", "a", "zzz", "reads", "rea", "READ", "clone33"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_null(seccomp_syscall_find(names[i], NULL));
		assert_null(seccomp_syscall_find(names[i], &seccomp_table[100]));
		assert_null(
			seccomp_syscall_find(names[i], &seccomp_table[seccomp_table_len - 1]));
	}
}

static void numbers_of_this_machine_are_those_of_its_headers(void **state)
{
	enum seccomp_abi native = seccomp_abi_native();

	(void)state;
	assert_int_equal(number("read", native), SYS_read);
	assert_int_equal(number("execve", native), SYS_execve);
	assert_int_equal(number("execveat", native), SYS_execveat);
	assert_int_equal(number("openat2", native), SYS_openat2);
	assert_int_equal(number("seccomp", native), SYS_seccomp);
}

static void numbers_of_x32_carry_bit_30_and_those_of_arm_their_base(void **state)
{
	(void)state;
	assert_int_equal(number("read", SECCOMP_ABI_X32), 0x40000000);
	assert_int_equal(number("ioctl", SECCOMP_ABI_X32), 0x40000000 + 514);
	assert_int_equal(number("set_tls", SECCOMP_ABI_ARM), 0xf0005);
	assert_string_equal(seccomp_syscall_name(SECCOMP_ABI_ARM, 0xf0005), "set_tls");
	assert_string_equal(seccomp_syscall_name(SECCOMP_ABI_X32, 0x40000000 + 521), "ptrace");
	assert_null(seccomp_syscall_name(SECCOMP_ABI_X86_64, 0x40000000));
	assert_null(seccomp_syscall_name(SECCOMP_ABI_X32, 1));
	assert_null(seccomp_syscall_name(SECCOMP_ABI_X86_64, 400));
}

static void slots_and_numbers_are_inverse(void **state)
{
	(void)state;
	for (size_t abi = 0; abi < SECCOMP_ABI_COUNT; abi++) {
		uint32_t last = 0;

		for (uint32_t slot = 0; slot < SECCOMP_SLOTS; slot++) {
			uint32_t nr = seccomp_slot_nr(abi, slot);

			assert_int_equal(seccomp_slot_of(abi, nr), slot);
			assert_true(slot == 0 || nr > last);
			last = nr;
		}
		assert_int_equal(seccomp_slot_of(abi, last + 1), SECCOMP_NR_NONE);
		assert_int_equal(seccomp_slot_of(abi, UINT32_MAX), SECCOMP_NR_NONE);
	}
}

static void versions_grow_with_the_numbers_all_machines_share(void **state)
{
	uint16_t at[SECCOMP_SLOTS] = { 0 }, newest = 0;

	(void)state;
	for (size_t i = 0; i < seccomp_table_len; i++) {
		const struct seccomp_syscall *call = &seccomp_table[i];
		uint16_t slot = call->slot[SECCOMP_ABI_X86_64];

		assert_true(call->since <= seccomp_table_version);
		if (slot != SECCOMP_NR_NONE)
			at[slot] = call->since;
	}
	/* close_range and quotactl_fd kept places that they had asked for before they were ready. */
	for (uint32_t slot = 424; slot < 512; slot++) {
		if (slot == 436 || slot == 443 || !at[slot])
			continue;
		assert_true(at[slot] >= newest);
		newest = at[slot];
	}
	assert_true(newest >= 0x700);
	assert_int_equal(seccomp_syscall_find("openat2", NULL)->since, 0x506);
	assert_int_equal(seccomp_syscall_find("statx", NULL)->since, 0x40b);
	assert_int_equal(seccomp_syscall_find("read", NULL)->since, 0);
}

static void arguments_the_kernel_cuts_are_marked(void **state)
{
	const struct seccomp_syscall *socket = seccomp_syscall_find("socket", NULL);
	const struct seccomp_syscall *ioctl = seccomp_syscall_find("ioctl", NULL);
	const struct seccomp_syscall *clone = seccomp_syscall_find("clone", NULL);

	(void)state;
	assert_int_equal(seccomp_syscall_narrow(socket, SECCOMP_ABI_X86_64), 7);
	assert_int_equal(seccomp_syscall_narrow(ioctl, SECCOMP_ABI_X86_64), 3);
	assert_int_equal(seccomp_syscall_narrow(ioctl, SECCOMP_ABI_X32), 7);
	assert_int_equal(seccomp_syscall_narrow(clone, SECCOMP_ABI_AARCH64), 0);
	assert_int_equal(seccomp_syscall_narrow(clone, SECCOMP_ABI_I386), 0x3f);
	assert_int_equal(seccomp_syscall_narrow(clone, SECCOMP_ABI_ARM), 0x3f);
}

/* Every number that libseccomp has for a name of ours is our number. */
static void libseccomp_gives_the_same_numbers(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		for (size_t i = 0; i < seccomp_table_len; i++) {
			const struct seccomp_syscall *call = &seccomp_table[i];
			int theirs =
				seccomp_syscall_resolve_name_arch(known[k].scmp, call->name);
			uint32_t ours = call->slot[known[k].abi];

			if (theirs < 0 || ours == SECCOMP_NR_NONE)
				continue;
			if ((uint32_t)theirs != seccomp_slot_nr(known[k].abi, ours))
				fail_msg("%s of %s: %u here, %d there", call->name,
					 seccomp_abi_name(known[k].abi),
					 seccomp_slot_nr(known[k].abi, ours), theirs);
			compared++;
		}
	}
	assert_true(compared > 2500);
}

/* Every call that libseccomp has at a number is in our table there. */
static void libseccomp_knows_no_call_that_we_do_not(void **state)
{
	size_t missing = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		for (uint32_t slot = 0; slot < SECCOMP_SLOTS; slot++) {
			uint32_t nr = seccomp_slot_nr(known[k].abi, slot);
			char *name = seccomp_syscall_resolve_num_arch(known[k].scmp, (int)nr);

			if (name && !seccomp_syscall_name(known[k].abi, nr)) {
				print_message("%s: %u %s\n", seccomp_abi_name(known[k].abi), nr,
					      name);
				missing++;
			}
			free(name);
		}
	}
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_sorted_and_each_is_found),
		cmocka_unit_test(names_that_no_kernel_has_are_not_found),
		cmocka_unit_test(numbers_of_this_machine_are_those_of_its_headers),
		cmocka_unit_test(numbers_of_x32_carry_bit_30_and_those_of_arm_their_base),
		cmocka_unit_test(slots_and_numbers_are_inverse),
		cmocka_unit_test(versions_grow_with_the_numbers_all_machines_share),
		cmocka_unit_test(arguments_the_kernel_cuts_are_marked),
		cmocka_unit_test(libseccomp_gives_the_same_numbers),
		cmocka_unit_test(libseccomp_knows_no_call_that_we_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
