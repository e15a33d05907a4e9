/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seccomp/denied.h"

struct denial;

/*
 * Where denied calls are told, one by one up to a burst and then a rate. What is above, and what finds no
 * room, is counted by call and errno and told later, once a second, with its count: the counts of all
 * that was told add up to the calls. Whoever reads may be slow, or away: nobody waits for him.
 */
#define OUTLET_KINDS 1024 /* calls that are counted apart; the rest is counted as one */

enum outlet_form {
	OUTLET_TEXT,    /* lines for people */
	OUTLET_JSON,    /* lines of JSON in a file */
	OUTLET_NOTICES, /* messages (notice.h) */
};

/* Calls of one kind that were not told yet. */
struct outlet_kind {
	struct seccomp_denied last;
	uint64_t n;
};

struct outlet {
	enum outlet_form form;
	int fd; /* -1: nobody listens */
	unsigned int burst;
	unsigned int rate;   /* a second */
	bool counts_at_rate; /* counts take from it, too, until the end */
	const char *id;      /* of the container */
	const struct denial *denial;
	uint64_t tokens;
	uint64_t refilled; /* ns */
	uint64_t counted;  /* ns: when the counts were last told */
	uint64_t owed;     /* calls that are counted and not told */
	size_t n_kinds;
	struct outlet_kind kinds[OUTLET_KINDS];
};

/* `now` is CLOCK_MONOTONIC's, ns: one look at the clock for each call, whatever listens. */
void outlet_begin(struct outlet *o, uint64_t now);
void outlet_tell(struct outlet *o, const struct seccomp_denied *d, uint64_t now);

/* Who made it may be told by name: what is only counted needs none. */
bool outlet_wants_name(struct outlet *o, const struct seccomp_denied *d, uint64_t now);

/* To be called when a call was told, and after OUTLET_COUNT_MS where something is owed. */
#define OUTLET_COUNT_MS 1000
void outlet_tell_counts(struct outlet *o, uint64_t now);
/* All counts, waiting for room so long; what finds none stays owed. */
void outlet_end(struct outlet *o, int timeout_ms);
