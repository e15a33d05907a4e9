/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "kube/loop.h"

/*
 * Who is to be reconciled: each at most once, never twice at a time, in the order of arrival, and
 * what a person changed before what merely is looked at again. An item lives inside its record.
 */
enum queue_priority {
	QUEUE_LOW,  /* the first list, the safety net */
	QUEUE_HIGH, /* a change */
	QUEUE_PRIORITIES,
};

struct queue;

struct queue_item {
	struct queue_item *prev, *next;
	struct queue *queue;
	struct loop_timer timer;
	uint64_t since_ms;      /* when it was added, then when it was taken */
	uint64_t not_before_ms; /* the server asked to be left alone until then */
	uint16_t failures;
	uint8_t priority;
	bool queued;
	bool active;
	bool dirty; /* added again while active */
	uint8_t dirty_priority;
};

struct queue {
	struct loop *loop;
	struct {
		struct queue_item *first, *last;
	} lists[QUEUE_PRIORITIES];
	unsigned depth, active;
	uint32_t first_ms, most_ms; /* of the back-off of one item */
	void (*ready)(void *arg);   /* something can be taken */
	void *arg;
	/* for the metrics */
	uint64_t adds, retries;
	struct histogram waited, worked;
};

void queue_init(struct queue *q, struct loop *l, void (*ready)(void *arg), void *arg);

void queue_item_init(struct queue *q, struct queue_item *i);
void queue_item_done(struct queue_item *i); /* it must not be active */

void queue_add(struct queue_item *i, enum queue_priority priority);
void queue_add_after(struct queue_item *i, uint64_t ms);

/* The next one, now active, or NULL. */
struct queue_item *queue_take(struct queue *q);

/*
 * The work on it is over. It is looked at again after `again_ms` (0: not by itself); or, where it
 * failed, after its back-off: 5 ms, doubling, and never before `again_ms`, whatever news come.
 */
void queue_finish(struct queue_item *i, bool failed, uint64_t again_ms);
