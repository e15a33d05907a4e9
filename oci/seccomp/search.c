/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/search.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdbool.h>

#include "base/mem.h"
#include "seccomp/emit.h"

/* Single numbers one leaf tests one after the other: more would make the tree's leaves deep. */
#define LEAF_POINTS 3

struct leaf {
	uint32_t start;
	uint32_t target;
	size_t first; /* of its points */
	size_t n;
};

struct tree {
	const struct search *s;
	struct leaf *leaves;
	struct branch *points;
	size_t n_leaves;
	size_t n_points;
};

/* A branch that is one number between two ranges of one target. */
static bool is_point(const struct branch *v, size_t n, size_t i, uint32_t around)
{
	return i + 1 < n && v[i + 1].start == v[i].start + 1 && v[i + 1].target == around;
}

static void leaves_make(struct tree *t, const struct branch *v, size_t n)
{
	size_t i = 0;

	while (i < n) {
		struct leaf *leaf = &t->leaves[t->n_leaves++];

		*leaf = (struct leaf){ v[i].start, v[i].target, t->n_points, 0 };
		for (i++; is_point(v, n, i, leaf->target); i += 2) {
			if (leaf->n == LEAF_POINTS) {
				leaf = &t->leaves[t->n_leaves++];
				*leaf = (struct leaf){ v[i].start, leaf[-1].target, t->n_points,
						       0 };
			}
			t->points[t->n_points++] = v[i];
			leaf->n++;
		}
	}
}

static uint32_t leaf_emit(const struct tree *t, const struct leaf *leaf)
{
	const struct search *s = t->s;
	uint32_t next = s->label(s->context, leaf->target);

	for (size_t i = leaf->n; i-- > 0;) {
		const struct branch *p = &t->points[leaf->first + i];
		uint32_t there = s->label(s->context, p->target);

		next = emit_jump(s->emit, BPF_JEQ, p->start, there, next, s->loaded);
	}
	return next;
}

static uint32_t tree_emit(const struct tree *t, size_t first, size_t n)
{
	size_t half = n / 2;
	uint32_t above, below;

	if (n == 1)
		return leaf_emit(t, &t->leaves[first]);
	above = tree_emit(t, first + half, n - half);
	below = tree_emit(t, first, half);
	return emit_jump(t->s->emit, BPF_JGE, t->leaves[first + half].start, above, below,
			 t->s->loaded);
}

uint32_t search_emit(const struct search *s, const struct branch *v, size_t n)
{
	struct tree t = {
		.s = s,
		.leaves = arena_array(s->arena, n, sizeof(struct leaf)),
		.points = arena_array(s->arena, n, sizeof(struct branch)),
	};

	if (!t.leaves || !t.points) {
		s->emit->failed = -ENOMEM;
		return 0;
	}
	leaves_make(&t, v, n);
	return tree_emit(&t, 0, t.n_leaves);
}
