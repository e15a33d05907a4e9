/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache.h"
#include "config.h"
#include "health.h"
#include "kube/access.h"
#include "kube/event.h"
#include "kube/lease.h"
#include "kube/loop.h"
#include "kube/watch.h"
#include "metrics.h"
#include "queue.h"
#include "record.h"

/*
 * The running operator: one loop, one connection, a watch per kind (and namespace), the cache they
 * fill, and the queue of what is to be reconciled.
 */
struct connection;

struct operator_watch {
	struct operator_ *o;
	enum kind kind;
	const char *namespace; /* NULL: all */
	char *paths[KIND_APIS + 1];
	uint32_t round;
	bool synced;
	struct watch watch;
};

struct operator_ {
	const struct config *config;
	struct loop loop;
	struct access access;
	struct connection *connection;
	struct cache cache;
	struct queue queue;
	struct loop_timer work; /* takes from the queue, in the next turn */
	struct operator_watch *watches;
	unsigned n_watches, n_synced;
	struct lease lease;
	struct events events;
	struct metrics metrics;
	struct health health;
	struct loop_fd signals;
	struct loop_timer deadline; /* of the end */
	struct loop_timer tidy;
	bool leading;
	bool stopping;
	bool blind;     /* Secrets cannot be watched */
	bool no_status; /* the CRD serves no status */
	bool asked_status;
	bool told_ready;
	uint64_t started_ms;
};

int operator_init(struct operator_ *o, const struct config *config, struct error *e);
int operator_run(struct operator_ *o, struct error *e); /* until a signal */
void operator_done(struct operator_ *o);

/* Which of kind_table[].apis the server has. */
int operator_api(const struct operator_ *o, enum kind kind);

/* The round of the watch that covers this namespace, for news from answers. */
uint32_t operator_round(const struct operator_ *o, enum kind kind, const char *namespace);

/* News from the answer to a write. */
void operator_heard(struct operator_ *o, enum kind kind, const json_t *object);

bool operator_may_write(void *arg);
bool operator_synced(const struct operator_ *o);

/* Looks at the queue in the next turn. */
void operator_work(void *arg);

/* reconcile.c */
void reconcile(struct operator_ *o, struct record *r);
