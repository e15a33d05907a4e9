// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include "base/buf.h"

static const struct {
	uint64_t ms;
	const char *text;
} limits[HISTOGRAM_BUCKETS] = {
	{ 1, "0.001" }, { 5, "0.005" },  { 10, "0.01" },  { 25, "0.025" }, { 50, "0.05" },
	{ 100, "0.1" }, { 250, "0.25" }, { 500, "0.5" },  { 1000, "1" },   { 2500, "2.5" },
	{ 5000, "5" },  { 10000, "10" }, { 60000, "60" },
};

void histogram_add(struct histogram *h, uint64_t ms)
{
	h->count++;
	h->sum_ms += ms;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (ms <= limits[i].ms) {
			h->counts[i]++;
			return;
		}
	}
}

void histogram_write(const struct histogram *h, const char *name, const char *label,
		     struct buf *out)
{
	uint64_t below = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += h->counts[i];
		buf_addf(out, "%s_bucket{%s,le=\"%s\"} %llu\n", name, label, limits[i].text,
			 (unsigned long long)below);
	}
	buf_addf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.3f\n%s_count{%s} %llu\n",
		 name, label, (unsigned long long)h->count, name, label,
		 (double)h->sum_ms / 1000, name, label, (unsigned long long)h->count);
}
