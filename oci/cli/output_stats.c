/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Statistics as `runc events` has them, whose readers expect the words of cgroup v1: times in
 * nanoseconds, memory and swap together. What only cgroup v1 could tell is left out.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cgroup/stats.h"
#include "cli/cli.h"

#define NS_PER_US 1000

static void stats_open(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_write_object(w);
}

static void stats_decimal(struct json_writer *w, const char *key, double value)
{
	char text[64];

	str_format(text, sizeof(text), "%.2f", value);
	json_write_key(w, key);
	json_write_number(w, text, strlen(text));
}

static void stats_psi_line(struct json_writer *w, const char *key,
			   const struct stats_psi_line *line)
{
	stats_open(w, key);
	stats_decimal(w, "avg10", line->avg10);
	stats_decimal(w, "avg60", line->avg60);
	stats_decimal(w, "avg300", line->avg300);
	json_put_u64(w, "total", line->total);
	json_write_end(w);
}

static void stats_psi(struct json_writer *w, const struct stats_psi *psi)
{
	if (!psi->present)
		return;
	stats_open(w, "psi");
	stats_psi_line(w, "some", &psi->some);
	stats_psi_line(w, "full", &psi->full);
	json_write_end(w);
}

static void stats_cpu(struct json_writer *w, const struct stats_cpu *cpu)
{
	stats_open(w, "cpu");
	stats_open(w, "usage");
	json_put_u64(w, "total", cpu->usage * NS_PER_US);
	json_put_u64(w, "kernel", cpu->system * NS_PER_US);
	json_put_u64(w, "user", cpu->user * NS_PER_US);
	json_write_end(w);
	stats_open(w, "throttling");
	json_put_u64(w, "periods", cpu->nr_periods);
	json_put_u64(w, "throttledPeriods", cpu->nr_throttled);
	json_put_u64(w, "throttledTime", cpu->throttled * NS_PER_US);
	json_write_end(w);
	stats_psi(w, &cpu->psi);
	json_write_end(w);
}

static void stats_memory_entry(struct json_writer *w, const char *key, uint64_t limit,
			       uint64_t usage, uint64_t most, uint64_t failures)
{
	stats_open(w, key);
	json_put_u64(w, "limit", limit);
	json_put_u64(w, "usage", usage);
	json_put_u64(w, "max", most);
	json_put_u64(w, "failcnt", failures);
	json_write_end(w);
}

static uint64_t stats_sum(uint64_t a, uint64_t b)
{
	return a == STATS_MAX || b == STATS_MAX ? STATS_MAX : a + b;
}

static void stats_memory(struct json_writer *w, const struct stats_memory *m)
{
	size_t i;

	stats_open(w, "memory");
	json_put_u64(w, "cache", m->file);
	stats_memory_entry(w, "usage", m->limit, m->usage, m->peak, m->events.max);
	stats_memory_entry(w, "swap", stats_sum(m->limit, m->swap_limit),
			   m->usage + m->swap_usage, 0, 0);
	stats_open(w, "raw");
	for (i = 0; i < m->n_raw; i++)
		json_put_u64(w, m->raw[i].key, m->raw[i].value);
	json_write_end(w);
	stats_psi(w, &m->psi);
	json_write_end(w);
}

static void stats_io_entry(struct json_writer *w, const struct stats_io_device *d,
			   const char *op, uint64_t value)
{
	json_write_object(w);
	json_put_u64(w, "major", d->major);
	json_put_u64(w, "minor", d->minor);
	json_put_string(w, "op", op);
	json_put_u64(w, "value", value);
	json_write_end(w);
}

static void stats_io(struct json_writer *w, const struct stats_io *io)
{
	size_t i;

	stats_open(w, "blkio");
	json_write_key(w, "ioServiceBytesRecursive");
	json_write_array(w);
	for (i = 0; i < io->n; i++) {
		stats_io_entry(w, &io->devices[i], "Read", io->devices[i].rbytes);
		stats_io_entry(w, &io->devices[i], "Write", io->devices[i].wbytes);
		stats_io_entry(w, &io->devices[i], "Discard", io->devices[i].dbytes);
	}
	json_write_end(w);
	json_write_key(w, "ioServicedRecursive");
	json_write_array(w);
	for (i = 0; i < io->n; i++) {
		stats_io_entry(w, &io->devices[i], "Read", io->devices[i].rios);
		stats_io_entry(w, &io->devices[i], "Write", io->devices[i].wios);
		stats_io_entry(w, &io->devices[i], "Discard", io->devices[i].dios);
	}
	json_write_end(w);
	stats_psi(w, &io->psi);
	json_write_end(w);
}

void output_stats(struct json_writer *w, const struct cgroup_stats *s)
{
	size_t i;

	json_write_object(w);
	stats_cpu(w, &s->cpu);
	stats_memory(w, &s->memory);
	stats_open(w, "pids");
	json_put_u64(w, "current", s->pids.current);
	if (s->pids.limit != STATS_MAX)
		json_put_u64(w, "limit", s->pids.limit);
	json_write_end(w);
	stats_io(w, &s->io);
	stats_open(w, "hugetlb");
	for (i = 0; i < s->n_hugetlb; i++) {
		stats_open(w, s->hugetlb[i].page_size);
		json_put_u64(w, "usage", s->hugetlb[i].current);
		json_put_u64(w, "failcnt", s->hugetlb[i].failures);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
}
