/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "seccomp/abi.h"
#include "seccomp/table.h"

const struct seccomp_syscall *seccomp_syscall_find(const char *name,
						   const struct seccomp_syscall *near)
{
	size_t lo = 0, hi = seccomp_table_len;

	/* Ahead of the last one, in steps that double; behind it, everything. */
	if (near && strcmp(near->name, name) <= 0) {
		lo = (size_t)(near - seccomp_table);
		for (size_t step = 1; lo + step < hi; step *= 2) {
			if (strcmp(seccomp_table[lo + step].name, name) > 0)
				hi = lo + step;
			else
				lo += step;
		}
	}
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(name, seccomp_table[mid].name);

		if (c == 0)
			return &seccomp_table[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

uint32_t seccomp_slot_nr(enum seccomp_abi abi, uint32_t slot)
{
	if (abi == SECCOMP_ABI_X32)
		return slot | SECCOMP_X32_BIT;
	if (abi == SECCOMP_ABI_ARM && slot >= SECCOMP_SLOT_ARM)
		return SECCOMP_ARM_PRIVATE + (slot - SECCOMP_SLOT_ARM);
	return slot;
}

uint32_t seccomp_slot_of(enum seccomp_abi abi, uint32_t nr)
{
	if (abi == SECCOMP_ABI_X32) {
		if (nr < SECCOMP_X32_BIT)
			return SECCOMP_NR_NONE;
		nr -= SECCOMP_X32_BIT;
	} else if (abi == SECCOMP_ABI_ARM) {
		if (nr >= SECCOMP_ARM_PRIVATE &&
		    nr - SECCOMP_ARM_PRIVATE < SECCOMP_SLOTS - SECCOMP_SLOT_ARM)
			return nr - SECCOMP_ARM_PRIVATE + SECCOMP_SLOT_ARM;
		if (nr >= SECCOMP_SLOT_ARM)
			return SECCOMP_NR_NONE;
	}
	return nr < SECCOMP_SLOTS ? nr : SECCOMP_NR_NONE;
}

const char *seccomp_syscall_name(enum seccomp_abi abi, uint32_t nr)
{
	uint32_t slot = seccomp_slot_of(abi, nr);

	if (slot == SECCOMP_NR_NONE)
		return NULL;
	for (size_t i = 0; i < seccomp_table_len; i++) {
		if (seccomp_table[i].slot[abi] == slot)
			return seccomp_table[i].name;
	}
	return NULL;
}

uint8_t seccomp_syscall_narrow(const struct seccomp_syscall *call, enum seccomp_abi abi)
{
	if (seccomp_abi_is_32bit(abi))
		return 0x3f;
	return abi == SECCOMP_ABI_X32 ? call->narrow_x32 : call->narrow;
}
