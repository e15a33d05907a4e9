/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "seccomp/table.h"

struct error;
struct seccomp_data;
struct seccomp_target;
struct spec_seccomp;

/*
 * linux.seccomp with its names resolved to numbers, and the plain answer to "what happens to this
 * call": the reference that every compiled program is measured against. Pure.
 *
 * A call of (ABI, number, arguments) gets, the first that applies:
 *  1. KILL_THREAD, where the profile does not list the ABI (the native one always is listed), as
 *     other runtimes do through libseccomp. A listed ABI that this machine cannot meet is left out.
 *  2. of the rules that match, the action of highest precedence, see compile.h (and there for what
 *     seccomp_target.first_wins changes).
 *  3. ENOSYS, so that programs fall back as they do on an older kernel, where the profile cannot
 *     have known the call: no kernel known to us has it; or it is newer than every call the
 *     profile names; or its number is above all that the profile names in this ABI. Not where
 *     the default is ALLOW, LOG, TRACE or USER_NOTIF: those let calls through, or ask about each.
 *  4. the default action.
 * Number -1, which a tracer sets to skip a call, is case 3 or 4 in every listed ABI.
 *
 * Where the profile has ceilings, each of them answers by itself, and the answer of highest precedence
 * is the call's, of two of one kind the one with the smaller data. An ABI is met if all list it.
 *
 * Conditions compare the argument as an unsigned 64-bit number. Where the kernel itself only looks
 * at the lower 32 bits (table.h: narrow; every argument of a 32-bit ABI) only those count, and a
 * value that is a negative number in 32 bits means its lower half: nobody slips past "socket, 0 EQ
 * 38" by setting bit 32 of a register. All conditions of one rule must hold, also on one index;
 * for EQ twice on one index see seccomp_target.eq_union.
 *
 * Where an ABI has socketcall(2) or ipc(2), a rule on one of the calls behind them holds there too
 * (mux.h). Conditions cannot be looked at there: a rule with some that lets calls through does not
 * open that door; one that denies closes it, unless the profile names socketcall or ipc itself.
 * Names that no kernel known to us has are skipped.
 */
struct seccomp_condition {
	uint8_t index;
	uint8_t op; /* enum spec_seccomp_op */
	uint64_t value;
	uint64_t value_two;
};

struct seccomp_rule {
	uint32_t action; /* SECCOMP_RET_* with its data */
	uint32_t source; /* index in spec->rules */
	uint32_t n;
	const struct seccomp_condition *conditions;
	uint8_t indices; /* mask of arguments that have conditions */
	uint8_t any_of;  /* mask of indices where one EQ of several suffices */
};

struct seccomp_use { /* a rule, at a number */
	uint16_t slot;
	uint8_t narrow; /* arguments of this call that count by their lower half */
	const struct seccomp_rule *rule;
};

struct seccomp_abi_rules {
	size_t n;
	struct seccomp_use *uses;           /* by slot */
	uint32_t first[SECCOMP_SLOTS + 1];  /* in uses: first[slot] .. first[slot + 1] */
	uint32_t end;                       /* from this slot on nothing is known or used */
	uint64_t known[SECCOMP_SLOTS / 64]; /* the profile could have named it: not case 3 */
};

struct seccomp_rules {
	struct arena arena;
	enum seccomp_abi native;
	uint32_t flags; /* for seccomp(2); NEW_LISTENER where has_notify */
	bool has_notify;
	uint32_t default_action;
	uint32_t unknown_action;                          /* case 3 */
	struct seccomp_abi_rules *abi[SECCOMP_ABI_COUNT]; /* NULL: not listed */
	struct seccomp_rules *ceiling; /* the stricter answer of both holds; NULL: none */
};

#define SECCOMP_UNLISTED_ACTION SECCOMP_RET_KILL_THREAD
#define SECCOMP_RULES_MAX       (1u << 16) /* names and conditions, over all rules */

/* 0 or what seccomp_compile() returns. On failure nothing is left behind. */
int seccomp_rules_init(struct seccomp_rules *r, const struct spec_seccomp *spec,
		       const struct seccomp_target *target, struct error *e);
void seccomp_rules_done(struct seccomp_rules *r); /* safe on a zeroed or finished one */

/* The SECCOMP_RET_* value for one call. */
uint32_t seccomp_rules_evaluate(const struct seccomp_rules *r, const struct seccomp_data *data);

/* Do the rule's conditions on one argument hold for this value? */
bool seccomp_use_accepts(const struct seccomp_use *use, uint8_t index, uint64_t value);

/* The ABI of a call, SECCOMP_ABI_COUNT where this machine does not know the architecture. */
enum seccomp_abi seccomp_rules_abi(const struct seccomp_rules *r, uint32_t audit_arch,
				   uint32_t nr);

/* The one that beats the other. */
uint32_t seccomp_action_stricter(uint32_t a, uint32_t b);

/* Does a beat b? By the kernel's precedence of actions, then by the smaller data. */
bool seccomp_action_beats(uint32_t a, uint32_t b);
