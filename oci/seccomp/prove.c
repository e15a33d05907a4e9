/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/prove.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "seccomp/abi.h"
#include "seccomp/program.h"
#include "seccomp/rules.h"
#include "seccomp/simulate.h"
#include "spec/spec.h"

/*
 * A proof is bounded: the reference looks at every rule and condition of a number, and so many
 * looks are allowed for one number and for all.
 */
#define LOOKS_NUMBER (2u << 20)
#define LOOKS_ALL    (8u << 20)
#define TUPLES_ALL   4096 /* above it, tuples are chosen */
#define TUPLES_SOME  1024
#define ABOVE_KNOWN  16

struct proof {
	struct arena arena;
	const struct seccomp_program *p;
	const struct seccomp_rules *rules;
	uint64_t looks; /* left */
	uint64_t random;
	struct error *e;
};

static int proof_differs(struct proof *x, const struct seccomp_data *d, uint32_t got,
			 uint32_t want, const char *what)
{
	enum seccomp_abi abi = seccomp_rules_abi(x->rules, d->arch, (uint32_t)d->nr);
	const char *name =
		abi < SECCOMP_ABI_COUNT ? seccomp_syscall_name(abi, (uint32_t)d->nr) : NULL;

	error_say(x->e, EBADMSG,
		  "the compiled filter %s: %s (%s, number 0x%" PRIx32
		  ", architecture 0x%" PRIx32
		  ", arguments 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx): 0x%" PRIx32
		  " instead of 0x%" PRIx32,
		  what, name ?: "no known call",
		  abi < SECCOMP_ABI_COUNT ? seccomp_abi_name(abi) : "foreign", (uint32_t)d->nr,
		  d->arch, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4],
		  d->args[5], got, want);
	error_hint(x->e,
		   "this is a fault of this program, not of the profile: nothing was loaded");
	return -EBADMSG;
}

static int proof_case(struct proof *x, const struct seccomp_data *d, bool may_read)
{
	uint32_t want = seccomp_rules_evaluate(x->rules, d);
	struct seccomp_run run = { 0 };

	if (seccomp_simulate(x->p->insns, x->p->n, d, &run) < 0)
		return proof_differs(x, d, 0, want, "cannot run");
	if (run.action != want)
		return proof_differs(x, d, run.action, want, "does not follow the rules");
	if (run.read_args && !may_read)
		return proof_differs(x, d, run.action, want, "looks at arguments without need");
	return 0;
}

/* --- numbers that have conditions: tuples of values -------------------------------------------- */

struct values { /* worth trying for one argument */
	size_t n;
	uint64_t *v;
};

static void values_push(struct values *s, uint64_t v)
{
	uint64_t low = v & UINT32_MAX;

	s->v[s->n++] = v;
	s->v[s->n++] = low;
	s->v[s->n++] = low | UINT64_C(1) << 32;
	s->v[s->n++] = low | UINT64_C(0xffffffff) << 32;
}

static int values_order(const void *px, const void *py)
{
	uint64_t x = *(const uint64_t *)px, y = *(const uint64_t *)py;

	return x < y ? -1 : x > y;
}

static void values_sort(struct values *s)
{
	size_t n = 0;

	qsort(s->v, s->n, sizeof(*s->v), values_order);
	for (size_t i = 0; i < s->n; i++) {
		if (n == 0 || s->v[n - 1] != s->v[i])
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

static void values_of_condition(struct values *s, const struct seccomp_condition *c)
{
	uint64_t v = c->op == SPEC_SECCOMP_MASKED_EQ ? c->value_two : c->value, mask = c->value;

	values_push(s, v - 1);
	values_push(s, v);
	values_push(s, v + 1);
	/* Both halves decide: the ends of the lower one, below, at and above the upper one. */
	for (uint64_t high = (v >> 32) - 1; v > UINT32_MAX && high <= (v >> 32) + 1; high++) {
		s->v[s->n++] = high << 32;
		s->v[s->n++] = high << 32 | UINT32_MAX;
	}
	if (c->op != SPEC_SECCOMP_MASKED_EQ)
		return;
	values_push(s, v | ~mask);
	values_push(s, v ^ (mask & -mask));
	values_push(s, v ^ (mask ? UINT64_C(1) << (63 - __builtin_clzll(mask)) : 0));
	values_push(s, mask);
}

/* All values worth trying for one argument of one number. */
static int values_collect(struct proof *x, const struct seccomp_use *uses, size_t n,
			  uint8_t index, struct values *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < uses[i].rule->n; j++)
			count += uses[i].rule->conditions[j].index == index;
	}
	*ret = (struct values){ 0, arena_array(&x->arena, 34 * count + 16, sizeof(*ret->v)) };
	if (!ret->v)
		return error_set(x->e, ENOMEM, "seccomp");

	ret->v[ret->n++] = 0;
	if (!count)
		return 0;
	values_push(ret, 1);
	values_push(ret, UINT64_MAX);
	values_push(ret, UINT64_C(1) << 63);
	for (size_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < uses[i].rule->n; j++) {
			if (uses[i].rule->conditions[j].index == index)
				values_of_condition(ret, &uses[i].rule->conditions[j]);
		}
	}
	values_sort(ret);
	return 0;
}

