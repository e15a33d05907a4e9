/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/audit.h>
#include <stddef.h>

#include "base/mem.h"
#include "seccomp/abi.h"
#include "spec/spec.h"

#ifndef AUDIT_ARCH_LOONGARCH64
#define AUDIT_ARCH_LOONGARCH64 (258 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE)
#endif

static const struct abi {
	const char *name;
	uint32_t audit;
	uint32_t spec;
	enum seccomp_abi family; /* the native ABI of kernels that run it */
	bool is_32bit;
} abis[SECCOMP_ABI_COUNT] = {
	[SECCOMP_ABI_X86_64] = { "x86_64", AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64,
				 SECCOMP_ABI_X86_64, false },
	[SECCOMP_ABI_I386] = { "i386", AUDIT_ARCH_I386, AUDIT_ARCH_I386, SECCOMP_ABI_X86_64,
			       true },
	[SECCOMP_ABI_X32] = { "x32", AUDIT_ARCH_X86_64, SPEC_ARCH_X32, SECCOMP_ABI_X86_64,
			      false },
	[SECCOMP_ABI_AARCH64] = { "aarch64", AUDIT_ARCH_AARCH64, AUDIT_ARCH_AARCH64,
				  SECCOMP_ABI_AARCH64, false },
	[SECCOMP_ABI_ARM] = { "arm", AUDIT_ARCH_ARM, AUDIT_ARCH_ARM, SECCOMP_ABI_AARCH64,
			      true },
	[SECCOMP_ABI_RISCV64] = { "riscv64", AUDIT_ARCH_RISCV64, AUDIT_ARCH_RISCV64,
				  SECCOMP_ABI_RISCV64, false },
	[SECCOMP_ABI_PPC64LE] = { "ppc64le", AUDIT_ARCH_PPC64LE, AUDIT_ARCH_PPC64LE,
				  SECCOMP_ABI_PPC64LE, false },
	[SECCOMP_ABI_S390X] = { "s390x", AUDIT_ARCH_S390X, AUDIT_ARCH_S390X, SECCOMP_ABI_S390X,
				false },
	[SECCOMP_ABI_LOONGARCH64] = { "loongarch64", AUDIT_ARCH_LOONGARCH64,
				      AUDIT_ARCH_LOONGARCH64, SECCOMP_ABI_LOONGARCH64, false },
};

enum seccomp_abi seccomp_abi_native(void)
{
#if defined(__x86_64__) && defined(__LP64__)
	return SECCOMP_ABI_X86_64;
#elif defined(__aarch64__)
	return SECCOMP_ABI_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
	return SECCOMP_ABI_RISCV64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	return SECCOMP_ABI_PPC64LE;
#elif defined(__s390x__)
	return SECCOMP_ABI_S390X;
#elif defined(__loongarch64)
	return SECCOMP_ABI_LOONGARCH64;
#else
	return SECCOMP_ABI_COUNT;
#endif
}

uint32_t seccomp_abi_audit(enum seccomp_abi abi)
{
	return abis[abi].audit;
}

enum seccomp_abi seccomp_abi_from_spec(uint32_t arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(abis); i++) {
		if (abis[i].spec == arch)
			return (enum seccomp_abi)i;
	}
	return SECCOMP_ABI_COUNT;
}

uint32_t seccomp_abi_to_spec(enum seccomp_abi abi)
{
	return abis[abi].spec;
}

const char *seccomp_abi_name(enum seccomp_abi abi)
{
	return abis[abi].name;
}

bool seccomp_abi_meets(enum seccomp_abi native, enum seccomp_abi abi)
{
	return abis[abi].family == native;
}

bool seccomp_abi_is_32bit(enum seccomp_abi abi)
{
	return abis[abi].is_32bit;
}
