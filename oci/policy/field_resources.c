/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The meet of limits: the smaller one, where none at all is the largest. A default is a limit for those
 * who ask for none. An update changes what it names and nothing else: then absent is no request.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"

#define CPU_PERIOD 100000ull /* microseconds: the kernel's default */
#define NO_LIMIT   FIELD_NO_LIMIT

static bool updating(const struct merge *m)
{
	return m->scope == POLICY_UPDATE;
}

uint64_t field_limit(const struct policy_limit *l, bool asked)
{
	uint64_t most = l->max.set ? l->max.value : NO_LIMIT;

	if (!asked && l->fallback.set && l->fallback.value < most)
		most = l->fallback.value;
	return most;
}

/* --- memory -------------------------------------------------------------------------------------- */

static uint64_t memory_of(const struct opt_i64 *v)
{
	return v->set && v->value > 0 ? (uint64_t)v->value : NO_LIMIT;
}

static int64_t sum_of(uint64_t a, uint64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : (int64_t)(a + b);
}

/*
 * memory.swap counts memory and swap together: with less memory it must shrink along, or what memory
 * loses swap would gain.
 */
static void memory_keep_swap(struct merge *m, uint64_t limit)
{
	const struct spec_resources *asked = &m->request->linux_.resources;
	struct opt_i64 *both = &m->spec->linux_.resources.memory_swap;
	uint64_t was = memory_of(&asked->memory_limit), sum = memory_of(&asked->memory_swap);
	uint64_t swap = was == NO_LIMIT || sum < was ? 0 : sum - was;
	int64_t now;

	if (memory_of(both) == NO_LIMIT)
		return;
	now = sum_of(limit, swap);
	if (now < both->value)
		both->value = now;
}

int field_memory(struct merge *m, const struct policy_rule *r)
{
	const struct opt_i64 *asked = &m->request->linux_.resources.memory_limit;
	struct spec_resources *res = &m->spec->linux_.resources;
	uint64_t most = field_limit(&r->resources.memory, asked->set && asked->value);
	struct opt_i64 was = res->memory_limit;

	if (memory_of(&was) <= most || (updating(m) && !was.set))
		return 0;
	res->present = true;
	res->memory_limit = (struct opt_i64){ .set = true, .value = (int64_t)most };
	memory_keep_swap(m, most);
	if (memory_of(&res->memory_reservation) != NO_LIMIT &&
	    (uint64_t)res->memory_reservation.value > most)
		res->memory_reservation.value = (int64_t)most;
	return merge_note_number(m, "linux.resources.memory.limit", was.set, was.value,
				 res->memory_limit.value);
}

/* --- one file of the cgroup by its name ---------------------------------------------------------- */

static const char *unified_get(const struct spec_resources *res, const char *key)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < res->unified.n; i++)
		if (str_eq(res->unified.v[i].key, key))
			value = res->unified.v[i].value;
	return value;
}

static int unified_set(struct merge *m, const char *key, const char *value)
{
	struct spec_pairs *p = &m->spec->linux_.resources.unified;
	struct spec_pair *v = arena_array(m->arena, p->n + 1, sizeof(*v));
	char *copy = arena_strdup(m->arena, value);
	const char *was = unified_get(&m->spec->linux_.resources, key);
	char field[128];
	size_t i, n = 0;

	if (!v || !copy)
		return merge_no_memory(m);
	for (i = 0; i < p->n; i++)
		if (!str_eq(p->v[i].key, key))
			v[n++] = p->v[i];
	v[n++] = (struct spec_pair){ key, copy };
	*p = (struct spec_pairs){ n, v };
	m->spec->linux_.resources.present = true;
	snprintf(field, sizeof(field), "linux.resources.unified[%s]", key);
	return merge_note(m, field, was, value);
}

/* "max" or a number: 0; else it is refused, because the kernel may read more in it than we. */
static int unified_number(const char *text, uint64_t *ret)
{
	if (str_eq(text, "max")) {
		*ret = NO_LIMIT;
		return 0;
	}
	return str_to_u64(text, ret);
}

static int unified_refuse(struct merge *m, const char *key, const char *text)
{
	char field[128];

	snprintf(field, sizeof(field), "linux.resources.unified[%s]", key);
	return merge_refuse(m, field, text,
			    "must be a plain number where the node has a limit");
}

static int unified_most(struct merge *m, const char *key, uint64_t most)
{
	const char *text = unified_get(&m->spec->linux_.resources, key);
	char number[24];
	uint64_t v = 0;

	if (!text || most == NO_LIMIT)
		return 0;
	if (unified_number(text, &v) < 0)
		return unified_refuse(m, key, text);
	if (v <= most)
		return 0;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)most);
	return unified_set(m, key, number);
}

