/* SPDX-License-Identifier: Apache-2.0 */
#include "rest.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
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

/* What is still with us counts only where there is a reader to wait for. */
static bool rest_is_taken(const struct rest *rt)
{
	const struct stream *const of[] = { &rt->streams->out, &rt->streams->err };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
		if (rt->fifo[i] >= 0 && (of[i]->left || !rest_is_empty(of[i]->from.fd) ||
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

	rt->taken = NULL;
	loop_close(rt->loop, &rt->reading);
	timer_done(rt->loop, &rt->deadline);
	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
		rest_close(rt, i);
}

static void rest_end(struct rest *rt)
{
	void (*taken)(struct rest *) = rt->taken;

	rest_done(rt);
	if (taken)
		taken(rt);
}

static void rest_expire(struct timer *t)
{
	rest_end(loop_owner(t, struct rest, deadline));
}

static void rest_reading_ready(struct source *s, uint32_t events)
{
	struct rest *rt = loop_owner(s, struct rest, reading);
	struct inotify_event ev; /* of a watch on a file: without a name behind it */
	size_t i;

	(void)events;
	while (read(s->fd, &ev, sizeof(ev)) == sizeof(ev))
		for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
			if ((ev.mask & IN_CLOSE_NOWRITE) && ev.wd == rt->watch[i])
				rest_close(rt, i);
	if (rest_is_taken(rt))
		rest_end(rt);
}

/* Not while a stream has the fifo: that is a reader too, for those who go away and come back. */
static bool rest_has_reader(const char *path)
{
	autoclose int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

/* A look at the fifo without being one of its writers: its reader shall see the end. */
static void rest_open(struct rest *rt, size_t i, const char *path)
{
	struct stat about;

	if (str_empty(path) || !rest_has_reader(path))
		return;
	rt->fifo[i] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (rt->fifo[i] >= 0 && fstat(rt->fifo[i], &about) == 0 && S_ISFIFO(about.st_mode))
		return;
	rest_close(rt, i);
}

static int rest_watch(struct rest *rt, const char *const paths[2])
{
	size_t i;

	rt->reading.ready = rest_reading_ready;
	rt->reading.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (rt->reading.fd < 0)
		return -1;
	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++) {
		if (rt->fifo[i] < 0)
			continue;
		rt->watch[i] = inotify_add_watch(rt->reading.fd, paths[i],
						 IN_ACCESS | IN_CLOSE_NOWRITE);
		if (rt->watch[i] < 0)
			return -1;
	}
	return loop_set(rt->loop, &rt->reading, EPOLLIN);
}

void rest_await(struct rest *rt, const struct streams *s, const char *const paths[2],
		unsigned int ms, void (*taken)(struct rest *rt))
{
	size_t i;

	rt->loop = s->loop;
	rt->streams = s;
	for (i = 0; i < ARRAY_SIZE(rt->fifo); i++)
		rest_open(rt, i, paths[i]);
	/* Looked at again once it is watched: it may have been taken in between. */
	if (rest_is_taken(rt) || rest_watch(rt, paths) < 0 || rest_is_taken(rt) ||
	    timer_set(rt->loop, &rt->deadline, ms, rest_expire) < 0)
		rest_done(rt);
	else
		rt->taken = taken;
}

bool rest_is_awaited(const struct rest *rt)
{
	return rt->taken != NULL;
}
