/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kube/loop.h"

struct connection;

/*
 * Events (events.k8s.io/v1): what happened, for people. The same word about the same object within
 * ten minutes becomes a series: one write when it first repeats, then one each time the count has
 * doubled. They are best effort: no failure of theirs stops anything.
 */
struct event {
	const char *api_version, *kind, *namespace, *name, *uid; /* what it is about */
	const char
		*id; /* ends the Event's name: told once, whoever tells it again; NULL: any */
	bool warning;
	const char *reason; /* "SpecInvalid" */
	const char *action; /* "Reconcile" */
	const char *note;   /* at most a kilobyte is kept */
};

#define EVENTS_KEPT 128

struct event_memory {
	uint64_t key;
	uint64_t last_ms;
	uint32_t count, told;
	char name[96]; /* of the Event object; "" : this place is free */
};

struct events {
	struct connection *c;
	const char *controller, *instance;
	struct event_memory memory[EVENTS_KEPT];
	unsigned under_way;
	uint64_t serial;
};

void events_init(struct events *s, struct connection *c, const char *controller,
		 const char *instance);
void events_emit(struct events *s, const struct event *e);
