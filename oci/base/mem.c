/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_FIRST (2u << 10)  /* of the first block; each is as large as all before it */
#define ARENA_BLOCK (64u << 10) /* but not larger */

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	_Alignas(ARENA_ALIGN) char data[];
};

void arena_init(struct arena *a, size_t ceiling)
{
	*a = (struct arena){ .ceiling = ceiling };
}

void arena_done(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}

static size_t arena_block_size(const struct arena *a)
{
	if (a->used < ARENA_FIRST)
		return ARENA_FIRST;
	return a->used < ARENA_BLOCK ? a->used : ARENA_BLOCK;
}

static struct arena_block *arena_grow(struct arena *a, size_t size)
{
	size_t usual = arena_block_size(a);
	size_t want = size > usual / 4 ? size : usual;
	struct arena_block *b;

	b = malloc(sizeof(*b) + want);
	if (!b)
		return NULL;
	b->used = 0;
	b->size = want;

	/* A large piece gets a block of its own behind the current one, which still has room. */
	if (want == size && a->blocks) {
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		b->next = a->blocks;
		a->blocks = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2 || size > a->ceiling - a->used) {
		a->failed = 1;
		return NULL;
	}
	size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);

	if (!b || b->size - b->used < size) {
		b = arena_grow(a, size);
		if (!b) {
			a->failed = 1;
			return NULL;
		}
	}
	p = b->data + b->used;
	b->used += size;
	a->used += size < a->ceiling - a->used ? size : a->ceiling - a->used;
	return memset(p, 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total)) {
		a->failed = 1;
		return NULL;
	}
	return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p;

	if (len == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, len + 1);
	if (p)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;

	p = arena_alloc(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
