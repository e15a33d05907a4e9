// SPDX-License-Identifier: Apache-2.0
#include "kube/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/proc.h"

static int wait_plain(void *arg, struct loop *l, int timeout_ms)
{
	struct pollfd fds[64];
	struct loop_fd *order[64];
	nfds_t n = 0;
	int r;

	(void)arg;
	for (struct loop_fd *f = l->fds; f && n < 64; f = f->next) {
		fds[n] = (struct pollfd){ .fd = f->fd, .events = f->events };
		order[n++] = f;
	}
	r = poll(fds, n, timeout_ms);
	for (nfds_t i = 0; r > 0 && i < n; i++)
		if (fds[i].revents)
			order[i]->ready(order[i]->arg, fds[i].revents);
	return r < 0 && errno != EINTR ? -errno : 0;
}

void loop_init(struct loop *l)
{
	*l = (struct loop){ .wait = wait_plain };
}

void loop_done(struct loop *l)
{
	free(l->heap);
	*l = (struct loop){ 0 };
}

static void heap_put(struct loop *l, size_t at, struct loop_timer *t)
{
	l->heap[at] = t;
	t->place = at + 1;
}

/* Moves the timer to where it belongs, up or down from `at`. */
static void heap_settle(struct loop *l, size_t at, struct loop_timer *t)
{
	while (at > 0 && l->heap[(at - 1) / 2]->due_ms > t->due_ms) {
		heap_put(l, at, l->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < l->timers &&
		    l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
			child++;
		if (child >= l->timers || l->heap[child]->due_ms >= t->due_ms)
			break;
		heap_put(l, at, l->heap[child]);
		at = child;
	}
	heap_put(l, at, t);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t in_ms)
{
	t->due_ms = proc_now_ms() + in_ms;
	if (t->place) {
		heap_settle(l, t->place - 1, t);
		return;
	}
	if (l->timers == l->room) {
		size_t room = l->room ? l->room * 2 : 32;
		struct loop_timer **heap = reallocarray(l->heap, room, sizeof(*heap));

		/* Without this timer a promise would be broken in silence. */
		if (!heap)
			abort();
		l->heap = heap;
		l->room = room;
	}
	l->timers++;
	heap_settle(l, l->timers - 1, t);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	size_t at = t->place;
	struct loop_timer *last;

	if (!at)
		return;
	t->place = 0;
	last = l->heap[--l->timers];
	if (last != t)
		heap_settle(l, at - 1, last);
}

void loop_fd_add(struct loop *l, struct loop_fd *f)
{
	f->next = l->fds;
	l->fds = f;
}

void loop_fd_remove(struct loop *l, struct loop_fd *f)
{
	for (struct loop_fd **at = &l->fds; *at; at = &(*at)->next) {
		if (*at == f) {
			*at = f->next;
			return;
		}
	}
}

/* The timers due now, and none that they set anew: a timer of 0 ms must not starve the rest. */
static void fire_due(struct loop *l)
{
	uint64_t now = proc_now_ms();

	for (size_t most = l->timers; most && l->timers && l->heap[0]->due_ms <= now; most--) {
		struct loop_timer *t = l->heap[0];

		loop_timer_stop(l, t);
		t->fire(t->arg);
	}
}

static int time_left(const struct loop *l, int most_ms)
{
	uint64_t now, left;

	if (!l->timers)
		return most_ms;
	now = proc_now_ms();
	left = l->heap[0]->due_ms > now ? l->heap[0]->due_ms - now : 0;
	if (left > INT_MAX)
		left = INT_MAX;
	return most_ms >= 0 && (uint64_t)most_ms < left ? most_ms : (int)left;
}

int loop_turn(struct loop *l, int most_ms)
{
	fire_due(l);
	if (l->stop)
		return 0;
	return l->wait(l->wait_arg, l, time_left(l, most_ms));
}

int loop_run(struct loop *l)
{
	int r = 0;

	while (!l->stop && r >= 0)
		r = loop_turn(l, -1);
	return r;
}

uint64_t loop_random(uint64_t low, uint64_t high)
{
	uint64_t r = 0;

	if (high <= low || getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		return low;
	return low + r % (high - low);
}
