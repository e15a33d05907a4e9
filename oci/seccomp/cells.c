/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/cells.h"

#include "base/mem.h"

/* Keeps the list in its one shape: a cell that says what its neighbour says is none. */
static void cells_push(struct cells *c, uint64_t start, uint32_t value)
{
	if (c->n && c->v[c->n - 1].value == value)
		return;
	c->v[c->n++] = (struct cell){ start, value };
}

struct cells cells_range(struct arena *a, uint64_t first, uint64_t last, uint32_t inside)
{
	struct cells ret = { 0, arena_array(a, 3, sizeof(struct cell)) };

	if (!ret.v)
		return ret;
	if (first > last) {
		cells_push(&ret, 0, CELL_PASS);
		return ret;
	}
	if (first > 0)
		cells_push(&ret, 0, CELL_PASS);
	cells_push(&ret, first, inside);
	if (last < UINT64_MAX)
		cells_push(&ret, last + 1, CELL_PASS);
	return ret;
}

static uint32_t value_overlay(uint32_t x, uint32_t y)
{
	return x == CELL_PASS ? y : x;
}

static uint32_t value_within(uint32_t x, uint32_t y)
{
	return x == CELL_PASS ? CELL_PASS : y;
}

static struct cells cells_merge(struct arena *a, struct cells x, struct cells y,
				uint32_t (*value)(uint32_t, uint32_t))
{
	struct cells ret = { 0 };
	size_t i = 0, j = 0;

	if (!x.n || !y.n)
		return ret;
	ret.v = arena_array(a, x.n + y.n, sizeof(struct cell));
	if (!ret.v)
		return ret;

	for (;;) {
		uint64_t start = x.v[i].start > y.v[j].start ? x.v[i].start : y.v[j].start;
		uint64_t next_x = i + 1 < x.n ? x.v[i + 1].start : 0;
		uint64_t next_y = j + 1 < y.n ? y.v[j + 1].start : 0;

		cells_push(&ret, start, value(x.v[i].value, y.v[j].value));
		if (!next_x && !next_y)
			return ret;
		if (next_x && (!next_y || next_x <= next_y))
			i++;
		if (next_y && (!next_x || next_y <= next_x))
			j++;
	}
}

struct cells cells_overlay(struct arena *a, struct cells x, struct cells y)
{
	return cells_merge(a, x, y, value_overlay);
}

struct cells cells_within(struct arena *a, struct cells x, struct cells y)
{
	return cells_merge(a, x, y, value_within);
}

struct cells cells_replace(struct cells x, uint32_t from, uint32_t to)
{
	struct cells ret = { 0, x.v };

	for (size_t i = 0; i < x.n; i++)
		cells_push(&ret, x.v[i].start, x.v[i].value == from ? to : x.v[i].value);
	return ret;
}

struct cells cells_overlay_all(struct arena *a, const struct cells *v, size_t n)
{
	if (n == 1)
		return v[0];
	return cells_overlay(a, cells_overlay_all(a, v, n / 2),
			     cells_overlay_all(a, v + n / 2, n - n / 2));
}

uint32_t cells_at(struct cells x, uint64_t number)
{
	size_t lo = 0, hi = x.n;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (x.v[mid].start <= number)
			lo = mid;
		else
			hi = mid;
	}
	return x.v[lo].value;
}
