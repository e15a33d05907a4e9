// SPDX-License-Identifier: Apache-2.0
#include "queue.h"

#include "base/proc.h"

#define FIRST_MS 5
#define MOST_MS  30000

void queue_init(struct queue *q, struct loop *l, void (*ready)(void *arg), void *arg)
{
	*q = (struct queue){
		.loop = l,
		.first_ms = FIRST_MS,
		.most_ms = MOST_MS,
		.ready = ready,
		.arg = arg,
	};
}

static void due(void *arg)
{
	queue_add(arg, QUEUE_LOW);
}

void queue_item_init(struct queue *q, struct queue_item *i)
{
	*i = (struct queue_item){ .queue = q, .timer = { .fire = due, .arg = i } };
}

static void unlink_item(struct queue_item *i)
{
	struct queue *q = i->queue;

	*(i->prev ? &i->prev->next : &q->lists[i->priority].first) = i->next;
	*(i->next ? &i->next->prev : &q->lists[i->priority].last) = i->prev;
	i->prev = i->next = NULL;
	i->queued = false;
	q->depth--;
}

static void link_item(struct queue_item *i, enum queue_priority priority)
{
	struct queue *q = i->queue;

	i->priority = (uint8_t)priority;
	i->prev = q->lists[priority].last;
	*(i->prev ? &i->prev->next : &q->lists[priority].first) = i;
	q->lists[priority].last = i;
	i->queued = true;
	q->depth++;
}

void queue_item_done(struct queue_item *i)
{
	if (!i->queue)
		return;
	loop_timer_stop(i->queue->loop, &i->timer);
	if (i->queued)
		unlink_item(i);
}

void queue_add(struct queue_item *i, enum queue_priority priority)
{
	struct queue *q = i->queue;
	uint64_t now = proc_now_ms();

	if (!i->active && !i->queued && now < i->not_before_ms) {
		loop_timer_set(q->loop, &i->timer, i->not_before_ms - now);
		return;
	}
	loop_timer_stop(q->loop, &i->timer);
	if (i->active) {
		if (!i->dirty || priority > i->dirty_priority)
			i->dirty_priority = (uint8_t)priority;
		i->dirty = true;
		return;
	}
	if (i->queued) {
		if (priority <= i->priority)
			return;
		unlink_item(i);
	} else {
		q->adds++;
		i->since_ms = now;
	}
	link_item(i, priority);
	q->ready(q->arg);
}

void queue_add_after(struct queue_item *i, uint64_t ms)
{
	if (!i->queued && !i->dirty)
		loop_timer_set(i->queue->loop, &i->timer, ms);
}

struct queue_item *queue_take(struct queue *q)
{
	for (int p = QUEUE_PRIORITIES - 1; p >= 0; p--) {
		struct queue_item *i = q->lists[p].first;
		uint64_t now;

		if (!i)
			continue;
		now = proc_now_ms();
		unlink_item(i);
		i->active = true;
		q->active++;
		histogram_add(&q->waited, now - i->since_ms);
		i->since_ms = now;
		return i;
	}
	return NULL;
}

static uint64_t back_off(struct queue_item *i)
{
	struct queue *q = i->queue;
	unsigned doublings = i->failures < 16 ? i->failures : 16;
	uint64_t wait = (uint64_t)q->first_ms << doublings;

	if (i->failures < UINT16_MAX)
		i->failures++;
	q->retries++;
	return wait > q->most_ms ? q->most_ms : wait;
}

void queue_finish(struct queue_item *i, bool failed, uint64_t again_ms)
{
	struct queue *q = i->queue;
	uint64_t wait = again_ms;

	q->active--;
	histogram_add(&q->worked, proc_now_ms() - i->since_ms);
	i->active = false;
	i->not_before_ms = failed && again_ms ? proc_now_ms() + again_ms : 0;
	if (failed) {
		wait = back_off(i);
		if (wait < again_ms)
			wait = again_ms;
	} else {
		i->failures = 0;
	}
	if (i->dirty) {
		i->dirty = false;
		queue_add(i, i->dirty_priority);
	} else if (wait) {
		queue_add_after(i, wait);
	}
	q->ready(q->arg);
}