struct number {
	struct seccomp_data data;
	const struct seccomp_use *uses;
	size_t n;
	uint64_t cost;  /* looks that one call takes */
	uint64_t looks; /* left for this number */
	struct values values[SPEC_SECCOMP_MAX_ARGS];
};

/* 1: out of looks. */
static int number_case(struct proof *x, struct number *num)
{
	if (num->looks < num->cost || x->looks < num->cost)
		return 1;
	num->looks -= num->cost;
	x->looks -= num->cost;
	return proof_case(x, &num->data, true);
}

static uint64_t proof_random(struct proof *x)
{
	x->random ^= x->random << 13;
	x->random ^= x->random >> 7;
	x->random ^= x->random << 17;
	return x->random;
}

static int number_all(struct proof *x, struct number *num, uint8_t index)
{
	int r = 0;

	if (index == SPEC_SECCOMP_MAX_ARGS)
		return number_case(x, num);
	for (size_t i = 0; i < num->values[index].n && r == 0; i++) {
		num->data.args[index] = num->values[index].v[i];
		r = number_all(x, num, index + 1);
	}
	return r;
}

/* Around a call that the rule takes: every value of each argument in turn. */
static int number_around(struct proof *x, struct number *num, const struct seccomp_use *use)
{
	uint64_t base[SPEC_SECCOMP_MAX_ARGS] = { 0 };
	int r = 0;

	for (uint8_t i = 0; i < SPEC_SECCOMP_MAX_ARGS; i++) {
		for (size_t j = 0; j < num->values[i].n; j++) {
			base[i] = num->values[i].v[j];
			if (seccomp_use_accepts(use, i, base[i]))
				break;
		}
		num->data.args[i] = base[i];
	}
	for (uint8_t i = 0; i < SPEC_SECCOMP_MAX_ARGS && r == 0; i++) {
		for (size_t j = 0; j < num->values[i].n && r == 0; j++) {
			num->data.args[i] = num->values[i].v[j];
			r = number_case(x, num);
		}
		num->data.args[i] = base[i];
	}
	return r;
}

static int number_some(struct proof *x, struct number *num)
{
	int r = 0;

	for (size_t i = 0; i < TUPLES_SOME && r == 0; i++) {
		for (uint8_t j = 0; j < SPEC_SECCOMP_MAX_ARGS; j++)
			num->data.args[j] =
				num->values[j].v[proof_random(x) % num->values[j].n];
		r = number_case(x, num);
	}
	for (size_t i = 0; i < num->n && r == 0; i++)
		r = number_around(x, num, &num->uses[i]);
	return r;
}

static int proof_number(struct proof *x, uint32_t audit, uint32_t nr,
			const struct seccomp_use *uses, size_t n)
{
	struct number num = {
		.data = { .nr = (int)nr, .arch = audit },
		.uses = uses,
		.n = n,
		.cost = n,
		.looks = LOOKS_NUMBER,
	};
	bool conditions = false, few = true;
	size_t tuples = 1;
	int r;

	for (size_t i = 0; i < n; i++) {
		conditions |= uses[i].rule->n > 0;
		num.cost += uses[i].rule->n;
	}
	r = proof_case(x, &num.data, conditions);
	if (r < 0 || !conditions)
		return r;

	for (uint8_t i = 0; i < SPEC_SECCOMP_MAX_ARGS; i++) {
		r = values_collect(x, uses, n, i, &num.values[i]);
		if (r < 0)
			return r;
		/* analyser: no list of values is empty */
		few = few && num.values[i].n <= TUPLES_ALL / tuples;
		tuples = few ? tuples * num.values[i].n : tuples;
	}
	r = few ? number_all(x, &num, 0) : number_some(x, &num);
	return r < 0 ? r : 0;
}

/* --- all numbers ------------------------------------------------------------------------------ */

