/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct buf;

/* How often something took how long, in the buckets that dashboards ask for. */
#define HISTOGRAM_BUCKETS 13

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS]; /* each of its bucket alone */
	uint64_t count, sum_ms;
};

void histogram_add(struct histogram *h, uint64_t ms);

/* As Prometheus reads it; `label` is name="value". */
void histogram_write(const struct histogram *h, const char *name, const char *label,
		     struct buf *out);
