/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "loop.h"

struct streams;

/*
 * What an ended process has left unread in its output. A client may close its end as soon as it hears
 * of the exit (containerd's own does, up to 1.7), and what it has not read by then would be lost. So an
 * exit is told when the reader has taken everything, or closed, or has had its time: it may be stuck.
 * Where nobody has the fifo open for reading, nothing is awaited.
 *
 * That somebody has read, or closed, comes as SIGIO (Linux 5.15 and its contemporaries send it for every
 * read). Not by inotify: the close of one waits for the whole kernel, 15 ms and more, and root has few.
 */
struct rests {
	LIST_HEAD(, rest) all;
};

struct rest {
	LIST_ENTRY(rest) link; /* while it is awaited */
	struct loop *loop;
	const struct streams *streams;
	struct timer deadline;
	int fifo[2]; /* the ends that are written, of stdout and stderr; -1: none */
	void (*taken)(struct rest *rt); /* NULL: nothing is awaited */
};

#define REST_NONE ((struct rest){ .deadline = TIMER_NONE, .fifo = { -1, -1 } })

void rests_init(struct rests *all);
/* SIGIO has come, which the process must have blocked: those that were taken are told. */
void rests_look(struct rests *all);

/* Calls taken() within ms milliseconds; not if nothing is left: then rest_is_awaited() says no. */
void rest_await(struct rest *rt, struct rests *all, const struct streams *s,
		const char *const paths[2], unsigned int ms, void (*taken)(struct rest *rt));
bool rest_is_awaited(const struct rest *rt);
void rest_done(struct rest *rt); /* safe on REST_NONE */
