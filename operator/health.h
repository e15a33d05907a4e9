/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/loop.h"

struct error;
struct operator_;

/* /metrics, /healthz and /readyz over plain HTTP, for the kubelet and for Prometheus. */
#define HEALTH_GUESTS 16

struct health_guest {
	struct loop_fd fd;
	struct loop_timer deadline;
	struct health *health;
	char *out; /* the answer, or NULL while the question is read */
	size_t out_len, out_done;
	size_t len;
	char question[2048];
};

struct health {
	struct operator_ *o;
	struct loop_fd listener;
	struct health_guest *guests[HEALTH_GUESTS];
};

/* Listens at "HOST:PORT", ":PORT" or "[V6]:PORT"; "" is nowhere. 0 or -errno. */
int health_start(struct health *h, struct operator_ *o, const char *address, struct error *e);
void health_done(struct health *h);
