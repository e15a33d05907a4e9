/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Memory and descriptors that end with their scope, and one arena per parsed document.
 */

static inline void mem_freep(void *p)
{
	free(*(void **)p);
}

static inline void mem_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define autofree  __attribute__((cleanup(mem_freep)))
#define autoclose __attribute__((cleanup(mem_closep)))

/* Hands ownership out of an auto variable: `return take_fd(&fd);` */
static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

#define take_ptr(p)                             \
	({                                      \
		__typeof__(*(p)) _taken = *(p); \
		*(p) = NULL;                    \
		_taken;                         \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * An arena: many small pieces, freed all at once. Every piece is zeroed and 16-byte aligned.
 * Allocation past the ceiling, or without memory, returns NULL and sets `failed`, so that a
 * builder may check once at its end.
 */
struct arena {
	struct arena_block *blocks;
	size_t used;    /* bytes handed out */
	size_t ceiling; /* bytes it may hand out at most */
	int failed;
};

void arena_init(struct arena *a, size_t ceiling);
void arena_done(struct arena *a); /* safe on a zeroed or finished arena */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size); /* checks the product */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
