/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "seccomp/cells.h"
#include "seccomp/table.h"

struct error;
struct seccomp_rules;

/*
 * Rules in the one shape that the order in which they were written, and how, leaves no trace in:
 * for each architecture the ranges of numbers that share a verdict, and for each verdict the
 * tests of arguments that decide it. What a program is made from.
 */
struct seccomp_test { /* of one argument */
	uint8_t index;
	bool narrow; /* only the lower half of the argument counts */
	bool masked; /* (argument & mask) == value; else: as the cells say */
	uint64_t mask;
	uint64_t value;
	struct cells cells;
};

struct seccomp_step {
	/* A map: one test whose cells are the actions themselves, or CELL_PASS: go on. */
	bool is_map;
	uint32_t action; /* no map: this, if all tests hold (CELL_IN, masks), else go on */
	uint32_t source; /* a rule it stems from, for messages */
	size_t n;
	struct seccomp_test *tests; /* by index */
};

struct seccomp_verdict {
	size_t n; /* 0: `final`, whatever the arguments, but for `cut` */
	struct seccomp_step *steps;
	uint32_t final; /* where the last step passes; no map passes that is last */
	const struct seccomp_verdict *cut; /* its answer holds where it is the stricter one */
	enum seccomp_abi abi;              /* the first number that has it, for messages */
	uint32_t slot;
	const char *bytes; /* its canonical encoding */
	size_t len;
	uint64_t hash;
};

struct seccomp_span { /* from here to the start of the next, the last to 2^32 - 1 */
	uint32_t start;
	uint32_t verdict;
};

struct seccomp_arch {
	uint32_t audit; /* AUDIT_ARCH_* */
	size_t n;
	struct seccomp_span *spans;
};

struct seccomp_meaning {
	struct arena arena;
	uint32_t flags;
	bool has_notify;
	size_t n_verdicts;
	struct seccomp_verdict *verdicts;
	size_t n_arches; /* the native one first; every other one: SECCOMP_UNLISTED_ACTION */
	struct seccomp_arch arches[2];
};

/* Whether it has an answer that beats `action`. */
bool seccomp_verdict_beats(const struct seccomp_verdict *v, uint32_t action);

int seccomp_meaning_init(struct seccomp_meaning *m, const struct seccomp_rules *rules,
			 struct error *e);
void seccomp_meaning_done(struct seccomp_meaning *m); /* safe on a zeroed or finished one */
