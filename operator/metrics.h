/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct buf;
struct call_record;
struct operator_;

/* Numbers for dashboards, under the names that people's dashboards know. */
#define METRICS_CODES 24

struct metrics {
	uint64_t reconciles, reconcile_errors;
	struct {
		char method[8];
		int code; /* 0: no answer */
		uint64_t count;
	} requests[METRICS_CODES];
	uint64_t request_ms;
	uint64_t watch_failures;
};

void metrics_request(struct metrics *m, const struct call_record *r);

/* The text format of Prometheus. 0 or -errno of the buffer. */
int metrics_write(const struct operator_ *o, struct buf *out);
