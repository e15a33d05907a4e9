/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "seccomp/abi.h"
#include "seccomp/compile.h"
#include "seccomp/mux.h"
#include "spec/spec.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define RULES_MEMORY (64u << 20)
#define MAX_ERRNO    4095 /* what the kernel cuts larger ones to */

/* The flags of runtime-spec 1.3. */
#define FLAGS_KNOWN                                            \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | \
	 SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

/* --- actions, flags -------------------------------------------------------------------------- */

static bool action_is_known(uint32_t action)
{
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return true;
	default:
		return false;
	}
}

static int action_resolve(uint32_t action, bool set_errno, uint32_t errno_ret, const char *path,
			  uint32_t *ret, struct error *e)
{
	bool takes_data = action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE;
	uint32_t max = action == SECCOMP_RET_ERRNO ? MAX_ERRNO : SECCOMP_RET_DATA;

	if (!action_is_known(action))
		return error_say(e, EINVAL, "%s: 0x%" PRIx32 " is no action", path, action);
	if (set_errno && !takes_data) {
		error_say(e, EINVAL, "%s: an errno is given for an action that takes none",
			  path);
		error_hint(e, "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one");
		return -EINVAL;
	}
	if (set_errno && errno_ret > max)
		return error_say(e, EINVAL, "%s: errno %" PRIu32 " is above %" PRIu32, path,
				 errno_ret, max);

	*ret = action;
	if (takes_data)
		*ret |= set_errno ? errno_ret : EPERM;
	return 0;
}

