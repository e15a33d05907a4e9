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

/*
 * What containerd is told, one event at a time and in order: each is kept until containerd has
 * acknowledged it, however long it is away. Past EVENTS_MAX the oldest that is no exit is dropped,
 * and exits only among themselves.
 */
#define EVENTS_MAX 2048

struct event;

struct events {
	struct loop *loop;
	char *address; /* of containerd's ttrpc socket; NULL: nobody listens */
	char *namespace;
	TAILQ_HEAD(, event) queue;
	size_t n;
	struct source source; /* the connection; fd -1: none */
	struct frame_reader reader;
	struct buf out; /* the first event's frame */
	size_t sent;
	bool in_flight; /* the first event awaits its answer */
	uint32_t stream;
	struct timer retry;
	unsigned int failures; /* in a row */
};

int events_init(struct events *ev, struct loop *l, const char *address, const char *ns);
void events_done(struct events *ev);

/* "/tasks/exit", "TaskExit", the message. Without memory the event is lost. */
void events_publish(struct events *ev, const char *topic, const char *type,
		    const ProtobufCMessage *m);
bool events_acknowledged(const struct events *ev); /* nothing waits */
size_t events_waiting(const struct events *ev);
