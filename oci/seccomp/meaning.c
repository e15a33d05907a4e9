/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/meaning.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "seccomp/abi.h"
#include "seccomp/compile.h"
#include "seccomp/rules.h"
#include "seccomp/verdict.h"

#define MEANING_MEMORY (256u << 20)
#define VERDICT_MAX    (64u << 20)

/* --- the canonical encoding: the length of every list in front of it ------------------------- */

/* A buffer whose first failure stays: no piece may be missing from what tells two verdicts apart. */
struct encoder {
	struct buf buf;
	int failed;
};

static void put(struct encoder *c, uint64_t v, int bytes)
{
	char out[8];
	int r;

	for (int i = 0; i < bytes; i++)
		out[i] = (char)(v >> 8 * i);
	r = buf_add(&c->buf, out, (size_t)bytes);
	if (r < 0)
		c->failed = r;
}

static void put_test(struct encoder *c, const struct seccomp_test *t)
{
	put(c, (uint64_t)(t->index | t->narrow << 3 | t->masked << 4), 1);
	put(c, t->mask, 8);
	put(c, t->value, 8);
	put(c, t->cells.n, 4);
	for (size_t i = 0; i < t->cells.n; i++) {
		put(c, t->cells.v[i].start, 8);
		put(c, t->cells.v[i].value, 4);
	}
}

static int verdict_encode(struct arena *a, struct encoder *c, struct seccomp_verdict *v)
{
	char *bytes;

	buf_reset(&c->buf);
	put(c, v->final, 4);
	put(c, v->n, 4);
	for (size_t i = 0; i < v->n; i++) {
		const struct seccomp_step *s = &v->steps[i];

		put(c, s->is_map, 1);
		put(c, s->action, 4);
		put(c, s->n, 4);
		for (size_t j = 0; j < s->n; j++)
			put_test(c, &s->tests[j]);
	}
	put(c, v->cut ? v->cut->len : 0, 4);
	if (v->cut && !c->failed)
		c->failed = buf_add(&c->buf, v->cut->bytes, v->cut->len);
	if (c->failed)
		return c->failed;

	bytes = arena_alloc(a, c->buf.len);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, c->buf.data, c->buf.len);
	v->bytes = bytes;
	v->len = c->buf.len;
	v->hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < v->len; i++)
		v->hash = (v->hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
	return 0;
}

/* --- verdicts, each once --------------------------------------------------------------------- */

struct builder {
	struct seccomp_meaning *m;
	const struct seccomp_rules
		*rules;  /* that are being read: the profile's or a ceiling's */
	size_t capacity; /* of verdicts */
	size_t n_actions;
	size_t actions[16]; /* verdicts that are one action: most numbers have one of these */
	struct encoder encoder;
};

/* The index of the verdict, new or known, or -ENOMEM. */
static int verdict_intern(struct builder *b, const struct seccomp_verdict *v)
{
	struct seccomp_meaning *m = b->m;
	struct seccomp_verdict *more;

	for (size_t i = 0; i < m->n_verdicts; i++) {
		const struct seccomp_verdict *old = &m->verdicts[i];

		if (old->hash == v->hash && old->len == v->len &&
		    !memcmp(old->bytes, v->bytes, v->len))
			return (int)i;
	}
	if (m->n_verdicts == b->capacity) {
		size_t capacity = b->capacity ? 2 * b->capacity : 32;

		more = arena_array(&m->arena, capacity, sizeof(*more));
		if (!more)
			return -ENOMEM;
		if (m->n_verdicts)
			memcpy(more, m->verdicts, m->n_verdicts * sizeof(*more));
		m->verdicts = more;
		b->capacity = capacity;
	}
	m->verdicts[m->n_verdicts] = *v;
	return (int)m->n_verdicts++;
}

/* The verdict that is one action, whatever the arguments. */
static int verdict_action(struct builder *b, uint32_t action)
{
	struct seccomp_verdict v = { .final = action };
	int r;

	for (size_t i = 0; i < b->n_actions; i++) {
		if (b->m->verdicts[b->actions[i]].final == action)
			return (int)b->actions[i];
	}
	r = verdict_encode(&b->m->arena, &b->encoder, &v);
	if (r == 0)
		r = verdict_intern(b, &v);
	if (r >= 0 && b->n_actions < ARRAY_SIZE(b->actions))
		b->actions[b->n_actions++] = (size_t)r;
	return r;
}

