/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "kube/backoff.h"
#include "kube/frame.h"
#include "kube/loop.h"
#include "kube/refusal.h"

struct connection;
struct request;

/*
 * Keeps somebody informed of every object below one path: all that is there, then each change.
 *
 * Objects come as a stream (WatchList) where the server can, else as pages of a list and then a
 * stream. begin() says that all will be told anew, object() and gone() tell, synced() says that
 * what was told since begin() is everything: what was not told is no more. After that the same
 * stream goes on, is renewed before the server ends it, and starts from begin() when what we
 * know is too old (410 in any form). Nobody needs to know which of these happened.
 */
struct watch_sink {
	void (*begin)(void *arg);
	void (*object)(void *arg, json_t *object, bool initial);
	void (*gone)(void *arg, json_t *object);
	void (*synced)(void *arg);
	/* Each failure, before the wait that follows; NULL: not told. */
	void (*failed)(void *arg, enum refusal why, const struct error *e, uint64_t wait_ms);
	void *arg;
};

struct watch_target {
	const char *const *paths; /* NULL-terminated: tried in order where one is not served */
	const char *selector;     /* of labels, ready for a query; or NULL */
	bool metadata_only;       /* ask for PartialObjectMetadata */
	unsigned idle_ms;         /* of silence where bookmarks come; then it is begun anew */
};

struct watch {
	struct connection *c;
	struct watch_target target;
	struct watch_sink sink;
	struct request *request;
	struct frames frames;
	struct backoff backoff;
	struct loop_timer retry;
	unsigned path;  /* which of target.paths */
	bool no_stream; /* the server does not stream initial events */
	bool synced;
	bool listing;        /* between begin() and synced() */
	bool bookmarks;      /* the server sends them: silence means trouble */
	bool moved;          /* something came in this stream */
	enum refusal inside; /* an ERROR frame came */
	struct error inside_error;
	unsigned inside_retry_ms;
	uint64_t started_ms;
	char version[64]; /* resourceVersion to go on from; "" : none */
	char *page;       /* continue token */
};

void watch_init(struct watch *w, struct connection *c, const struct watch_target *target,
		const struct watch_sink *sink);
void watch_start(struct watch *w);
void watch_done(struct watch *w);
