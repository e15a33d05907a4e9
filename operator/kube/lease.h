/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kube/loop.h"

struct connection;
struct error;
struct request;

/*
 * Leadership by a Lease (coordination.k8s.io/v1). Whoever holds it writes; time is told by our own
 * steady clock from the moment we saw the lease change, never by what stands in it.
 *
 * lease_valid() is the fence: false from `renew_ms` after the request of the last renewal that
 * succeeded was sent, which is before anybody else may take the lease.
 */
struct lease_config {
	const char *namespace;
	const char *name;
	const char *identity;
	unsigned duration_ms; /* what others wait */
	unsigned renew_ms;    /* how long we believe in ours */
	unsigned retry_ms;
};

struct lease {
	struct connection *c;
	struct lease_config config;
	struct loop_timer timer;
	struct request *request;
	bool held;
	bool releasing;
	bool answered;       /* the server was heard, whatever it said */
	uint64_t renewed_ms; /* when our last good renewal was sent */
	uint64_t sent_ms;
	char version[64]; /* of the lease as last seen */
	char holder[256];
	uint64_t seen_ms; /* when it last changed */
	int64_t transitions;
	int64_t duration_seen_ms;
	void (*acquired)(void *arg); /* lease_valid() is true, and was not */
	void (*lost)(void *arg);     /* no write may follow */
	void (*released)(void *arg); /* answer to lease_release() */
	void (*failed)(void *arg, const struct error *e);
	void *arg;
};

void lease_init(struct lease *l, struct connection *c, const struct lease_config *config);
void lease_start(struct lease *l);
bool lease_valid(const struct lease *l);

/* Gives it away at once; released() is called when that is done or has failed. */
void lease_release(struct lease *l);
void lease_done(struct lease *l);
