/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/compile.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "seccomp/emit.h"
#include "seccomp/meaning.h"
#include "seccomp/program.h"
#include "seccomp/rules.h"
#include "seccomp/search.h"
#include "spec/spec.h"

#define COMPILE_MEMORY (256u << 20)
#define CHAINS_MAX     64 /* more are emitted again */

#define WORD_NR   ((uint32_t)offsetof(struct seccomp_data, nr))
#define WORD_ARCH ((uint32_t)offsetof(struct seccomp_data, arch))

struct compiler {
	struct arena arena;
	struct emit emit;
	const struct seccomp_meaning *m;
	uint32_t *labels; /* of verdicts, 1 more than the label; 0: not emitted yet */
	size_t *sizes;    /* instructions each verdict took */
	size_t n_chains;
	struct chain { /* what stands behind an answer that a ceiling may cut */
		const struct seccomp_verdict *v;
		uint32_t floor;
		uint32_t label;
	} chains[CHAINS_MAX];
};

static uint32_t answer_emit(struct compiler *c, const struct seccomp_verdict *v, uint32_t floor,
			    uint32_t action);

/* --- the value of one argument ------------------------------------------------------------------ */

static uint32_t word_low(uint8_t index)
{
	return (uint32_t)offsetof(struct seccomp_data, args) + 8u * index +
	       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
}

static uint32_t word_high(uint8_t index)
{
	return word_low(index) ^ 4;
}

/* What the cells of an argument lead to. */
struct outcome {
	struct compiler *c;
	const struct seccomp_verdict *v;
	uint32_t floor;
	uint32_t in;
	uint32_t pass;
	const uint32_t *mixed; /* upper halves that need a look at the lower one */
};

/* No SECCOMP_RET_* value either: the upper half that mixed[low bits] goes on from. */
#define TARGET_MIXED 0xe0000000u

static uint32_t outcome_label(void *context, uint32_t target)
{
	const struct outcome *o = context;

	if (target == CELL_PASS)
		return o->pass;
	if (target == CELL_IN)
		return o->in;
	if ((target & 0xf0000000u) == TARGET_MIXED)
		return o->mixed[target & ~0xf0000000u];
	return answer_emit(o->c, o->v, o->floor, target);
}

static uint32_t word_search(struct compiler *c, struct outcome *o, uint32_t word,
			    const struct branch *v, size_t n)
{
	struct search s = { &c->arena, &c->emit, word, outcome_label, o };

	return emit_load(&c->emit, word, search_emit(&s, v, n));
}

static void branch_push(struct branch *v, size_t *n, uint32_t start, uint32_t target)
{
	if (*n && v[*n - 1].target == target)
		return;
	v[(*n)++] = (struct branch){ start, target };
}

/* Cells whose boundaries share one upper half `v[0].start >> 32`: how many. */
static size_t cells_same_high(const struct cell *v, size_t n)
{
	size_t i = 1;

	while (i < n && v[i].start >> 32 == v[0].start >> 32)
		i++;
	return i;
}

static uint32_t cells_emit(struct compiler *c, const struct seccomp_verdict *verdict,
			   uint32_t floor, const struct seccomp_test *t, uint32_t in,
			   uint32_t pass)
{
	size_t n = t->cells.n, n_high = 0, n_mixed = 0;
	struct branch *low = arena_array(&c->arena, n + 1, sizeof(*low));
	struct branch *high = arena_array(&c->arena, 2 * n, sizeof(*high));
	uint32_t *mixed = arena_array(&c->arena, n, sizeof(*mixed));
	struct outcome o = { c, verdict, floor, in, pass, mixed };
	uint32_t before = CELL_PASS;

	if (!low || !high || !mixed) {
		c->emit.failed = -ENOMEM;
		return 0;
	}
	for (size_t i = 0, count; i < n; i += count) {
		const struct cell *v = &t->cells.v[i];
		uint32_t top = (uint32_t)(v->start >> 32);
		size_t n_low = 0;

		count = cells_same_high(v, n - i);
		if (count == 1 && !(uint32_t)v->start) {
			branch_push(high, &n_high, top, v->value);
			before = v->value;
			continue;
		}
		if ((uint32_t)v->start)
			branch_push(low, &n_low, 0, before);
		for (size_t j = 0; j < count; j++)
			branch_push(low, &n_low, (uint32_t)v[j].start, v[j].value);
		before = v[count - 1].value;
		mixed[n_mixed] = word_search(c, &o, word_low(t->index), low, n_low);
		branch_push(high, &n_high, top, TARGET_MIXED | (uint32_t)n_mixed++);
		if (top < UINT32_MAX &&
		    (i + count == n || t->cells.v[i + count].start >> 32 > top + 1))
			branch_push(high, &n_high, top + 1, before);
	}
	if (t->narrow)
		return mixed[0];
	return word_search(c, &o, word_high(t->index), high, n_high);
}

