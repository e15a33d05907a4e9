/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "conditions.h"
#include "kube/tree.h"
#include "observed.h"
#include "queue.h"

/*
 * Everything that the watches have told, by Database. A record is made by the first news of a
 * Database or of a child that says it belongs to one, and goes when nothing of it is left.
 *
 * News are put in order by resourceVersion, per object: the answer to a write is news as well and
 * may come before or after the watch's word of it. What is older than what we know is not heard.
 */
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

struct cache {
	struct record **table;
	size_t slots, records;
	/* A record has something new, of this importance. */
	void (*changed)(void *arg, struct record *r, int priority);
	void *arg;
};

void cache_init(struct cache *c, void (*changed)(void *arg, struct record *r, int priority),
		void *arg);
void cache_done(struct cache *c);

struct record *cache_find(const struct cache *c, const char *namespace, const char *name);

/* One object was added or changed; `initial`: told as part of everything there is. */
void cache_object(struct cache *c, enum kind kind, const json_t *object, uint32_t round,
		  bool initial);

/* One object is gone. */
void cache_gone(struct cache *c, enum kind kind, const json_t *object);

/* A child is gone, by the word of a write (404). */
void cache_child_gone(struct cache *c, struct record *r, enum child child);

/* Everything of this kind was told in `round`: the rest, in `namespace` (NULL: all), is gone. */
void cache_sweep(struct cache *c, enum kind kind, const char *namespace, uint32_t round);

/* Frees the record if nothing is left of it and nothing is under way. */
void cache_release(struct cache *c, struct record *r);

void cache_each(struct cache *c, void (*each)(void *arg, struct record *r), void *arg);
