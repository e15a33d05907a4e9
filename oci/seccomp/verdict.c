/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/verdict.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "seccomp/meaning.h"
#include "seccomp/rules.h"
#include "spec/spec.h"

/* --- one rule: a step -------------------------------------------------------------------------
 * Conditions on one argument become cells; only masks that are no single value stay tests of
 * their own. A rule that can never match gives no step.
 */

struct span64 {
	uint64_t first;
	uint64_t last;
};

static uint64_t arg_max(bool narrow)
{
	return narrow ? UINT32_MAX : UINT64_MAX;
}

/* The value as the argument can have it. */
static bool arg_value(bool narrow, uint64_t value, uint64_t *ret)
{
	*ret = value;
	if (!narrow || value <= UINT32_MAX)
		return true;
	*ret = value & UINT32_MAX;
	return (value | INT32_MAX) == UINT64_MAX; /* a negative number */
}

/* The values one condition holds for, at most two spans. Returns how many. */
static size_t condition_spans(const struct seccomp_condition *c, uint64_t value, bool fits,
			      uint64_t max, struct span64 *ret)
{
	struct span64 below = { 0, value - 1 }, above = { value + 1, max };
	struct span64 same = { value, value }, all = { 0, max };
	size_t n = 0;

	switch (c->op) {
	case SPEC_SECCOMP_NE:
		if (!fits) {
			ret[n++] = all;
			break;
		}
		if (value > 0)
			ret[n++] = below;
		if (value < max)
			ret[n++] = above;
		break;
	case SPEC_SECCOMP_LT:
		if (!fits)
			ret[n++] = all;
		else if (value > 0)
			ret[n++] = below;
		break;
	case SPEC_SECCOMP_LE:
		ret[n++] = fits ? (struct span64){ 0, value } : all;
		break;
	case SPEC_SECCOMP_GE:
		if (fits)
			ret[n++] = (struct span64){ value, max };
		break;
	case SPEC_SECCOMP_GT:
		if (fits && value < max)
			ret[n++] = above;
		break;
	default: /* EQ, also of a mask of ones */
		if (fits)
			ret[n++] = same;
		break;
	}
	return n;
}

static struct cells spans_cells(struct arena *a, const struct span64 *s, size_t n, uint64_t max)
{
	struct cells ret, more;

	if (!n)
		return cells_range(a, 1, 0, CELL_IN);
	ret = cells_range(a, s[0].first, s[0].last == max ? UINT64_MAX : s[0].last, CELL_IN);
	if (n == 1)
		return ret;
	more = cells_range(a, s[1].first, s[1].last == max ? UINT64_MAX : s[1].last, CELL_IN);
	return cells_overlay(a, ret, more);
}

/* 1: a test that is a mask and nothing else, 0: cells. */
static int condition_test(struct arena *a, const struct seccomp_condition *c, bool narrow,
			  struct seccomp_test *ret)
{
	uint64_t max = arg_max(narrow), mask = c->value & max, value;
	bool masked = c->op == SPEC_SECCOMP_MASKED_EQ;
	bool fits = arg_value(narrow, masked ? c->value_two : c->value, &value);
	struct span64 spans[2];
	size_t n = 0;

	*ret = (struct seccomp_test){ .index = c->index, .narrow = narrow };
	if (masked && fits && mask && mask != max && !(value & ~mask)) {
		ret->masked = true;
		ret->mask = mask;
		ret->value = value;
		/* A mask and a value that fit the lower half are the same test in both widths. */
		ret->narrow = mask <= UINT32_MAX;
		return 1;
	}
	if (masked && mask != max) {
		if (fits && !(value & ~mask))
			spans[n++] = (struct span64){ 0, max };
	} else {
		n = condition_spans(c, value, fits, max, spans);
	}
	ret->cells = spans_cells(a, spans, n, max);
	return ret->cells.n ? 0 : -ENOMEM;
}

static bool cells_none(struct cells c)
{
	return c.n == 1 && c.v[0].value == CELL_PASS;
}

static bool cells_all(struct cells c)
{
	return c.n == 1 && c.v[0].value == CELL_IN;
}

static int test_compare(const struct seccomp_test *x, const struct seccomp_test *y);

static int tests_order(const void *x, const void *y)
{
	return test_compare(x, y);
}

/* The cells of all conditions on one argument; masks are appended to the step. */
static int argument_cells(struct arena *a, const struct seccomp_use *use, uint8_t index,
			  struct seccomp_step *step, struct seccomp_test *ret)
{
	const struct seccomp_rule *rule = use->rule;
	bool any_of = rule->any_of >> index & 1, narrow = use->narrow >> index & 1;
	struct cells all = cells_range(a, any_of ? 1 : 0, any_of ? 0 : UINT64_MAX, CELL_IN);

	for (uint32_t i = 0; i < rule->n && all.n; i++) {
		const struct seccomp_condition *c = &rule->conditions[i];
		struct seccomp_test test;
		int r;

		if (c->index != index)
			continue;
		r = condition_test(a, c, narrow, &test);
		if (r < 0)
			return r;
		if (r == 1)
			step->tests[step->n++] = test;
		else
			all = any_of ? cells_overlay(a, all, test.cells)
				     : cells_within(a, all, test.cells);
	}
	*ret = (struct seccomp_test){ .index = index, .narrow = narrow, .cells = all };
	return all.n ? 0 : -ENOMEM;
}

