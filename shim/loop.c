/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

int loop_init(struct loop *l, struct error *e)
{
	l->fd = epoll_create1(EPOLL_CLOEXEC);
	return l->fd < 0 ? error_set(e, errno, "make an epoll instance") : 0;
}

void loop_done(struct loop *l)
{
	mem_closep(&l->fd);
	l->fd = -1;
}

int loop_set(struct loop *l, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (s->added && s->events == events)
		return 0;
	if (epoll_ctl(l->fd, s->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return -errno;
	s->added = true;
	s->events = events;
	return 0;
}

void loop_remove(struct loop *l, struct source *s)
{
	if (s->added)
		epoll_ctl(l->fd, EPOLL_CTL_DEL, s->fd, NULL);
	s->added = false;
}

void loop_close(struct loop *l, struct source *s)
{
	loop_remove(l, s);
	mem_closep(&s->fd);
	s->fd = -1;
}

int loop_once(struct loop *l, struct error *e)
{
	struct epoll_event ev;
	struct source *s;
	int n;

	n = epoll_wait(l->fd, &ev, 1, -1);
	if (n < 0)
		return errno == EINTR ? 0 : error_set(e, errno, "wait for events");
	if (n > 0) {
		s = ev.data.ptr;
		s->ready(s, ev.events);
	}
	return 0;
}

static void timer_ready(struct source *s, uint32_t events)
{
	struct timer *t = loop_owner(s, struct timer, source);
	uint64_t times;

	(void)events;
	/* Reading disarms it; it stays in the loop, for the next time. */
	if (read(s->fd, &times, sizeof(times)) == sizeof(times))
		t->fire(t);
}

int timer_set(struct loop *l, struct timer *t, unsigned int ms, void (*fire)(struct timer *t))
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000 + (ms ? 0 : 1) },
	};

	if (t->source.fd < 0)
		t->source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->source.fd < 0 || timerfd_settime(t->source.fd, 0, &when, NULL) < 0)
		return -errno;
	t->fire = fire;
	t->source.ready = timer_ready;
	return loop_set(l, &t->source, EPOLLIN);
}

void timer_done(struct loop *l, struct timer *t)
{
	loop_close(l, &t->source);
}
