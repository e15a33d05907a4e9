/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "seccomp/table.h"

/* What the ABIs are called and which of them one machine can meet. */

/* The ABI this program was built for; SECCOMP_ABI_COUNT where we have no table for it. */
enum seccomp_abi seccomp_abi_native(void);

/* AUDIT_ARCH_* as struct seccomp_data shows it: x32 shares that of x86_64. */
uint32_t seccomp_abi_audit(enum seccomp_abi abi);

/* From spec.h's value (AUDIT_ARCH_*, SPEC_ARCH_X32), or SECCOMP_ABI_COUNT. */
enum seccomp_abi seccomp_abi_from_spec(uint32_t arch);
uint32_t seccomp_abi_to_spec(enum seccomp_abi abi);

const char *seccomp_abi_name(enum seccomp_abi abi); /* "x86_64", "i386" ... */

/* Can a kernel of `native` run a call of `abi`? (x86_64: itself, i386, x32.) */
bool seccomp_abi_meets(enum seccomp_abi native, enum seccomp_abi abi);

bool seccomp_abi_is_32bit(enum seccomp_abi abi); /* every argument has 32 bits; not x32 */
