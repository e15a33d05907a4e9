/* SPDX-License-Identifier: Apache-2.0 */
#include "base/libc.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__PIE__) && defined(__GLIBC__) && __GLIBC__ == 2 && \
	(__GLIBC_MINOR__ == 36 || __GLIBC_MINOR__ == 41)

typedef void libc_init(int argc, char **argv, char **envp);

int main(int argc, char **argv, char **envp);

/* Hidden: reached without an address that would have to be made right first. */
#pragma GCC visibility push(hidden)
/* glibc's own, in the order in which its start has them (csu/libc-start.c). */
extern void *__libc_stack_end;
void _dl_aux_init(ElfW(auxv_t) * auxv);
void __tunables_init(char **envp);
void _dl_relocate_static_pie(void);
void __libc_setup_tls(void);
extern const uintptr_t *_dl_random;
void __libc_early_init(bool initial);
void __libc_init_first(int argc, char **argv, char **envp);
int __cxa_atexit(void (*f)(void *arg), void *arg, void *of);
/* From how many bytes on copies go past the cache, and "rep movsb" is no longer used. */
extern long __x86_shared_non_temporal_threshold;
extern long __x86_rep_movsb_stop_threshold;
#if __GLIBC_MINOR__ >= 41
extern long __x86_memset_non_temporal_threshold;
#endif
/* The linker's. */
extern libc_init *const __preinit_array_start[], *const __preinit_array_end[];
extern libc_init *const __init_array_start[], *const __init_array_end[];
extern void (*const __fini_array_start[])(void);
extern void (*const __fini_array_end[])(void);
void _init(void);
void _fini(void);
#pragma GCC visibility pop

/* Three quarters of the shared cache that glibc takes a processor to have of which it knows nothing. */
#define LIBC_PAST_CACHE 0xc0000

struct libc_stack {
	int argc;
	char **argv;
	char **envp;
	ElfW(auxv_t) * auxv;
};

static inline struct libc_stack libc_stack_read(uintptr_t *stack)
{
	struct libc_stack s = { .argc = (int)*stack, .argv = (char **)(stack + 1) };
	char **end;

	s.envp = s.argv + s.argc + 1;
	for (end = s.envp; *end; end++)
		;
	s.auxv = (ElfW(auxv_t) *)(end + 1);
	return s;
}

/* No function of libc's can be called yet. */
static inline bool libc_has_prefix(const char *s, const char *prefix)
{
	for (; *prefix; s++, prefix++)
		if (*s != *prefix)
			return false;
	return true;
}

/* Whether nothing is asked of libc that it answers by its ordinary start alone. */
static inline bool libc_is_plain(const struct libc_stack *s)
{
	const ElfW(auxv_t) * a;
	bool random = false;
	char **env;

	for (env = s->envp; *env; env++)
		if (libc_has_prefix(*env, "GLIBC_TUNABLES="))
			return false;
	for (a = s->auxv; a->a_type != AT_NULL; a++) {
		if (a->a_type == AT_SECURE && a->a_un.a_val)
			return false;
		if (a->a_type == AT_RANDOM && a->a_un.a_val)
			random = true;
	}
	return random;
}

/*
 * The stack protector's canary, whose lowest byte is 0 so that no string brings it, and what pointers in jmp_buf are
 * mixed with: fields of the thread's head that the ABI has at 0x28 and glibc at 0x30.
 */
static inline void libc_guards_set(void)
{
	__asm__ volatile("mov %0, %%fs:0x28" : : "r"(_dl_random[0] & ~(uintptr_t)0xff));
	__asm__ volatile("mov %0, %%fs:0x30" : : "r"(_dl_random[1]));
}

static void libc_end(void *arg)
{
	size_t n = (size_t)(__fini_array_end - __fini_array_start);

	(void)arg;
	while (n > 0)
		__fini_array_start[--n]();
	_fini();
}

static inline void libc_constructors_run(const struct libc_stack *s)
{
	libc_init *const *init;

	for (init = __preinit_array_start; init < __preinit_array_end; init++)
		(*init)(s->argc, s->argv, s->envp);
	_init();
	for (init = __init_array_start; init < __init_array_end; init++)
		(*init)(s->argc, s->argv, s->envp);
}

__attribute__((no_stack_protector)) void libc_begin(uintptr_t *stack)
{
	struct libc_stack s = libc_stack_read(stack);

	if (!libc_is_plain(&s))
		return;
	__libc_stack_end = stack;
	_dl_aux_init(s.auxv);
	__tunables_init(s.envp);
	/* Here glibc asks the processor, and sets what follows by the answers. */
	__x86_shared_non_temporal_threshold = LIBC_PAST_CACHE;
	__x86_rep_movsb_stop_threshold = LIBC_PAST_CACHE;
#if __GLIBC_MINOR__ >= 41
	__x86_memset_non_temporal_threshold = LIBC_PAST_CACHE;
#endif
	_dl_relocate_static_pie();
	__environ = s.envp;
	__libc_setup_tls();
	libc_guards_set();
	__libc_early_init(true);
	__libc_init_first(s.argc, s.argv, s.envp);
	__cxa_atexit(libc_end, NULL, NULL);
	libc_constructors_run(&s);
	exit(main(s.argc, s.argv, s.envp));
}

#else

void libc_begin(uintptr_t *stack)
{
	(void)stack;
}

#endif