/* The rules at one slot, of the profile and of its ceilings. */
static int slot_uses(struct proof *x, enum seccomp_abi abi, uint32_t slot,
		     const struct seccomp_use **ret, size_t *ret_n)
{
	struct seccomp_use *all = NULL;
	size_t total = 0, n = 0;

	*ret = NULL;
	for (const struct seccomp_rules *r = x->rules; r; r = r->ceiling)
		if (r->abi[abi])
			total += r->abi[abi]->first[slot + 1] - r->abi[abi]->first[slot];
	if (total && x->rules->ceiling) {
		all = arena_array(&x->arena, total, sizeof(*all));
		if (!all)
			return error_set(x->e, ENOMEM, "seccomp");
	}
	for (const struct seccomp_rules *r = x->rules; r && total; r = r->ceiling) {
		const struct seccomp_abi_rules *a = r->abi[abi];

		if (!a)
			continue;
		*ret = a->uses + a->first[slot];
		for (uint32_t i = a->first[slot]; all && i < a->first[slot + 1]; i++)
			all[n++] = a->uses[i];
	}
	if (all)
		*ret = all;
	*ret_n = total;
	return 0;
}

/* The slots that are known, and some above. */
static int proof_abi(struct proof *x, enum seccomp_abi abi)
{
	uint32_t end = 0;
	int r = 0;

	for (size_t i = 0; i < seccomp_table_len; i++) {
		uint16_t slot = seccomp_table[i].slot[abi];

		if (slot != SECCOMP_NR_NONE && slot >= end)
			end = slot + 1u;
	}
	end = end + ABOVE_KNOWN < SECCOMP_SLOTS ? end + ABOVE_KNOWN : SECCOMP_SLOTS;
	for (uint32_t slot = 0; slot < end && r == 0; slot++) {
		const struct seccomp_use *uses = NULL;
		size_t n = 0;

		r = slot_uses(x, abi, slot, &uses, &n);
		if (r == 0)
			r = proof_number(x, seccomp_abi_audit(abi), seccomp_slot_nr(abi, slot),
					 uses, n);
	}
	return r;
}

/* One number, which is none of a slot with conditions or was proved there. */
static int proof_edge(struct proof *x, uint32_t audit, uint32_t nr)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = audit };

	return proof_case(x, &d, true);
}

/* The ends of the range of numbers, and what the program compares with. */
static int proof_edges(struct proof *x, uint32_t audit)
{
	static const uint32_t edges[] = { SECCOMP_SLOTS,     SECCOMP_X32_BIT,
					  0x40000000u + 512, SECCOMP_X32_BIT + SECCOMP_SLOTS,
					  0x80000000u,       0xc0000000u,
					  0xfffffffeu,       SECCOMP_ARM_PRIVATE,
					  0xf0010u,          0xffff0000u };
	int r = 0;

	for (size_t i = 0; i < 3 * ARRAY_SIZE(edges) && r == 0; i++)
		r = proof_edge(x, audit, edges[i / 3] + (uint32_t)(i % 3) - 1);
	for (size_t i = 0; i < 3 * x->p->n && r == 0; i++) {
		if (BPF_CLASS(x->p->insns[i / 3].code) == BPF_JMP)
			r = proof_edge(x, audit, x->p->insns[i / 3].k + (uint32_t)(i % 3) - 1);
	}
	return r;
}

static int proof_run(struct proof *x)
{
	enum seccomp_abi native = x->rules->native;
	int r = 0;

	for (size_t i = 0; i < SECCOMP_ABI_COUNT && r == 0; i++) {
		enum seccomp_abi abi = (enum seccomp_abi)i;

		if (!seccomp_abi_meets(native, abi))
			r = proof_edge(x, seccomp_abi_audit(abi), 0);
		else
			r = proof_abi(x, abi);
		if (r == 0 && seccomp_abi_meets(native, abi) && abi != SECCOMP_ABI_X32)
			r = proof_edges(x, seccomp_abi_audit(abi));
	}
	if (r == 0)
		r = proof_edge(x, 0, 0);
	if (r == 0)
		r = proof_edge(x, UINT32_MAX, 1);
	return r;
}

int seccomp_prove_rules(const struct seccomp_program *p, const struct seccomp_rules *rules,
			struct error *e)
{
	struct proof x = {
		.p = p,
		.rules = rules,
		.looks = LOOKS_ALL,
		.random = UINT64_C(0x9e3779b97f4a7c15),
		.e = e,
	};
	int r;

	arena_init(&x.arena, 256u << 20);
	r = proof_run(&x);
	arena_done(&x.arena);
	return r;
}

int seccomp_prove(const struct seccomp_program *p, const struct spec_seccomp *spec,
		  const struct seccomp_target *target, struct error *e)
{
	struct seccomp_rules rules;
	int r;

	if (!spec->present)
		return p->n ? error_say(e, EBADMSG, "a filter where no profile is") : 0;
	r = seccomp_rules_init(&rules, spec, target, e);
	if (r < 0)
		return r;
	r = seccomp_prove_rules(p, &rules, e);
	seccomp_rules_done(&rules);
	return r;
}
