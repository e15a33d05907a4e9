/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that begins at entry_start (oci/base/entry.h), and tells what libc is like then; see begin.bats.
 *
 *	begin start ARG...   what main() was given, and what is ready
 *	begin guards         the canary of the stack protector and what pointers are mixed with
 *	begin copy           memory is copied, set and searched rightly in all sizes; a word on what was wrong
 *	begin thread         threads have memory of their own and end
 *	begin end            ends by returning 3, with what has to run then
 *	begin smash          writes over the canary
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/platform/x86.h>
#include <time.h>
#include <unistd.h>

#include "base/data.h"

static int constructor_argc;
static const char *constructor_env;
static _Thread_local int mine = 17;
static int *const relocated = &constructor_argc;

__attribute__((constructor)) static void at_begin(int argc, char **argv, char **envp)
{
	(void)argv;
	constructor_argc = argc;
	constructor_env = envp[0];
}

static bool to_tell;

__attribute__((destructor)) static void at_end(void)
{
	if (to_tell)
		printf("destructor\n");
}

static void at_exit(void)
{
	printf("atexit\n");
}

static int start(int argc, char **argv, char **envp)
{
	jmp_buf back;
	volatile int jumps = 0;
	struct timespec now;
	char *text;

	/* Every x86-64 has SSE2: where libc does not know, it has not asked. */
	printf("way %s\n", CPU_FEATURE_PRESENT(SSE2) ? "ordinary" : "short");
	printf("data %s\n", data_apart() ? "apart" : "of the file");
	for (int i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	for (char **e = envp; *e; e++)
		if (strncmp(*e, "GLIBC_TUNABLES=", 15) != 0)
			printf("env %s\n", *e);
	printf("environ %d\n", environ == envp);
	printf("getenv %s\n", getenv("BEGIN") ?: "none");
	printf("names %s %s\n", program_invocation_name, program_invocation_short_name);
	printf("constructor %d %d\n", constructor_argc == argc, constructor_env == envp[0]);
	printf("relocated %d\n", *relocated == argc);
	printf("thread-local %d\n", mine);
	errno = 0;
	close(-1);
	printf("errno %d\n", errno == EBADF);
	printf("auxv %d %d\n", getauxval(AT_PAGESZ) == (unsigned long)sysconf(_SC_PAGESIZE),
	       getauxval(AT_RANDOM) != 0);
	printf("signal stack %d\n", sysconf(_SC_MINSIGSTKSZ) >= 1024);
	printf("clock %d\n", clock_gettime(CLOCK_MONOTONIC, &now));
	if (setjmp(back) == 0) {
		jumps = jumps + 1;
		longjmp(back, 1);
	}
	printf("jumped %d\n", jumps);
	if (asprintf(&text, "%.3f %s", 0.125, "allocated") >= 0)
		printf("%s\n", text);
	free(text);
	return 0;
}

static int guards(void)
{
	uintptr_t canary, mix;

	__asm__("mov %%fs:0x28, %0" : "=r"(canary));
	__asm__("mov %%fs:0x30, %0" : "=r"(mix));
	printf("%016lx %016lx\n", (unsigned long)canary, (unsigned long)mix);
	return 0;
}

/* --- memory -------------------------------------------------------------------------------------- */

#define MOST ((size_t)5 << 20)

static unsigned char *one, *other;

static void fill(unsigned char *p, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((i * 31 + seed + i / 251) | 1);
}

/* Byte by byte: no function of libc's judges itself. */
static int is_same(const unsigned char *p, const unsigned char *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != q[i])
			return 0;
	return 1;
}

static int copy_of(size_t n, size_t shift)
{
	unsigned char *to = other + 64 + shift;
	volatile size_t size = n; /* not known to the compiler */

	fill(one, n + 64, (unsigned int)n);
	other[63 + shift] = 7;
	to[n] = 9;
	memcpy(to, one + 1, size);
	if (!is_same(to, one + 1, n) || other[63 + shift] != 7 || to[n] != 9)
		return printf("memcpy of %zu bytes to %zu\n", n, shift);
	if (memcmp(to, one + 1, size) != 0)
		return printf("memcmp of %zu bytes at %zu\n", n, shift);
	if (n &&
	    (memchr(to, 0, size) != NULL ||
	     (to[n - 1] = 0, memchr(to, 0, size)) != to + n - 1 || strlen((char *)to) != n - 1))
		return printf("a search in %zu bytes at %zu\n", n, shift);
	memset(to, 0x5a, size);
	for (size_t i = 0; i < n; i++)
		if (to[i] != 0x5a)
			return printf("memset of %zu bytes at %zu\n", n, shift);
	if (other[63 + shift] != 7 || to[n] != 9)
		return printf("memset beyond %zu bytes at %zu\n", n, shift);
	/* Onto itself, both ways. */
	fill(other, n + 192, 3);
	fill(one, n + 192, 3);
	memmove(other + 16 + shift, other + 16, size);
	if (!is_same(other + 16 + shift, one + 16, n))
		return printf("memmove of %zu bytes up by %zu\n", n, shift);
	fill(other, n + 192, 3);
	memmove(other + 16, other + 16 + shift, size);
	if (!is_same(other + 16, one + 16 + shift, n))
		return printf("memmove of %zu bytes down by %zu\n", n, shift);
	return 0;
}

static int copy(void)
{
	static const size_t large[] = { 2048,    4096,    4097,         16447,
					65536,   100003,  0xc0000 - 1,  0xc0000,
					0xc0001, 1 << 20, 3145728 + 17, (4 << 20) + 1 };

	one = malloc(MOST);
	other = malloc(MOST);
	if (!one || !other)
		return 1;
	for (size_t n = 0; n <= 600; n++)
		for (size_t shift = 0; shift < 40; shift += 3)
			if (copy_of(n, shift))
				return 1;
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		for (size_t shift = 0; shift < 64; shift += 21)
			if (copy_of(large[i], shift))
				return 1;
	free(one);
	free(other);
	printf("copied\n");
	return 0;
}

/* --- threads and the end ------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sum;

static void *count(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		mine += 1;
		pthread_mutex_lock(&lock);
		sum += 1;
		pthread_mutex_unlock(&lock);
	}
	free(malloc(100000));
	if (arg)
		pthread_exit((void *)(intptr_t)mine);
	return (void *)(intptr_t)mine;
}

static int thread(void)
{
	pthread_t threads[8];
	void *ret;

	for (int i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, count, i % 2 ? &sum : NULL) != 0)
			return 1;
	for (int i = 0; i < 8; i++)
		if (pthread_join(threads[i], &ret) != 0 || (intptr_t)ret != 1017)
			return 1;
	printf("%d %d\n", sum, mine);
	return 0;
}

__attribute__((noinline)) static void smash(volatile size_t n)
{
	char buf[16];
	volatile char *p = buf;

	for (size_t i = 0; i < n; i++)
		p[i] = 'x';
}

int main(int argc, char **argv, char **envp)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "start") == 0)
		return start(argc, argv, envp);
	if (strcmp(what, "guards") == 0)
		return guards();
	if (strcmp(what, "copy") == 0)
		return copy();
	if (strcmp(what, "thread") == 0)
		return thread();
	if (strcmp(what, "end") == 0) {
		to_tell = true;
		atexit(at_exit);
		printf("main\n"); /* stays in the buffer: no line is written out here */
		return 3;
	}
	if (strcmp(what, "smash") == 0) {
		smash(64);
		return 0;
	}
	return 2;
}