/* --- swap ---------------------------------------------------------------------------------------- */

static int swap_set(struct merge *m, uint64_t limit, uint64_t most)
{
	struct opt_i64 *both = &m->spec->linux_.resources.memory_swap;
	struct opt_i64 was = *both;

	*both = (struct opt_i64){ .set = true, .value = sum_of(limit, most) };
	m->spec->linux_.resources.present = true;
	return merge_note_number(m, "linux.resources.memory.swap", was.set, was.value,
				 both->value);
}

int field_swap(struct merge *m, const struct policy_rule *r)
{
	const struct spec_resources *res = &m->spec->linux_.resources;
	uint64_t limit = memory_of(&res->memory_limit), both = memory_of(&res->memory_swap);
	uint64_t most = r->resources.swap_max.value;
	char text[24];

	if (!r->resources.swap_max.set)
		return 0;
	if (updating(m) && !res->memory_swap.set)
		return 0; /* the sum stays: control.c */
	if (res->memory_swap.set && res->memory_swap.value == 0)
		return 0; /* no swap at all */
	if (limit != NO_LIMIT)
		return both != NO_LIMIT && both <= (uint64_t)sum_of(limit, most)
			       ? 0
			       : swap_set(m, limit, most);
	if (updating(m))
		return merge_refuse(m, "resources.memory.swap", NULL,
				    "the node limits swap: give memory.limit along");
	if (both != NO_LIMIT || unified_get(res, "memory.swap.max"))
		return 0; /* refused, or cut, further on */
	snprintf(text, sizeof(text), "%llu", (unsigned long long)most);
	return unified_set(m, "memory.swap.max", text);
}

/* --- pids ---------------------------------------------------------------------------------------- */

int field_pids(struct merge *m, const struct policy_rule *r)
{
	struct spec_resources *res = &m->spec->linux_.resources;
	uint64_t most =
		field_limit(&r->resources.pids, m->request->linux_.resources.pids_limit.set);
	struct opt_i64 was = res->pids_limit;
	uint64_t v = was.set && was.value >= 0 ? (uint64_t)was.value : NO_LIMIT;

	if (v <= most || (updating(m) && !was.set))
		return 0;
	res->present = true;
	res->pids_limit =
		(struct opt_i64){ .set = true,
				  .value = most > INT64_MAX ? INT64_MAX : (int64_t)most };
	return merge_note_number(m, "linux.resources.pids.limit", was.set, was.value,
				 res->pids_limit.value);
}

/* --- cpu ----------------------------------------------------------------------------------------- */

static uint64_t cpu_share(uint64_t period, uint64_t percent)
{
	uint64_t share =
		percent > NO_LIMIT / 2 / period ? NO_LIMIT / 2 : period * percent / 100;

	/* 0 would be no limit at all; the kernel tells who asks for so little. */
	return share ? share : 1;
}

int field_cpu(struct merge *m, const struct policy_rule *r)
{
	struct spec_resources *res = &m->spec->linux_.resources;
	struct opt_i64 was = res->cpu_quota;
	struct opt_u64 *period = &res->cpu_period;
	uint64_t quota = was.set && was.value > 0 ? (uint64_t)was.value : NO_LIMIT, most;

	if (!r->resources.cpu_percent.set)
		return 0;
	if (updating(m) && !was.set && !period->set)
		return 0;
	if (updating(m) && !was.set)
		return merge_refuse(m, "resources.cpu.period", NULL,
				    "the node limits CPU time: give quota along");
	/* A quota is a part of its period: on an update the one that is set may be another. */
	if (!period->set || period->value == 0)
		*period = (struct opt_u64){ .set = true, .value = CPU_PERIOD };
	most = cpu_share(period->value, r->resources.cpu_percent.value);
	if (quota <= most)
		return 0;
	res->present = true;
	res->cpu_quota = (struct opt_i64){ .set = true, .value = (int64_t)most };
	if (res->cpu_burst.set && res->cpu_burst.value > most)
		res->cpu_burst.value = most;
	return merge_note_number(m, "linux.resources.cpu.quota", was.set, was.value,
				 res->cpu_quota.value);
}

