/* SPDX-License-Identifier: Apache-2.0 */
#include "rest.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "streams.h"

static bool rest_is_empty(int fd)
{
	int n = 0;

	return fd < 0 || ioctl(fd, FIONREAD, &n) < 0 || n <= 0;
}

/* Of an end that is written, an error is that nobody reads. A stream that still has it does read it, too. */
static bool rest_has_reader(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 0;
}

/* What is still with us counts only where there is a reader to wait for. */
static bool rest_is_taken(const struct rest *rt)
{
	const struct stream *const of[] = { &rt->streams->out, &rt->streams->err };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
		if (rt->fifo[i] >= 0 && rest_has_reader(rt->fifo[i]) &&
		    (of[i]->left || !rest_is_empty(of[i]->from.fd) ||
		     !rest_is_empty(rt->fifo[i])))
			return false;
	return true;
}

static void rest_close(struct rest *rt, size_t i)
{
	mem_closep(&rt->fifo[i]);
	rt->fifo[i] = -1;
}

void rest_done(struct rest *rt)
{
	size_t i;

	if (rt->taken)
		LIST_REMOVE(rt, link);
	rt->taken = NULL;
	timer_done(rt->loop, &rt->deadline);
	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
		rest_close(rt, i);
}

static void rest_end(struct rest *rt)
{
	void (*taken)(struct rest *) = rt->taken;

	rest_done(rt);
	taken(rt);
}

static void rest_expire(struct timer *t)
{
	rest_end(loop_owner(t, struct rest, deadline));
}

void rests_init(struct rests *all)
{
	LIST_INIT(&all->all);
}

void rests_look(struct rests *all)
{
	struct rest *rt;

	do {
		LIST_FOREACH (rt, &all->all, link)
			if (rest_is_taken(rt))
				break;
		/* Who is told may end others. */
		if (rt)
			rest_end(rt);
	} while (rt);
}

/*
 * For writing, as only those ends are told of what is read. Its reader sees the end when this one is
 * closed: once the rest is taken.
 */
static void rest_open(struct rest *rt, size_t i, const char *path)
{
	struct stat about;

	if (str_empty(path))
		return;
	/* Fails where nobody reads. */
	rt->fifo[i] = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (rt->fifo[i] < 0)
		return;
	if (fstat(rt->fifo[i], &about) < 0 || !S_ISFIFO(about.st_mode) ||
	    fcntl(rt->fifo[i], F_SETOWN, getpid()) < 0 ||
	    fcntl(rt->fifo[i], F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		rest_close(rt, i);
}

void rest_await(struct rest *rt, struct rests *all, const struct streams *s,
		const char *const paths[2], unsigned int ms, void (*taken)(struct rest *rt))
{
	size_t i;

	rt->loop = s->loop;
	rt->streams = s;
	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
		rest_open(rt, i, paths[i]);
	if (rest_is_taken(rt) || timer_set(rt->loop, &rt->deadline, ms, rest_expire) < 0) {
		rest_done(rt);
		return;
	}
	rt->taken = taken;
	LIST_INSERT_HEAD(&all->all, rt, link);
}

bool rest_is_awaited(const struct rest *rt)
{
	return rt->taken != NULL;
}