/* --- masks -------------------------------------------------------------------------------------- */

static uint32_t mask_word_emit(struct compiler *c, uint32_t word, uint32_t mask, uint32_t value,
			       uint32_t yes, uint32_t no)
{
	uint32_t label;

	if (!mask)
		return yes;
	if (!value) {
		label = emit_jump(&c->emit, BPF_JSET, mask, no, yes, word);
	} else if (mask == UINT32_MAX) {
		label = emit_jump(&c->emit, BPF_JEQ, value, yes, no, word);
	} else {
		label = emit_jump(&c->emit, BPF_JEQ, value, yes, no, EMIT_NO_LOAD);
		label = emit_and(&c->emit, mask, label);
	}
	return emit_load(&c->emit, word, label);
}

static uint32_t test_emit(struct compiler *c, const struct seccomp_test *t, uint32_t yes,
			  uint32_t no)
{
	if (!t->masked)
		return cells_emit(c, NULL, 0, t, yes, no);

	yes = mask_word_emit(c, word_low(t->index), (uint32_t)t->mask, (uint32_t)t->value, yes,
			     no);
	return mask_word_emit(c, word_high(t->index), (uint32_t)(t->mask >> 32),
			      (uint32_t)(t->value >> 32), yes, no);
}

/* --- verdicts and numbers ------------------------------------------------------------------------ */

/* `floor`: what was answered before, by what this cuts. */
static uint32_t verdict_emit(struct compiler *c, const struct seccomp_verdict *v,
			     uint32_t floor)
{
	uint32_t next = answer_emit(c, v, floor, v->final);

	for (size_t i = v->n; i-- > 0;) {
		const struct seccomp_step *s = &v->steps[i];
		uint32_t yes;

		if (s->is_map) {
			next = cells_emit(c, v, floor, &s->tests[0], 0, next);
			continue;
		}
		yes = answer_emit(c, v, floor, s->action);
		for (size_t j = s->n; j-- > 0;)
			yes = test_emit(c, &s->tests[j], yes, next);
		next = yes;
	}
	return next;
}

static bool verdict_same(const struct seccomp_verdict *x, const struct seccomp_verdict *y)
{
	return x == y ||
	       (x->hash == y->hash && x->len == y->len && !memcmp(x->bytes, y->bytes, x->len));
}

/* An answer: returned, or met with what cuts it where that may be stricter. */
static uint32_t answer_emit(struct compiler *c, const struct seccomp_verdict *v, uint32_t floor,
			    uint32_t action)
{
	uint32_t label;

	action = seccomp_action_stricter(floor, action);
	if (!v->cut || !seccomp_verdict_beats(v->cut, action))
		return emit_return(&c->emit, action);
	for (size_t i = 0; i < c->n_chains; i++) {
		if (c->chains[i].floor == action && verdict_same(c->chains[i].v, v->cut))
			return c->chains[i].label;
	}
	label = verdict_emit(c, v->cut, action);
	if (c->n_chains < CHAINS_MAX)
		c->chains[c->n_chains++] = (struct chain){ v->cut, action, label };
	return label;
}

/* Tests of arguments stand once, next to the first number that needs them. */
static uint32_t verdict_label(void *context, uint32_t target)
{
	struct compiler *c = context;
	const struct seccomp_verdict *v = &c->m->verdicts[target];
	size_t before = c->emit.n;

	if (!v->n && !v->cut)
		return emit_return(&c->emit, v->final);
	if (!c->labels[target]) {
		c->labels[target] = verdict_emit(c, v, SECCOMP_RET_ALLOW) + 1;
		c->sizes[target] = c->emit.n - before;
	}
	return c->labels[target] - 1;
}