static int verdict_at(struct builder *b, enum seccomp_abi abi, uint32_t slot)
{
	const struct seccomp_abi_rules *a = b->rules->abi[abi];
	const struct seccomp_use *uses = a->uses + a->first[slot];
	size_t n = a->first[slot + 1] - a->first[slot];
	bool known = a->known[slot / 64] >> slot % 64 & 1;
	uint32_t otherwise = known ? b->rules->default_action : b->rules->unknown_action;
	struct seccomp_verdict v;
	int r;

	if (!n)
		return verdict_action(b, otherwise);
	if (n == 1 && !uses->rule->n)
		return verdict_action(b, uses->rule->action);

	r = seccomp_verdict_build(&b->m->arena, uses, n, otherwise, &v);
	if (r < 0)
		return r;
	if (!v.n)
		return verdict_action(b, v.final);
	v.abi = abi;
	v.slot = slot;
	r = verdict_encode(&b->m->arena, &b->encoder, &v);
	return r < 0 ? r : verdict_intern(b, &v);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int span_push(struct seccomp_arch *arch, uint32_t start, int verdict)
{
	if (verdict < 0)
		return verdict;
	if (arch->n && arch->spans[arch->n - 1].verdict == (uint32_t)verdict)
		return 0;
	arch->spans[arch->n++] = (struct seccomp_span){ start, (uint32_t)verdict };
	return 0;
}

/* All numbers of one ABI. */
static int abi_spans(struct builder *b, enum seccomp_abi abi, struct seccomp_arch *arch)
{
	uint32_t end = b->rules->abi[abi]->end;
	uint32_t gap = abi == SECCOMP_ABI_ARM ? SECCOMP_SLOT_ARM : SECCOMP_SLOTS;
	int unknown = verdict_action(b, b->rules->unknown_action), r = 0;

	for (uint32_t slot = 0; slot < end && r == 0; slot++) {
		if (slot == gap)
			r = span_push(arch, seccomp_slot_nr(abi, gap - 1) + 1, unknown);
		if (r == 0)
			r = span_push(arch, seccomp_slot_nr(abi, slot),
				      verdict_at(b, abi, slot));
	}
	if (r < 0)
		return r;
	return span_push(arch, end ? seccomp_slot_nr(abi, end - 1) + 1 : 0, unknown);
}

/* What is said of each architecture, the native one first. */
struct arches {
	size_t n;
	struct seccomp_arch v[2];
};

static int arch_build(struct builder *b, enum seccomp_abi abi, struct arches *ret)
{
	struct seccomp_arch *arch = &ret->v[ret->n];
	const struct seccomp_abi_rules *x32 =
		abi == SECCOMP_ABI_X86_64 ? b->rules->abi[SECCOMP_ABI_X32] : NULL;
	size_t max = b->rules->abi[abi]->end + (x32 ? x32->end : 0) + 8;
	int r;

	*arch = (struct seccomp_arch){ .audit = seccomp_abi_audit(abi) };
	arch->spans = arena_array(&b->m->arena, max, sizeof(*arch->spans));
	if (!arch->spans)
		return -ENOMEM;
	ret->n++;

	r = abi_spans(b, abi, arch);
	if (r < 0 || abi != SECCOMP_ABI_X86_64)
		return r;
	if (x32)
		r = abi_spans(b, SECCOMP_ABI_X32, arch);
	else
		r = span_push(arch, SECCOMP_X32_BIT,
			      verdict_action(b, SECCOMP_UNLISTED_ACTION));
	if (r < 0)
		return r;
	return span_push(arch, UINT32_MAX, verdict_action(b, b->rules->unknown_action));
}

static int arches_build(struct builder *b, struct arches *ret)
{
	enum seccomp_abi native = b->rules->native;
	int r = arch_build(b, native, ret);

	for (size_t i = 0; r == 0 && i < SECCOMP_ABI_COUNT; i++) {
		if (i != native && i != SECCOMP_ABI_X32 && b->rules->abi[i])
			r = arch_build(b, (enum seccomp_abi)i, ret);
	}
	return r;
}

/* --- ceilings: of two answers the stricter one ------------------------------------------------- */

/* Whether some answer of these steps, by themselves, beats `action`. */
static bool part_beats(const struct seccomp_verdict *v, uint32_t action)
{
	if (seccomp_action_beats(v->final, action))
		return true;
	for (size_t i = 0; i < v->n; i++) {
		const struct seccomp_step *s = &v->steps[i];

		if (!s->is_map && seccomp_action_beats(s->action, action))
			return true;
		for (size_t k = 0; s->is_map && k < s->tests[0].cells.n; k++) {
			uint32_t value = s->tests[0].cells.v[k].value;

			if (value != CELL_PASS && seccomp_action_beats(value, action))
				return true;
		}
	}
	return false;
}

bool seccomp_verdict_beats(const struct seccomp_verdict *v, uint32_t action)
{
	for (; v; v = v->cut) {
		if (part_beats(v, action))
			return true;
	}
	return false;
}

static bool verdict_is_action(const struct seccomp_verdict *v)
{
	return !v->n && !v->cut;
}

/* x, and then y where that is the stricter. Verdicts move when there are more: these are copies. */
static int verdict_join(struct builder *b, struct seccomp_verdict x, struct seccomp_verdict y)
{
	struct seccomp_verdict *rest = arena_alloc(&b->m->arena, sizeof(*rest));
	int r;

	if (!rest)
		return -ENOMEM;
	*rest = y;
	if (x.cut) { /* a chain: its end first */
		r = verdict_join(b, *x.cut, y);
		if (r < 0)
			return r;
		*rest = b->m->verdicts[r];
	}
	x.cut = rest;
	r = verdict_encode(&b->m->arena, &b->encoder, &x);
	return r < 0 ? r : verdict_intern(b, &x);
}

static int verdict_meet(struct builder *b, uint32_t i, uint32_t j)
{
	struct seccomp_verdict x = b->m->verdicts[i], y = b->m->verdicts[j];

	if (verdict_is_action(&x) && verdict_is_action(&y))
		return verdict_action(b, seccomp_action_stricter(x.final, y.final));
	if (verdict_is_action(&x)) {
		if (!seccomp_verdict_beats(&y, x.final))
			return (int)i;
		if (x.final == SECCOMP_RET_ALLOW)
			return (int)j;
	}
	if (verdict_is_action(&y)) {
		if (!seccomp_verdict_beats(&x, y.final))
			return (int)j;
		if (y.final == SECCOMP_RET_ALLOW)
			return (int)i;
	}
	return i == j ? (int)i : verdict_join(b, x, y);
}

/* An architecture that is not listed is one that has the same answer for all. */
static int arch_unlisted(struct builder *b, struct seccomp_arch *ret)
{
	int r = verdict_action(b, SECCOMP_UNLISTED_ACTION);

	ret->spans = arena_alloc(&b->m->arena, sizeof(*ret->spans));
	if (r < 0 || !ret->spans)
		return -ENOMEM;
	ret->n = 0;
	return span_push(ret, 0, r);
}

static int arch_meet(struct builder *b, const struct seccomp_arch *x,
		     const struct seccomp_arch *y, struct seccomp_arch *ret)
{
	size_t i = 0, j = 0;
	int r = 0;

	ret->audit = x->audit;
	ret->n = 0;
	ret->spans = arena_array(&b->m->arena, x->n + y->n, sizeof(*ret->spans));
	if (!ret->spans)
		return -ENOMEM;
	while (r == 0) {
		uint32_t start = x->spans[i].start > y->spans[j].start ? x->spans[i].start
								       : y->spans[j].start;
		uint32_t next_x = i + 1 < x->n ? x->spans[i + 1].start : 0;
		uint32_t next_y = j + 1 < y->n ? y->spans[j + 1].start : 0;

		r = span_push(ret, start,
			      verdict_meet(b, x->spans[i].verdict, y->spans[j].verdict));
		if (r < 0 || (!next_x && !next_y))
			break;
		if (next_x && (!next_y || next_x <= next_y))
			i++;
		if (next_y && (!next_x || next_y <= next_x))
			j++;
	}
	return r;
}

static const struct seccomp_arch *arch_find(const struct arches *list, uint32_t audit)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].audit == audit)
			return &list->v[i];
	}
	return NULL;
}