static int flags_resolve(const struct spec_seccomp *spec, const struct seccomp_target *target,
			 bool has_notify, uint32_t *ret, struct error *e)
{
	uint64_t flags = spec->flags;
	uint64_t bad = flags & ~(uint64_t)FLAGS_KNOWN;

	if (bad)
		return error_say(e, EINVAL,
				 "linux.seccomp.flags: 0x%" PRIx64 " is no flag of a filter",
				 bad);

	/* One thread loads the filter, so there is none to synchronise with. */
	flags &= ~(uint64_t)SECCOMP_FILTER_FLAG_TSYNC;
	/* How to wait for a listener says nothing where there is none; the kernel would refuse. */
	if (!has_notify)
		flags &= ~(uint64_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	bad = flags & ~(uint64_t)target->flags;
	if (bad) {
		error_say(e, ENOTSUP,
			  "linux.seccomp.flags: the kernel does not know 0x%" PRIx64, bad);
		error_hint(e, "remove the flag from the profile, or run a newer kernel");
		return -ENOTSUP;
	}
	if (has_notify)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	*ret = (uint32_t)flags;
	return 0;
}

/* Calls that a profile does not know get ENOSYS, unless its default lets calls through anyway. */
static uint32_t unknown_action(uint32_t default_action)
{
	switch (default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return default_action;
	default:
		return SECCOMP_RET_ERRNO | ENOSYS;
	}
}

/* --- conditions ------------------------------------------------------------------------------ */

static int conditions_resolve(struct seccomp_rules *r, const struct spec_seccomp_rule *from,
			      size_t at, const struct seccomp_target *target,
			      struct seccomp_rule *ret, struct error *e)
{
	struct seccomp_condition *c = arena_array(&r->arena, from->n_args, sizeof(*c));
	size_t count[SPEC_SECCOMP_MAX_ARGS] = { 0 }, equal[SPEC_SECCOMP_MAX_ARGS] = { 0 };

	if (!c && from->n_args)
		return error_set(e, ENOMEM, "seccomp");

	for (size_t i = 0; i < from->n_args; i++) {
		const struct spec_seccomp_arg *a = &from->args[i];

		if (a->index >= SPEC_SECCOMP_MAX_ARGS)
			return error_say(e, EINVAL,
					 "linux.seccomp.syscalls[%zu].args[%zu].index: %" PRIu32
					 " is above 5, the last argument of a system call",
					 at, i, a->index);
		if (a->op < SPEC_SECCOMP_NE || a->op > SPEC_SECCOMP_MASKED_EQ)
			return error_say(e, EINVAL,
					 "linux.seccomp.syscalls[%zu].args[%zu].op: %d is no "
					 "comparison",
					 at, i, (int)a->op);
		c[i] = (struct seccomp_condition){ (uint8_t)a->index, (uint8_t)a->op, a->value,
						   a->value_two };
		count[a->index]++;
		equal[a->index] += a->op == SPEC_SECCOMP_EQ;
	}

	for (uint32_t i = 0; i < SPEC_SECCOMP_MAX_ARGS; i++) {
		if (count[i] < 2 || equal[i] != count[i])
			continue;
		if (!target->eq_union) {
			error_say(e, EINVAL,
				  "linux.seccomp.syscalls[%zu].args: argument %" PRIu32
				  " cannot equal several values at once",
				  at, i);
			error_hint(e, "write one rule for each value");
			return -EINVAL;
		}
		ret->any_of |= (uint8_t)(1u << i);
	}
	for (uint32_t i = 0; i < SPEC_SECCOMP_MAX_ARGS; i++)
		ret->indices |= (uint8_t)((count[i] > 0) << i);
	ret->conditions = c;
	ret->n = (uint32_t)from->n_args;
	return 0;
}

/* --- names to numbers ------------------------------------------------------------------------ */

struct resolver {
	struct seccomp_rules *r;
	uint32_t highest[SECCOMP_ABI_COUNT];
	bool names_any[SECCOMP_ABI_COUNT];
	uint16_t newest;
	bool first_wins;
	bool names_socketcall;
	bool names_ipc;
};

static bool *door_named(struct resolver *v, const char *call)
{
	return *call == 's' ? &v->names_socketcall : &v->names_ipc;
}

static void use_add(struct resolver *v, const struct seccomp_syscall *call,
		    const struct seccomp_rule *rule, bool direct)
{
	for (size_t i = 0; i < SECCOMP_ABI_COUNT; i++) {
		struct seccomp_abi_rules *a = v->r->abi[i];
		uint16_t slot = call->slot[i];

		if (!a || slot == SECCOMP_NR_NONE)
			continue;
		a->uses[a->n++] = (struct seccomp_use){
			.slot = slot,
			.narrow = seccomp_syscall_narrow(call, (enum seccomp_abi)i),
			.rule = rule,
		};
		if (!direct || (i == SECCOMP_ABI_ARM && slot >= SECCOMP_SLOT_ARM))
			continue;
		v->names_any[i] = true;
		if (slot > v->highest[i])
			v->highest[i] = slot;
	}
}

/* Letting through is all that ALLOW and LOG do. */
static bool action_denies(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	return kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_LOG;
}

/*
 * The same rule at the door of a family. The conditions are out of sight there: what allows some
 * calls does not open it; what denies some closes it, unless the profile has its own word on it.
 */
static int use_add_mux(struct resolver *v, const struct seccomp_syscall *call,
		       const struct seccomp_rule *rule, struct error *e)
{
	struct seccomp_condition *condition;
	struct seccomp_rule *door;
	struct seccomp_mux mux;

	if (!seccomp_mux_of(call, &mux))
		return 0;
	if (rule->n && (!action_denies(rule->action) || *door_named(v, mux.call)))
		return 0;

	door = arena_alloc(&v->r->arena, sizeof(*door));
	condition = arena_alloc(&v->r->arena, sizeof(*condition));
	if (!door || !condition)
		return error_set(e, ENOMEM, "seccomp");

	*condition = mux.condition;
	*door = (struct seccomp_rule){
		.action = rule->action,
		.source = rule->source,
		.n = 1,
		.conditions = condition,
		.indices = 1,
	};
	use_add(v, seccomp_syscall_find(mux.call, NULL), door, false);
	return 0;
}

static int rule_resolve(struct resolver *v, const struct spec_seccomp_rule *from, size_t at,
			const struct seccomp_target *target, struct error *e)
{
	struct seccomp_rule *rule = arena_alloc(&v->r->arena, sizeof(*rule));
	const struct seccomp_syscall *near = NULL;
	char path[64];
	int r;

	if (!rule)
		return error_set(e, ENOMEM, "seccomp");

	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu]", at);
	if (!from->names.n) {
		error_say(e, EINVAL, "%s.names: no system call is named", path);
		error_hint(e, "name one, or remove the rule");
		return -EINVAL;
	}
	r = action_resolve(from->action, from->set_errno, from->errno_ret, path, &rule->action,
			   e);
	if (r < 0)
		return r;
	r = conditions_resolve(v->r, from, at, target, rule, e);
	if (r < 0)
		return r;
	rule->source = (uint32_t)at;

	for (size_t i = 0; i < from->names.n; i++) {
		const struct seccomp_syscall *call =
			seccomp_syscall_find(from->names.v[i], near);

		if (!call) {
			log_debug("%s: %s: no such system call, skipped", path,
				  from->names.v[i]);
			continue;
		}
		near = call;
		if (call->since > v->newest)
			v->newest = call->since;
		use_add(v, call, rule, true);
		/* Also where the ABI has no number for the call itself, as for "semop" of i386. */
		r = use_add_mux(v, call, rule, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Of rules without conditions that contradict each other at one number, keeps the first. */
static void uses_keep_first(struct seccomp_abi_rules *a)
{
	uint32_t n = 0;

	for (uint32_t slot = 0, i = 0; slot < SECCOMP_SLOTS; slot++) {
		bool seen = false;

		for (a->first[slot] = n; i < a->n && a->uses[i].slot == slot; i++) {
			bool unconditional = a->uses[i].rule->n == 0;

			if (!unconditional || !seen)
				a->uses[n++] = a->uses[i];
			seen |= unconditional;
		}
	}
	a->first[SECCOMP_SLOTS] = n;
	a->n = n;
}

/* Puts the uses of one ABI in the order of their slots, and finds what the profile could know. */
static int abi_finish(struct resolver *v, enum seccomp_abi abi, struct error *e)
{
	struct seccomp_abi_rules *a = v->r->abi[abi];
	struct seccomp_use *sorted = arena_array(&v->r->arena, a->n, sizeof(*sorted));
	uint32_t fill[SECCOMP_SLOTS];

	if (!sorted && a->n)
		return error_set(e, ENOMEM, "seccomp");

	for (size_t i = 0; i < a->n; i++)
		a->first[a->uses[i].slot + 1]++;
	for (size_t i = 0; i < SECCOMP_SLOTS; i++)
		a->first[i + 1] += a->first[i];
	memcpy(fill, a->first, sizeof(fill));
	for (size_t i = 0; i < a->n; i++)
		sorted[fill[a->uses[i].slot]++] = a->uses[i];
	a->uses = sorted;
	if (v->first_wins)
		uses_keep_first(a);

	for (size_t i = 0; i < seccomp_table_len; i++) {
		const struct seccomp_syscall *call = &seccomp_table[i];
		uint16_t slot = call->slot[abi];

		if (slot == SECCOMP_NR_NONE || call->since > v->newest)
			continue;
		if (v->names_any[abi] && slot > v->highest[abi] &&
		    !(abi == SECCOMP_ABI_ARM && slot >= SECCOMP_SLOT_ARM))
			continue;
		a->known[slot / 64] |= UINT64_C(1) << slot % 64;
		if (slot >= a->end)
			a->end = slot + 1u;
	}
	if (a->n && sorted[a->n - 1].slot >= a->end)
		a->end = sorted[a->n - 1].slot + 1u;
	return 0;
}

static int abi_list(struct seccomp_rules *r, enum seccomp_abi abi, size_t n_uses,
		    struct error *e)
{
	struct seccomp_abi_rules *a;

	if (abi >= SECCOMP_ABI_COUNT || r->abi[abi] || !seccomp_abi_meets(r->native, abi))
		return 0;

	a = arena_alloc(&r->arena, sizeof(*a));
	if (a)
		a->uses = arena_array(&r->arena, n_uses, sizeof(*a->uses));
	if (!a || (!a->uses && n_uses))
		return error_set(e, ENOMEM, "seccomp");
	r->abi[abi] = a;
	return 0;
}

static int rules_count(struct resolver *v, const struct spec_seccomp *spec, size_t *ret,
		       struct error *e)
{
	size_t names = 0, conditions = 0;

	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct spec_strings *s = &spec->rules[i].names;

		for (size_t j = 0; j < s->n; j++) {
			if (str_eq(s->v[j], "socketcall") || str_eq(s->v[j], "ipc"))
				*door_named(v, s->v[j]) = true;
		}
		names += s->n;
		conditions += spec->rules[i].n_args;
	}
	if (names > SECCOMP_RULES_MAX || conditions > SECCOMP_RULES_MAX)
		return error_say(
			e, E2BIG,
			"linux.seccomp.syscalls: %zu names and %zu conditions, at most "
			"%u of each can be compiled",
			names, conditions, SECCOMP_RULES_MAX);
	*ret = names;
	return 0;
}

static int rules_resolve(struct seccomp_rules *r, const struct spec_seccomp *spec,
			 const struct seccomp_target *target, struct error *e)
{
	struct resolver v = { .r = r, .first_wins = target->first_wins };
	size_t names = 0;
	int rc;

	rc = action_resolve(spec->default_action, spec->set_default_errno, spec->default_errno,
			    "linux.seccomp.defaultAction", &r->default_action, e);
	if (rc < 0)
		return rc;
	r->unknown_action = unknown_action(r->default_action);

	rc = rules_count(&v, spec, &names, e);
	if (rc < 0)
		return rc;
	/* Each name once, and once at the door of its family. */
	rc = abi_list(r, r->native, 2 * names, e);
	for (size_t i = 0; rc == 0 && i < spec->n_architectures; i++)
		rc = abi_list(r, seccomp_abi_from_spec(spec->architectures[i]), 2 * names, e);
	for (size_t i = 0; rc == 0 && i < spec->n_rules; i++)
		rc = rule_resolve(&v, &spec->rules[i], i, target, e);
	for (size_t i = 0; rc == 0 && i < SECCOMP_ABI_COUNT; i++)
		rc = r->abi[i] ? abi_finish(&v, (enum seccomp_abi)i, e) : 0;
	if (rc < 0)
		return rc;

	r->has_notify = r->default_action == SECCOMP_RET_USER_NOTIF;
	for (size_t i = 0; i < SECCOMP_ABI_COUNT; i++) {
		for (size_t j = 0; r->abi[i] && j < r->abi[i]->n; j++)
			r->has_notify |=
				r->abi[i]->uses[j].rule->action == SECCOMP_RET_USER_NOTIF;
	}
	return flags_resolve(spec, target, r->has_notify, &r->flags, e);
}

static int rules_init_one(struct seccomp_rules *r, const struct spec_seccomp *spec,
			  const struct seccomp_target *target, struct error *e)
{
	int rc;

	*r = (struct seccomp_rules){ .native = target->native };
	arena_init(&r->arena, RULES_MEMORY);
	rc = rules_resolve(r, spec, target, e);
	if (rc < 0)
		seccomp_rules_done(r);
	return rc;
}

int seccomp_rules_init(struct seccomp_rules *r, const struct spec_seccomp *spec,
		       const struct seccomp_target *target, struct error *e)
{
	struct seccomp_rules *last = r;
	int rc;

	*r = (struct seccomp_rules){ .native = target->native };
	if (target->native >= SECCOMP_ABI_COUNT)
		return error_say(
			e, ENOTSUP,
			"linux.seccomp: no table of system calls for this architecture");

	rc = rules_init_one(r, spec, target, e);
	for (size_t i = 0; rc == 0 && i < spec->n_ceilings; i++) {
		struct seccomp_rules *ceiling = arena_alloc(&r->arena, sizeof(*ceiling));

		if (!ceiling) {
			rc = error_set(e, ENOMEM, "seccomp");
			break;
		}
		rc = rules_init_one(ceiling, &spec->ceilings[i], target, e);
		if (rc == 0)
			last = last->ceiling = ceiling;
	}
	if (rc < 0)
		seccomp_rules_done(r);
	return rc;
}

/* Each lies in the arena of the first, so the others go before it. */
void seccomp_rules_done(struct seccomp_rules *r)
{
	struct seccomp_rules *c;

	for (c = r->ceiling; c; c = c->ceiling)
		arena_done(&c->arena);
	arena_done(&r->arena);
	*r = (struct seccomp_rules){ 0 };
}
