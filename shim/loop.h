/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/*
 * The shim's one loop, on epoll(7). It hands out one event at a time, so that whoever is called may
 * remove and free any source, its own too.
 */
struct loop {
	int fd;
};

#define LOOP_NONE ((struct loop){ .fd = -1 })

struct source {
	int fd; /* the owner's to close, after loop_remove() */
	void (*ready)(struct source *s, uint32_t events);
	uint32_t events;
	bool added;
};

#define SOURCE_NONE ((struct source){ .fd = -1 })

/* The struct around one of its members: source -> owner. */
#define loop_owner(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

int loop_init(struct loop *l, struct error *e);
void loop_done(struct loop *l);

/* Adds the source, or changes what it waits for (EPOLLIN ...; 0: nothing but hang-up). 0 or -errno. */
int loop_set(struct loop *l, struct source *s, uint32_t events);
void loop_remove(struct loop *l, struct source *s); /* safe on what was never added */
void loop_close(struct loop *l, struct source *s);  /* and closes its descriptor */

int loop_once(struct loop *l, struct error *e); /* waits for one event and hands it out */

/* A source that is ready once, so many milliseconds from now. */
struct timer {
	struct source source;
	void (*fire)(struct timer *t);
};

#define TIMER_NONE ((struct timer){ .source = SOURCE_NONE })

int timer_set(struct loop *l, struct timer *t, unsigned int ms, void (*fire)(struct timer *t));
void timer_done(struct loop *l, struct timer *t); /* safe on TIMER_NONE and a fired one */