static int arches_meet(struct builder *b, struct arches *x, const struct arches *y)
{
	struct arches all = *x, ret = { 0 };
	int r = 0;

	for (size_t i = 0; i < y->n; i++) {
		if (!arch_find(x, y->v[i].audit))
			all.v[all.n++].audit = y->v[i].audit;
	}
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct seccomp_arch *own = arch_find(x, all.v[i].audit);
		const struct seccomp_arch *more = arch_find(y, all.v[i].audit);
		struct seccomp_arch none = { .audit = all.v[i].audit };

		if (!own || !more)
			r = arch_unlisted(b, &none);
		if (r == 0)
			r = arch_meet(b, own ?: &none, more ?: &none, &ret.v[i]);
		ret.n++;
	}
	*x = ret;
	return r;
}

static int meaning_build(struct builder *b)
{
	const struct seccomp_rules *c = b->rules;
	struct arches all = { 0 };
	int r = arches_build(b, &all);

	while (r == 0 && (c = c->ceiling)) {
		struct arches more = { 0 };

		b->rules = c;
		r = arches_build(b, &more);
		if (r == 0)
			r = arches_meet(b, &all, &more);
	}
	b->m->n_arches = all.n;
	memcpy(b->m->arches, all.v, sizeof(all.v));
	return r;
}

int seccomp_meaning_init(struct seccomp_meaning *m, const struct seccomp_rules *rules,
			 struct error *e)
{
	struct builder b = { .m = m, .rules = rules };
	int r;

	*m = (struct seccomp_meaning){ .flags = rules->flags, .has_notify = rules->has_notify };
	arena_init(&m->arena, MEANING_MEMORY);
	buf_init(&b.encoder.buf, VERDICT_MAX);
	r = meaning_build(&b);
	buf_done(&b.encoder.buf);
	if (r < 0) {
		seccomp_meaning_done(m);
		return error_set(e, -r, "linux.seccomp: its rules");
	}
	return 0;
}

void seccomp_meaning_done(struct seccomp_meaning *m)
{
	arena_done(&m->arena);
	*m = (struct seccomp_meaning){ 0 };
}
