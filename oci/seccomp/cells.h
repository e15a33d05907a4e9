/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;

/*
 * A total function from 64-bit numbers to 32-bit values, as a list of cells: each holds from its
 * start to the next one's, the first starts at 0, and neighbours differ. So equal functions are
 * equal lists. Everything that rules say about the value of one argument becomes one of these.
 */
struct cell {
	uint64_t start;
	uint32_t value;
};

struct cells {
	size_t n; /* 0: without memory */
	struct cell *v;
};

/* No SECCOMP_RET_* value: "says nothing here" and, in a test, "holds here". */
#define CELL_PASS 0xffffffffu
#define CELL_IN   0xfffffffeu

/* `inside` from first to last, both included; CELL_PASS elsewhere. */
struct cells cells_range(struct arena *a, uint64_t first, uint64_t last, uint32_t inside);

/* What x says, and where it passes, what y says. With one value: the union. */
struct cells cells_overlay(struct arena *a, struct cells x, struct cells y);
/* What y says where x holds too, else CELL_PASS: the intersection. */
struct cells cells_within(struct arena *a, struct cells x, struct cells y);
/* `to` in place of `from`. In place. */
struct cells cells_replace(struct cells x, uint32_t from, uint32_t to);

/* The overlay of n lists, earlier ones on top, in n log n. */
struct cells cells_overlay_all(struct arena *a, const struct cells *v, size_t n);

uint32_t cells_at(struct cells x, uint64_t number);