/* 1: *ret is the step, 0: the rule never matches, -ENOMEM. */
static int step_build(struct arena *a, const struct seccomp_use *use, struct seccomp_step *ret)
{
	const struct seccomp_rule *rule = use->rule;
	size_t n = 0;

	*ret = (struct seccomp_step){ .action = rule->action, .source = rule->source };
	if (!rule->n)
		return 1;
	ret->tests = arena_array(a, rule->n + (size_t)__builtin_popcount(rule->indices),
				 sizeof(*ret->tests));
	if (!ret->tests)
		return -ENOMEM;

	for (uint8_t index = 0; index < SPEC_SECCOMP_MAX_ARGS; index++) {
		struct seccomp_test test;
		int r;

		if (!(rule->indices >> index & 1))
			continue;
		r = argument_cells(a, use, index, ret, &test);
		if (r < 0)
			return r;
		if (cells_none(test.cells))
			return 0;
		if (!cells_all(test.cells))
			ret->tests[ret->n++] = test;
	}

	qsort(ret->tests, ret->n, sizeof(*ret->tests), tests_order);
	for (size_t i = 0; i < ret->n; i++) {
		if (n == 0 || test_compare(&ret->tests[n - 1], &ret->tests[i]))
			ret->tests[n++] = ret->tests[i];
	}
	ret->n = n;
	return 1;
}

/* --- an order that has nothing to do with that of the rules ------------------------------------ */

#define COMPARE(x, y)                              \
	do {                                       \
		if ((x) != (y))                    \
			return (x) < (y) ? -1 : 1; \
	} while (0)

static int cells_compare(struct cells x, struct cells y)
{
	COMPARE(x.n, y.n);
	for (size_t i = 0; i < x.n; i++) {
		COMPARE(x.v[i].start, y.v[i].start);
		COMPARE(x.v[i].value, y.v[i].value);
	}
	return 0;
}

static int test_compare(const struct seccomp_test *x, const struct seccomp_test *y)
{
	COMPARE(x->index, y->index);
	COMPARE(x->masked, y->masked);
	COMPARE(x->narrow, y->narrow);
	COMPARE(x->mask, y->mask);
	COMPARE(x->value, y->value);
	return cells_compare(x->cells, y->cells);
}

/* Steps that only look at the cells of one argument can be folded into a map. */
static bool step_is_plain(const struct seccomp_step *s)
{
	return s->n == 1 && !s->tests[0].masked;
}

/* By precedence; within one action the unconditional first, then the plain, then by content. */
static int step_order(const void *px, const void *py)
{
	const struct seccomp_step *x = px, *y = py;

	if (x->action != y->action)
		return seccomp_action_beats(x->action, y->action) ? -1 : 1;
	COMPARE(x->n, y->n);
	COMPARE(!step_is_plain(x), !step_is_plain(y));
	for (size_t i = 0; i < x->n; i++) {
		int c = test_compare(&x->tests[i], &y->tests[i]);

		if (c)
			return c;
	}
	return 0;
}

/* --- the verdict ------------------------------------------------------------------------------- */

/* Folds runs of plain steps on one argument into maps. */
static int steps_fold(struct arena *a, struct seccomp_verdict *v)
{
	struct cells *run;
	size_t n = 0;

	for (size_t i = 0, j; i < v->n; i = j) {
		struct seccomp_step *s = &v->steps[i];

		if (!step_is_plain(s)) {
			v->steps[n++] = *s;
			j = i + 1;
			continue;
		}
		for (j = i + 1; j < v->n && step_is_plain(&v->steps[j]) &&
				v->steps[j].tests[0].index == s->tests[0].index;
		     j++)
			;
		run = arena_array(a, j - i, sizeof(*run));
		if (!run)
			return -ENOMEM;
		for (size_t k = i; k < j; k++)
			run[k - i] = cells_replace(v->steps[k].tests[0].cells, CELL_IN,
						   v->steps[k].action);

		v->steps[n] = *s;
		v->steps[n].is_map = true;
		v->steps[n].action = 0;
		v->steps[n].tests[0].cells = cells_overlay_all(a, run, j - i);
		if (!v->steps[n].tests[0].cells.n)
			return -ENOMEM;
		n++;
	}
	v->n = n;
	return 0;
}

static bool map_passes(const struct seccomp_step *s)
{
	struct cells c = s->tests[0].cells;

	for (size_t i = 0; i < c.n; i++) {
		if (c.v[i].value == CELL_PASS)
			return true;
	}
	return false;
}

/* Drops what can make no difference at the end. */
static void steps_trim(struct seccomp_verdict *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->steps[i].is_map && !map_passes(&v->steps[i]))
			v->n = i + 1;
	}
	while (v->n) {
		struct seccomp_step *s = &v->steps[v->n - 1];
		struct cells *c = &s->tests[0].cells;

		if (!s->is_map && s->action != v->final)
			return;
		if (s->is_map) {
			*c = cells_replace(*c, CELL_PASS, v->final);
			v->final = c->v[0].value;
			if (c->n > 1)
				return;
		}
		v->n--;
	}
}

int seccomp_verdict_build(struct arena *a, const struct seccomp_use *uses, size_t n,
			  uint32_t otherwise, struct seccomp_verdict *ret)
{
	struct seccomp_verdict v = { .final = otherwise };
	size_t kept = 0;
	int r;

	v.steps = arena_array(a, n, sizeof(*v.steps));
	if (!v.steps)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		r = step_build(a, &uses[i], &v.steps[v.n]);
		if (r < 0)
			return r;
		v.n += (size_t)r;
	}
	qsort(v.steps, v.n, sizeof(*v.steps), step_order);

	for (size_t i = 0; i < v.n; i++) {
		if (!v.steps[i].n) {
			v.final = v.steps[i].action;
			break;
		}
		if (kept == 0 || step_order(&v.steps[kept - 1], &v.steps[i]))
			v.steps[kept++] = v.steps[i];
	}
	v.n = kept;

	r = steps_fold(a, &v);
	if (r < 0)
		return r;
	steps_trim(&v);
	*ret = v;
	return 0;
}
