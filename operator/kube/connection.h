/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct access;
struct loop;

/*
 * One API server, by libcurl's multi interface: HTTP/2 with every watch and write as a stream of
 * one connection, HTTP/1.1 where the server speaks no other; TLS; keep-alive; gzip. The lease has
 * a connection of its own, so that no list stands in its way.
 *
 * Every call is answered exactly once, by done(), from the loop: never from connection_send().
 * Of ordinary calls at most `most` are under way; the rest wait their turn. A 401 makes fresh
 * credentials and one more try. Nothing else is tried again here: who asked knows better.
 */
enum connection_lane {
	LANE_API,   /* short calls, in turn, with a deadline */
	LANE_WATCH, /* long streams, at once */
	LANE_LEASE, /* at once, on a connection of its own */
};

struct answer {
	int status; /* of HTTP; 0: there was none, and `error` says why */
	const char *body;
	size_t len;
	unsigned retry_after_ms; /* what the server asked for; 0: nothing */
	struct error error;      /* set where status is 0 */
};

struct call {
	const char *method;
	const char *path; /* with its query */
	const char *type; /* of the body, NULL without one */
	const char *body;
	size_t len;
	const char *accept; /* NULL: application/json */
	enum connection_lane lane;
	bool write; /* changes something: dropped by connection_fence() */
	unsigned timeout_ms;
	unsigned idle_ms; /* streams: how long no byte may come; 0: for ever */
	/* A stream's bytes as they come, of a 200 only. A return < 0 ends it (ECANCELED). */
	int (*data)(void *arg, const char *data, size_t len);
	void (*done)(void *arg, const struct answer *a);
	void *arg;
};

/* What an observer is told of each call that was answered. */
struct call_record {
	const char *method;
	int status;
	uint64_t took_ms;
};

struct connection;
struct request;

int connection_new(struct loop *l, struct access *a, unsigned most, struct connection **ret,
		   struct error *e);
void connection_free(struct connection *c); /* drops what is under way; nobody is answered */

/* Copies what it is given. *ret may be kept for request_cancel(), until done() was called. */
int connection_send(struct connection *c, const struct call *call, struct request **ret);
void request_cancel(struct request *r); /* NULL is fine; done() is not called */

/* Answers every write under way or waiting with ECANCELED: we are the leader no more. */
void connection_fence(struct connection *c);

/* Answers everything with ECANCELED, also what that makes its callers ask. */
void connection_abandon(struct connection *c);

/* `may_write` is asked before every write is sent, and again when its body is handed out. */
void connection_guard(struct connection *c, bool (*may_write)(void *arg), void *arg);
void connection_observe(struct connection *c,
			void (*told)(void *arg, const struct call_record *r), void *arg);

unsigned connection_busy(const struct connection *c); /* ordinary calls under way and waiting */
struct loop *connection_loop(struct connection *c);

/*
 * For tests: STRAKE_OPERATOR_KILL_AT=N kills the process without ceremony at the Nth moment
 * between two calls: before a write goes out, and after its answer came but before it is heard.
 */
#define CONNECTION_KILL_VARIABLE "STRAKE_OPERATOR_KILL_AT"
