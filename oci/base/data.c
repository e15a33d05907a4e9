/* SPDX-License-Identifier: Apache-2.0 */
#include "base/data.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Set in the copy alone. */
static bool parted;

bool data_apart(void)
{
	return parted;
}

#if defined(__x86_64__) && defined(__PIE__)

/*
 * What runs here runs before libc: no address in our data is right yet, there is no thread-local storage (so
 * no errno and no stack protector) and no function of others may be called.
 */
#define DATA_PAGE ((uintptr_t)4096)

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static inline long data_syscall(long nr, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
				uintptr_t e, uintptr_t f)
{
	register uintptr_t r10 __asm__("r10") = d;
	register uintptr_t r8 __asm__("r8") = e;
	register uintptr_t r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

static inline void data_copy(uintptr_t to, uintptr_t from, uintptr_t len)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
}

/*
 * Linkers make one writable segment; what of it is no file's already stays where it is. Nothing has been written to it
 * yet, so what is mapped is what the file has.
 */
__attribute__((no_stack_protector)) void data_part(void)
{
	uintptr_t base = (uintptr_t)&__ehdr_start, start, len;
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);
	const ElfW(Phdr) *end = ph + __ehdr_start.e_phnum;
	long copy;

	while (ph < end && !(ph->p_type == PT_LOAD && (ph->p_flags & PF_W)))
		ph++;
	if (ph == end)
		return;
	start = (base + ph->p_vaddr) & ~(DATA_PAGE - 1);
	len = ((base + ph->p_vaddr + ph->p_filesz + DATA_PAGE - 1) & ~(DATA_PAGE - 1)) - start;
	copy = data_syscall(SYS_mmap, 0, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, (uintptr_t)-1, 0);
	if (copy < 0 && copy > -(long)DATA_PAGE)
		return;
	data_copy((uintptr_t)copy, start, len);
	if (data_syscall(SYS_mremap, (uintptr_t)copy, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
			 start, 0) == (long)start)
		parted = true;
}

#endif
