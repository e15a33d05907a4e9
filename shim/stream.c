/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

/* A fifo that can be written at all takes this much (pipe(7)). */
#define STREAM_PIECE PIPE_BUF
/* Pieces in a row, before others have their turn. */
#define STREAM_TURN  16

void stream_end(struct stream *st)
{
	bool was_open = st->from.fd >= 0;

	loop_close(st->loop, &st->from);
	loop_close(st->loop, &st->to);
	free(take_ptr(&st->left));
	if (was_open && st->ended)
		st->ended(st);
}

/* A source that has hung up would be reported for ever: only one of the two is watched. */
static void stream_await(struct stream *st, struct source *s, uint32_t events)
{
	struct loop *l = st->loop;

	loop_remove(l, s == &st->from ? &st->to : &st->from);
	if (loop_set(l, s, events) < 0)
		stream_end(st);
}

/* 1: more may follow; 0: wait for *ret; -1: the end. */
static int stream_splice(struct stream *st, struct source **ret)
{
	ssize_t n;

	n = splice(st->from.fd, NULL, st->to.fd, NULL, 65536,
		   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n > 0 || (n < 0 && errno == EINTR))
		return 1;
	if (n == 0 || errno != EAGAIN)
		return -1;
	*ret = fd_wait(st->to.fd, POLLOUT, 0) > 0 ? &st->from : &st->to;
	return 0;
}

/* 1: all of it was taken. */
static int stream_write(struct stream *st, const char *data, size_t len, struct source **ret)
{
	ssize_t n;

	do
		n = write(st->to.fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return -1;
	if (n == (ssize_t)len)
		return 1;
	n = n < 0 ? 0 : n;
	st->left = malloc(len - (size_t)n);
	if (!st->left)
		return -1;
	st->n_left = len - (size_t)n;
	memcpy(st->left, data + n, st->n_left);
	*ret = &st->to;
	return 0;
}

static int stream_copy(struct stream *st, struct source **ret)
{
	autofree char *left = take_ptr(&st->left);
	char data[STREAM_PIECE];
	ssize_t n;

	if (left)
		return stream_write(st, left, st->n_left, ret);
	*ret = &st->to;
	if (fd_wait(st->to.fd, POLLOUT, 0) <= 0)
		return 0;
	do
		n = read(st->from.fd, data, sizeof(data));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		*ret = &st->from;
		return 0;
	}
	/* EIO: the terminal's last process is gone. */
	return n <= 0 ? -1 : stream_write(st, data, (size_t)n, ret);
}

static void stream_pump(struct stream *st)
{
	struct source *wanted = &st->from;
	int i, r = 1;

	for (i = 0; i < STREAM_TURN && r > 0; i++)
		r = st->spliced ? stream_splice(st, &wanted) : stream_copy(st, &wanted);
	if (r < 0)
		stream_end(st);
	else
		stream_await(st, wanted, wanted == &st->from ? EPOLLIN : EPOLLOUT);
}

static void stream_from_ready(struct source *s, uint32_t events)
{
	(void)events;
	stream_pump(loop_owner(s, struct stream, from));
}

static void stream_to_ready(struct source *s, uint32_t events)
{
	(void)events;
	stream_pump(loop_owner(s, struct stream, to));
}

void stream_init(struct stream *st, struct loop *l)
{
	*st = (struct stream){
		.loop = l,
		.from = { .fd = -1, .ready = stream_from_ready },
		.to = { .fd = -1, .ready = stream_to_ready },
	};
}

void stream_begin(struct stream *st)
{
	if (st->from.fd >= 0 && st->to.fd >= 0)
		stream_await(st, &st->from, EPOLLIN);
}

void stream_flush(struct stream *st)
{
	if (st->from.fd >= 0 && st->to.fd >= 0)
		stream_pump(st);
}
