/* SPDX-License-Identifier: Apache-2.0 */
#include "base/entry.h"

#include "base/data.h"
#include "base/libc.h"

#if defined(__x86_64__) && defined(__PIE__)

/* For _start the stack and the registers are as the kernel made them. */
__attribute__((naked)) void entry_start(void)
{
	__asm__("endbr64\n\t"
		"xor %ebp, %ebp\n\t"
		"mov %rsp, %rbx\n\t"
		"mov %rdx, %r12\n\t"
		"and $-16, %rsp\n\t"
		"call data_part\n\t"
		"mov %rbx, %rdi\n\t"
		"call libc_begin\n\t"
		"mov %rbx, %rsp\n\t"
		"mov %r12, %rdx\n\t"
		"jmp _start");
}

#endif
