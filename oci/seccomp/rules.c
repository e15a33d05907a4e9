/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/rules.h"

#include <linux/seccomp.h>

#include "seccomp/abi.h"
#include "spec/spec.h"

bool seccomp_action_beats(uint32_t a, uint32_t b)
{
	int32_t x = (int32_t)(a & SECCOMP_RET_ACTION_FULL);
	int32_t y = (int32_t)(b & SECCOMP_RET_ACTION_FULL);

	return x != y ? x < y : (a & SECCOMP_RET_DATA) < (b & SECCOMP_RET_DATA);
}

uint32_t seccomp_action_stricter(uint32_t a, uint32_t b)
{
	return seccomp_action_beats(a, b) ? a : b;
}

/* --- conditions ------------------------------------------------------------------------------ */

/* A value as a 32-bit argument can have it; false: it never has. */
static bool value_fits(uint64_t value, uint32_t *ret)
{
	*ret = (uint32_t)value;
	return value <= UINT32_MAX || value >= (uint64_t)INT32_MIN;
}

static bool narrow_holds(const struct seccomp_condition *c, uint32_t arg)
{
	uint32_t value, two;
	bool fits = value_fits(c->value, &value), two_fits = value_fits(c->value_two, &two);

	switch (c->op) {
	case SPEC_SECCOMP_NE:
		return !fits || arg != value;
	case SPEC_SECCOMP_LT:
		return !fits || arg < value;
	case SPEC_SECCOMP_LE:
		return !fits || arg <= value;
	case SPEC_SECCOMP_EQ:
		return fits && arg == value;
	case SPEC_SECCOMP_GE:
		return fits && arg >= value;
	case SPEC_SECCOMP_GT:
		return fits && arg > value;
	default: /* MASKED_EQ: value is the mask */
		return two_fits && (arg & value) == two;
	}
}

static bool wide_holds(const struct seccomp_condition *c, uint64_t arg)
{
	switch (c->op) {
	case SPEC_SECCOMP_NE:
		return arg != c->value;
	case SPEC_SECCOMP_LT:
		return arg < c->value;
	case SPEC_SECCOMP_LE:
		return arg <= c->value;
	case SPEC_SECCOMP_EQ:
		return arg == c->value;
	case SPEC_SECCOMP_GE:
		return arg >= c->value;
	case SPEC_SECCOMP_GT:
		return arg > c->value;
	default:
		return (arg & c->value) == c->value_two;
	}
}

bool seccomp_use_accepts(const struct seccomp_use *use, uint8_t index, uint64_t value)
{
	const struct seccomp_rule *rule = use->rule;
	bool any_of = rule->any_of >> index & 1, narrow = use->narrow >> index & 1, any = false;

	for (uint32_t i = 0; i < rule->n; i++) {
		const struct seccomp_condition *c = &rule->conditions[i];
		bool holds;

		if (c->index != index)
			continue;
		holds = narrow ? narrow_holds(c, (uint32_t)value) : wide_holds(c, value);
		if (!holds && !any_of)
			return false;
		any |= holds;
	}
	return any || !any_of;
}

static bool rule_matches(const struct seccomp_use *use, const struct seccomp_data *data)
{
	for (uint8_t i = 0; i < SPEC_SECCOMP_MAX_ARGS; i++) {
		if (use->rule->indices >> i & 1 && !seccomp_use_accepts(use, i, data->args[i]))
			return false;
	}
	return true;
}

/* --- the answer ------------------------------------------------------------------------------ */

enum seccomp_abi seccomp_rules_abi(const struct seccomp_rules *r, uint32_t audit_arch,
				   uint32_t nr)
{
	for (size_t i = 0; i < SECCOMP_ABI_COUNT; i++) {
		enum seccomp_abi abi = (enum seccomp_abi)i;

		if (!seccomp_abi_meets(r->native, abi) || seccomp_abi_audit(abi) != audit_arch)
			continue;
		if (abi == SECCOMP_ABI_X86_64 && nr >= SECCOMP_X32_BIT && nr != UINT32_MAX)
			return SECCOMP_ABI_X32;
		return abi;
	}
	return SECCOMP_ABI_COUNT;
}

static uint32_t rules_answer(const struct seccomp_rules *r, const struct seccomp_data *data)
{
	uint32_t nr = (uint32_t)data->nr;
	enum seccomp_abi abi = seccomp_rules_abi(r, data->arch, nr);
	const struct seccomp_abi_rules *a = abi < SECCOMP_ABI_COUNT ? r->abi[abi] : NULL;
	uint32_t slot, best = 0;
	bool found = false;

	if (!a)
		return SECCOMP_UNLISTED_ACTION;
	slot = seccomp_slot_of(abi, nr);
	if (slot == SECCOMP_NR_NONE)
		return r->unknown_action;

	for (uint32_t i = a->first[slot]; i < a->first[slot + 1]; i++) {
		uint32_t action = a->uses[i].rule->action;

		if (!rule_matches(&a->uses[i], data))
			continue;
		if (!found || seccomp_action_beats(action, best))
			best = action;
		found = true;
	}
	if (found)
		return best;
	return a->known[slot / 64] >> slot % 64 & 1 ? r->default_action : r->unknown_action;
}

uint32_t seccomp_rules_evaluate(const struct seccomp_rules *r, const struct seccomp_data *data)
{
	uint32_t best = rules_answer(r, data);

	while ((r = r->ceiling))
		best = seccomp_action_stricter(rules_answer(r, data), best);
	return best;
}
