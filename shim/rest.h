/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "loop.h"

struct streams;

/*
 * What an ended process has left unread in its output. A client may close its end as soon as it hears
 * of the exit (containerd's own does, up to 1.7), and what it has not read by then would be lost. So an
 * exit is told when the reader has taken everything, or closed, or has had its time: it may be stuck.
 * Where nobody has the fifo open for reading, nothing is awaited.
 */
struct rest {
	struct loop *loop;
	const struct streams *streams;
	struct source reading; /* inotify: somebody has read, or closed */
	struct timer deadline;
	int fifo[2]; /* of stdout and stderr; -1: none, or closed */
	int watch[2];
	void (*taken)(struct rest *rt); /* NULL: nothing is awaited */
};

#define REST_NONE \
	((struct rest){ .reading = SOURCE_NONE, .deadline = TIMER_NONE, .fifo = { -1, -1 } })

/* Calls taken() within ms milliseconds; not if nothing is left: then rest_is_awaited() says no. */
void rest_await(struct rest *rt, const struct streams *s, const char *const paths[2],
		unsigned int ms, void (*taken)(struct rest *rt));
bool rest_is_awaited(const struct rest *rt);
void rest_done(struct rest *rt); /* safe on REST_NONE */