static uint32_t spans_emit(struct compiler *c, const struct seccomp_span *spans, size_t n)
{
	struct search s = { &c->arena, &c->emit, WORD_NR, verdict_label, c };
	struct branch *v = arena_array(&c->arena, n, sizeof(*v));

	if (!v) {
		c->emit.failed = -ENOMEM;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = (struct branch){ spans[i].start, spans[i].verdict };
	return search_emit(&s, v, n);
}

static uint32_t arch_emit(struct compiler *c, const struct seccomp_arch *arch)
{
	size_t x32 = 0;
	uint32_t above, below;

	/* x32 shares the architecture of x86_64: it gets a tree of its own, off the main road. */
	while (x32 < arch->n && arch->spans[x32].start != SECCOMP_X32_BIT)
		x32++;
	if (x32 == 0 || x32 == arch->n)
		return emit_load(&c->emit, WORD_NR, spans_emit(c, arch->spans, arch->n));

	above = spans_emit(c, arch->spans + x32, arch->n - x32);
	below = spans_emit(c, arch->spans, x32);
	return emit_load(&c->emit, WORD_NR,
			 emit_jump(&c->emit, BPF_JGE, SECCOMP_X32_BIT, above, below, WORD_NR));
}

static void meaning_emit(struct compiler *c)
{
	const struct seccomp_meaning *m = c->m;
	uint32_t entry[ARRAY_SIZE(m->arches)], next;

	for (size_t i = m->n_arches; i-- > 0;)
		entry[i] = arch_emit(c, &m->arches[i]);
	next = emit_return(&c->emit, SECCOMP_UNLISTED_ACTION);
	for (size_t i = m->n_arches; i-- > 0;)
		next = emit_jump(&c->emit, BPF_JEQ, m->arches[i].audit, entry[i], next,
				 WORD_ARCH);
	emit_load(&c->emit, WORD_ARCH, next);
}

/* --- too large ----------------------------------------------------------------------------------- */

static int compile_too_big(struct compiler *c, struct error *e)
{
	const struct seccomp_meaning *m = c->m;
	char most[512] = "";
	size_t len = 0;

	for (int rank = 0; rank < 3 && len < sizeof(most); rank++) {
		const struct seccomp_verdict *v;
		size_t best = 0;

		for (size_t i = 1; i < m->n_verdicts; i++) {
			if (c->sizes[i] > c->sizes[best])
				best = i;
		}
		if (!c->sizes[best])
			break;
		v = &m->verdicts[best];
		len += (size_t)snprintf(
			most + len, sizeof(most) - len,
			"%s%s (linux.seccomp.syscalls[%" PRIu32 "], %zu instructions)",
			rank ? ", " : "",
			seccomp_syscall_name(v->abi, seccomp_slot_nr(v->abi, v->slot)) ?: "?",
			v->n ? v->steps[0].source : 0, c->sizes[best]);
		c->sizes[best] = 0;
	}
	error_say(e, E2BIG,
		  "linux.seccomp: the filter needs %s%zu instructions, the kernel takes %u%s%s",
		  c->emit.failed ? "more than " : "", c->emit.n, SECCOMP_PROGRAM_MAX,
		  *most ? "; the biggest: " : "", most);
	error_hint(e, "use fewer conditions on the arguments of these calls");
	return -E2BIG;
}

/* --- the whole ----------------------------------------------------------------------------------- */

static int compile_run(struct compiler *c, struct seccomp_program *ret, struct error *e)
{
	const struct seccomp_meaning *m = c->m;

	c->labels = arena_array(&c->arena, m->n_verdicts, sizeof(*c->labels));
	c->sizes = arena_array(&c->arena, m->n_verdicts, sizeof(*c->sizes));
	if (!c->labels || !c->sizes)
		return error_set(e, ENOMEM, "linux.seccomp");

	meaning_emit(c);
	if (c->emit.failed == -E2BIG || c->emit.n > SECCOMP_PROGRAM_MAX)
		return compile_too_big(c, e);
	if (c->emit.failed)
		return error_set(e, -c->emit.failed, "linux.seccomp");

	seccomp_program_init(ret);
	ret->n = c->emit.n;
	ret->insns = emit_take(&c->emit);
	ret->flags = m->flags;
	ret->has_notify = m->has_notify;
	return 0;
}

int seccomp_compile_meaning(const struct seccomp_meaning *m, struct seccomp_program *ret,
			    struct error *e)
{
	struct compiler c = { .m = m };
	int r;

	arena_init(&c.arena, COMPILE_MEMORY);
	emit_init(&c.emit);
	r = compile_run(&c, ret, e);
	emit_done(&c.emit);
	arena_done(&c.arena);
	return r;
}

int seccomp_compile(const struct spec_seccomp *spec, const struct seccomp_target *target,
		    struct seccomp_program *ret, struct error *e)
{
	struct seccomp_meaning m;
	struct seccomp_rules rules;
	int r;

	if (!spec->present) {
		seccomp_program_init(ret);
		return 0;
	}
	r = seccomp_rules_init(&rules, spec, target, e);
	if (r < 0)
		return r;
	r = seccomp_meaning_init(&m, &rules, e);
	if (r == 0)
		r = seccomp_compile_meaning(&m, ret, e);
	seccomp_meaning_done(&m);
	seccomp_rules_done(&rules);
	return r;
}
