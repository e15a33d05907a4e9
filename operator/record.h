/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "conditions.h"
#include "kube/tree.h"
#include "observed.h"
#include "queue.h"

/* All that is known of one Database and of its children, and what was done for it. */
struct record {
	struct record *chain; /* of the table */
	char *namespace, *name;
	struct queue_item item;

	/* the Database itself */
	bool exists;
	bool deleting;
	bool finalizer;
	uint32_t round;
	uint64_t version;
	uint64_t uid_digest;
	int64_t generation;
	char uid[37];
	char *spec; /* compact JSON */

	/* its status, as the server has it */
	uint64_t status;          /* digest; 0: none */
	uint64_t status_sent;     /* what we wrote last, and ... */
	uint64_t status_accepted; /* ... what the server made of it */
	struct condition_marks marks;
	char engine_version[18]; /* the one in use; "" before the first */
	int64_t observed_generation;
	int64_t settled_generation; /* the last for which nothing was left to do */

	struct observed observed;

	/* what it should be, as digests: for `wanted_for`, 0: not known */
	uint64_t wanted[CHILD_MAX];
	uint64_t wanted_for;

	/* what we did */
	unsigned in_flight;
	uint16_t conflicts; /* children whose name is another's */
	uint16_t made;      /* Secrets we know to be there without seeing them */
	uint16_t dropped;   /* ... and to be there no more, whatever an older status says */
	uint16_t told;      /* Secrets we know to hold the certificate of the authority */
	bool failed;        /* something in this round */
	bool worked;        /* something was sent in this pass */
	bool listening;     /* the primary is to be asked soon what it made */
	uint8_t unsaid;     /* looks in a row without a status */
	unsigned retry_after_ms;
	char *declared_failed; /* what could not be made, in the server's words; or NULL */
	char *trouble;         /* what last went wrong, in words; or NULL */
	uint64_t invalid_for;  /* generation whose spec was told to be wrong */
};

/*
 * What an object says goes into the record; of a pod or a claim with its ordinal. True where it is news.
 * That it is not older than what is known is for the caller to see to, but for pods and claims, whose
 * `version` is looked at unless the object is part of an initial list.
 */
bool record_take_database(struct record *r, const json_t *object);
bool record_take_child(struct record *r, enum child child, const json_t *object);
bool record_take_pod(struct record *r, int ordinal, const json_t *object, uint64_t version,
		     uint32_t round, bool initial);
bool record_take_claim(struct record *r, int ordinal, const json_t *object, uint64_t version,
		       uint32_t round, bool initial);
