/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one event loop: timers, a few descriptors, and one waiter (the connection, which waits with
 * curl_multi_poll). Times are milliseconds of CLOCK_MONOTONIC, so that no jump of the wall clock
 * moves a deadline.
 */
struct loop_timer {
	uint64_t due_ms;
	size_t place; /* in the heap, plus one; 0: not set */
	void (*fire)(void *arg);
	void *arg;
};

struct loop_fd {
	int fd;
	short events;
	void (*ready)(void *arg, short revents);
	void *arg;
	struct loop_fd *next;
};

struct loop {
	struct loop_timer **heap;
	size_t timers;
	size_t room;
	struct loop_fd *fds;
	bool stop;
	/* Waits for at most timeout_ms (-1: for ever) and calls fds' ready(). */
	int (*wait)(void *arg, struct loop *l, int timeout_ms);
	void *wait_arg;
};

void loop_init(struct loop *l);
void loop_done(struct loop *l);

/* Sets or moves a timer that fires once. Its memory is the caller's, until fired or stopped. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t in_ms);
void loop_timer_stop(struct loop *l, struct loop_timer *t);
static inline bool loop_timer_is_set(const struct loop_timer *t)
{
	return t->place > 0;
}

void loop_fd_add(struct loop *l, struct loop_fd *f);
void loop_fd_remove(struct loop *l, struct loop_fd *f);

/* One turn: due timers, then a wait of at most `most_ms` (-1: as long as it takes). */
int loop_turn(struct loop *l, int most_ms);

/* Turns until loop_stop(). 0 or the waiter's -errno. */
int loop_run(struct loop *l);
static inline void loop_stop(struct loop *l)
{
	l->stop = true;
}

/* [low, high), for jitter; not for secrets. */
uint64_t loop_random(uint64_t low, uint64_t high);
