/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "frame.h"
#include "loop.h"
#include "message.h"
#include "ttrpc.pb-c.h"

struct error;

/*
 * A ttrpc server on a unix socket, in a loop. Calls are answered in any order, at any later time;
 * reading goes on while answers wait to be written. Who is not of our own user is turned away.
 */

/* google.rpc.Code */
enum code {
	CODE_OK = 0,
	CODE_UNKNOWN = 2,
	CODE_INVALID_ARGUMENT = 3,
	CODE_DEADLINE_EXCEEDED = 4,
	CODE_NOT_FOUND = 5,
	CODE_ALREADY_EXISTS = 6,
	CODE_RESOURCE_EXHAUSTED = 8,
	CODE_FAILED_PRECONDITION = 9,
	CODE_UNIMPLEMENTED = 12,
	CODE_INTERNAL = 13,
	CODE_UNAVAILABLE = 14,
};

struct conn;

/* One request that is not answered yet. Ends with call_reply() or call_fail(). */
struct call {
	LIST_ENTRY(call) of_conn;
	LIST_ENTRY(call) of_waiters; /* the handler's, with `waiting` set */
	struct conn *conn;           /* NULL: the client is gone; answers go nowhere */
	uint32_t stream;
	uint64_t until; /* the client waits, in milliseconds of CLOCK_MONOTONIC; 0: for ever */
	/* Is called instead of an answer and gives one, where a method is served by means of another's. */
	void (*translate)(struct call *call, const ProtobufCMessage *m);
	void *arg; /* its own */
	bool waiting; /* in a list of waiters, and nothing else knows it: dropped with its client */
};

LIST_HEAD(call_list, call);

struct server {
	struct loop *loop;
	struct source listener;
	int spare_fd; /* given up for the one client that there is, where no other number is left */
	LIST_HEAD(, conn) conns;
	size_t n_conns;
	/* Must answer the call, now or later. */
	void (*handle)(struct server *s, struct call *c, const Pb__Request *rq);
	void (*alone)(struct server *s); /* the last connection has ended; may be NULL */
};

#define SERVER_MAX_CALLS  4096        /* of one connection, unanswered */
#define SERVER_MAX_UNREAD (16u << 20) /* bytes of answers that a client has not read */

/* fd listens; it becomes the server's. */
int server_init(struct server *s, struct loop *l, int fd, struct error *e);
/* Whether there is more than one client; who waits to be let in is one. */
bool server_has_others(struct server *s);
void server_close_door(struct server *s); /* nobody new is heard from now on */
bool server_is_closed(const struct server *s);
void server_done(struct server *s); /* closes everything */

void call_reply(struct call *c, const ProtobufCMessage *m); /* NULL: an empty answer */
void call_fail(struct call *c, enum code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