/* "max 100000", "20000 100000", "20000" */
static int unified_cpu(struct merge *m, uint64_t percent)
{
	const char *text = unified_get(&m->spec->linux_.resources, "cpu.max");
	uint64_t quota = 0, period = CPU_PERIOD, most;
	char word[32], now[64];
	size_t n;

	if (!text)
		return 0;
	n = strcspn(text, " ");
	if (n >= sizeof(word))
		return unified_refuse(m, "cpu.max", text);
	memcpy(word, text, n);
	word[n] = '\0';
	if (unified_number(word, &quota) < 0 ||
	    (text[n] && str_to_u64(text + n + 1, &period) < 0) || period == 0)
		return unified_refuse(m, "cpu.max", text);
	most = cpu_share(period, percent);
	if (quota <= most && text[n])
		return 0;
	snprintf(now, sizeof(now), "%llu %llu",
		 (unsigned long long)(quota < most ? quota : most), (unsigned long long)period);
	return unified_set(m, "cpu.max", now);
}

/* What a container weighs that asks for nothing, as in config.json. */
#define SHARES_DEFAULT 1024

int field_cpu_shares(struct merge *m, const struct policy_rule *r)
{
	const struct opt_u64 *max = &r->resources.cpu_shares;
	struct opt_u64 *v = &m->spec->linux_.resources.cpu_shares;
	bool set = v->set && v->value;
	uint64_t was = set ? v->value : SHARES_DEFAULT;

	if (!max->set || was <= max->value || (updating(m) && !set))
		return 0;
	m->spec->linux_.resources.present = true;
	*v = (struct opt_u64){ .set = true, .value = max->value };
	return merge_note_number(m, "linux.resources.cpu.shares", set, (int64_t)was,
				 (int64_t)v->value);
}

/* --- unified ------------------------------------------------------------------------------------- */

int field_unified_names(struct merge *m, const struct policy_rule *r)
{
	const struct spec_pairs *p = &m->request->linux_.resources.unified;
	size_t i;
	int err = 0;

	for (i = 0; r->resources.unified.set && err == 0 && i < p->n; i++)
		if (!merge_has(&r->resources.unified.names, p->v[i].key))
			err = merge_refuse(m, "linux.resources.unified", p->v[i].key,
					   "is not in the list of files");
	return err;
}

/* What has a number of its own in config.json is asked for there, where it is held to the limit. */
static int unified_elsewhere(struct merge *m, const char *prefix, const char *suffix,
			     const char *there)
{
	const struct spec_pairs *p = &m->spec->linux_.resources.unified;
	char field[128], shown[64];
	size_t i, n;
	int err = 0;

	for (i = 0; err == 0 && i < p->n; i++) {
		n = strlen(p->v[i].key);
		if (!str_starts(p->v[i].key, prefix) || n < strlen(suffix) ||
		    !str_eq(p->v[i].key + n - strlen(suffix), suffix))
			continue;
		snprintf(field, sizeof(field), "linux.resources.unified[%s]",
			 str_show(shown, sizeof(shown), p->v[i].key));
		err = merge_refuse(m, field, p->v[i].value,
				   "the node has a limit: ask by linux.resources.%s", there);
	}
	return err;
}

static bool limit_is_set(const struct policy_limit *l)
{
	return l->max.set;
}

static int unified_others(struct merge *m, const struct policy_resources *p)
{
	int err = 0;

	if (p->cpu_shares.set)
		err = unified_elsewhere(m, "cpu.weight", "", "cpu.shares");
	if (err == 0 && p->io_weight.set)
		err = unified_elsewhere(m, "io.", "weight", "blockIO.weight");
	if (err == 0 && p->n_disks)
		err = unified_elsewhere(m, "io.max", "", "blockIO");
	if (err == 0 && limit_is_set(&p->hugetlb))
		err = unified_elsewhere(m, "hugetlb.", ".max", "hugepageLimits");
	if (err == 0 && (limit_is_set(&p->rdma.handles) || limit_is_set(&p->rdma.objects)))
		err = unified_elsewhere(m, "rdma.max", "", "rdma");
	return err;
}

int field_unified_values(struct merge *m, const struct policy_rule *r)
{
	const struct policy_resources *p = &r->resources;
	int err;

	err = unified_most(m, "memory.max", p->memory.max.set ? p->memory.max.value : NO_LIMIT);
	if (err == 0)
		err = unified_most(m, "memory.swap.max",
				   p->swap_max.set ? p->swap_max.value : NO_LIMIT);
	if (err == 0)
		err = unified_most(m, "pids.max",
				   p->pids.max.set ? p->pids.max.value : NO_LIMIT);
	if (err == 0 && p->cpu_percent.set)
		err = unified_cpu(m, p->cpu_percent.value);
	return err < 0 ? err : unified_others(m, p);
}
