/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct emit;

/*
 * Code that tells in which of many ranges a 32-bit word lies: a balanced tree of comparisons, with
 * single numbers that differ from what surrounds them taken out first, as one comparison each.
 */
struct branch { /* from here to the start of the next, the last to 2^32 - 1 */
	uint32_t start;
	uint32_t target; /* whatever `label` understands; equal targets are one place */
};

struct search {
	struct arena *arena;
	struct emit *emit;
	uint32_t loaded; /* offset of the word that stands in A */
	uint32_t (*label)(void *context, uint32_t target);
	void *context;
};

/* A holds the word. The label of the code, or 0 and emit->failed. n > 0, the first starts at 0. */
uint32_t search_emit(const struct search *s, const struct branch *v, size_t n);
