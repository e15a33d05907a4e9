/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/emit.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

#define REACH 255 /* of a conditional jump: instructions it can skip */

void emit_init(struct emit *m)
{
	*m = (struct emit){ 0 };
}

void emit_done(struct emit *m)
{
	free(m->code);
	free(m->alias);
	*m = (struct emit){ 0 };
}

static int emit_grow(struct emit *m)
{
	size_t capacity = m->capacity ? 2 * m->capacity : 512;
	struct sock_filter *code;
	uint32_t *alias;

	if (m->capacity >= EMIT_MAX)
		return -E2BIG;
	code = reallocarray(m->code, capacity, sizeof(*code));
	if (!code)
		return -ENOMEM;
	m->code = code;
	alias = reallocarray(m->alias, capacity, sizeof(*alias));
	if (!alias)
		return -ENOMEM;
	m->alias = alias;
	m->capacity = capacity;
	return 0;
}

static uint32_t emit_one(struct emit *m, struct sock_filter insn)
{
	if (!m->failed && m->n == m->capacity)
		m->failed = emit_grow(m);
	if (m->failed)
		return 0;
	m->code[m->n] = insn;
	m->alias[m->n] = (uint32_t)m->n;
	return (uint32_t)m->n++;
}

/* How many instructions the next one would skip to get there. */
static size_t distance(const struct emit *m, uint32_t label)
{
	return m->n - label - 1;
}

static bool is_return(struct sock_filter insn)
{
	return BPF_CLASS(insn.code) == BPF_RET;
}

/* The place of the last return of this action, or NULL. */
static uint32_t *return_slot(struct emit *m, uint32_t action)
{
	for (size_t i = 0; i < m->n_returns; i++) {
		if (m->code[m->returns[i]].k == action)
			return &m->returns[i];
	}
	return NULL;
}

static uint32_t emit_return_here(struct emit *m, uint32_t action)
{
	uint32_t *slot = return_slot(m, action);
	uint32_t label = emit_one(m, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));

	if (m->failed)
		return label;
	if (slot)
		*slot = label;
	else if (m->n_returns < ARRAY_SIZE(m->returns))
		m->returns[m->n_returns++] = label;
	return label;
}

uint32_t emit_return(struct emit *m, uint32_t action)
{
	uint32_t *slot = return_slot(m, action);

	/* A jump that needs it will bring a copy near if it must. */
	return slot ? *slot : emit_return_here(m, action);
}

/* The nearest known place that does what `label` does. */
static uint32_t nearest(struct emit *m, uint32_t label)
{
	uint32_t *slot;

	if (m->failed)
		return label;
	while (m->alias[label] != label) {
		m->alias[label] = m->alias[m->alias[label]];
		label = m->alias[label];
	}
	slot = is_return(m->code[label]) ? return_slot(m, m->code[label].k) : NULL;
	return slot ? *slot : label;
}

/* Emits, right here, something that leads to `label`. */
static uint32_t emit_bridge(struct emit *m, uint32_t label)
{
	uint32_t here;

	if (m->failed)
		return 0;
	if (is_return(m->code[label]))
		return emit_return_here(m, m->code[label].k);
	if (m->code[label].code == (BPF_JMP | BPF_JA))
		label -= m->code[label].k + 1;
	here = emit_one(m, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							(uint32_t)distance(m, label)));
	if (!m->failed)
		m->alias[label] = here;
	return here;
}

/* Straight-line code continues with the instruction emitted last. */
static void emit_continue(struct emit *m, uint32_t next)
{
	next = nearest(m, next);
	if (!m->failed && distance(m, next) > 0)
		emit_bridge(m, next);
}

uint32_t emit_load(struct emit *m, uint32_t offset, uint32_t next)
{
	emit_continue(m, next);
	return emit_one(m, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

uint32_t emit_and(struct emit *m, uint32_t mask, uint32_t next)
{
	emit_continue(m, next);
	return emit_one(m, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

/* Enters a label behind its first instruction where that would load what is loaded. */
static uint32_t behind_load(const struct emit *m, uint32_t label, uint32_t loaded)
{
	const struct sock_filter *insn;

	if (m->failed || loaded == EMIT_NO_LOAD)
		return label;
	insn = &m->code[label];
	if (insn->code == (BPF_LD | BPF_W | BPF_ABS) && insn->k == loaded)
		return label - 1;
	return label;
}

uint32_t emit_jump(struct emit *m, uint16_t op, uint32_t k, uint32_t yes, uint32_t no,
		   uint32_t loaded)
{
	yes = nearest(m, behind_load(m, yes, loaded));
	no = nearest(m, behind_load(m, no, loaded));
	if (m->failed || yes == no)
		return yes;

	/* A bridge for one pushes the other one further away. */
	while (!m->failed && (distance(m, yes) > REACH || distance(m, no) > REACH)) {
		if (distance(m, yes) > REACH)
			yes = emit_bridge(m, yes);
		else
			no = emit_bridge(m, no);
	}
	return emit_one(m, (struct sock_filter){
				   .code = BPF_JMP | op | BPF_K,
				   .jt = m->failed ? 0 : (uint8_t)distance(m, yes),
				   .jf = m->failed ? 0 : (uint8_t)distance(m, no),
				   .k = k,
			   });
}

struct sock_filter *emit_take(struct emit *m)
{
	if (m->failed)
		return NULL;
	for (size_t i = 0; i < m->n / 2; i++) {
		struct sock_filter swap = m->code[i];

		m->code[i] = m->code[m->n - 1 - i];
		m->code[m->n - 1 - i] = swap;
	}
	return take_ptr(&m->code);
}
