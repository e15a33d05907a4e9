/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/kind.h"
#include "kube/tree.h"

struct record;

/*
 * Everything that the watches have told, by Database. A record is made by the first news of a
 * Database or of a child that says it belongs to one, and goes when nothing of it is left.
 *
 * News are put in order by resourceVersion, per object: the answer to a write is news as well and
 * may come before or after the watch's word of it. What is older than what we know is not heard.
 */
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
