/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

/*
 * Bytes on their way from one descriptor to another, in the loop: from pipe to pipe without touching them
 * (splice(2)), else page by page. While one is full the other is not read: back-pressure is kept.
 */
struct stream {
	struct loop *loop;
	struct source from; /* both are non-blocking; -1: it has not begun, or has ended */
	struct source to;
	bool spliced;
	char *left; /* what a terminal did not take yet */
	size_t n_left;
	void (*ended)(struct stream *st); /* nothing more will come; may be NULL */
	void *owner;
};

void stream_init(struct stream *st, struct loop *l);
void stream_begin(struct stream *st); /* once both have their descriptors */
void stream_flush(struct stream *st); /* moves what there is room for, now */
void stream_end(struct stream *st);   /* closes both; safe on one that has ended */
