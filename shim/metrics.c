/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "cgroup/cgroup.h"
#include "cgroup/stats.h"
#include "message.h"
#include "metrics.pb-c.h"

/* The parts of one message, and room for what they point to. */
struct metrics {
	Pb__Metrics all;
	Pb__PidsStat pids;
	Pb__CpuStat cpu;
	Pb__MemoryStat memory;
	Pb__MemoryEvents events;
	Pb__IoStat io;
	struct metrics_psi {
		Pb__PsiStats stats;
		Pb__PsiData some, full;
	} cpu_psi, memory_psi, io_psi;
};

static void metrics_psi_line(Pb__PsiData *to, const struct stats_psi_line *from)
{
	pb__psi_data__init(to);
	to->avg10 = from->avg10;
	to->avg60 = from->avg60;
	to->avg300 = from->avg300;
	to->total = from->total;
}

static Pb__PsiStats *metrics_psi(struct metrics_psi *to, const struct stats_psi *from)
{
	if (!from->present)
		return NULL;
	pb__psi_stats__init(&to->stats);
	metrics_psi_line(&to->some, &from->some);
	metrics_psi_line(&to->full, &from->full);
	to->stats.some = &to->some;
	to->stats.full = &to->full;
	return &to->stats;
}

static void metrics_pids(struct metrics *m, const struct stats_pids *from)
{
	pb__pids_stat__init(&m->pids);
	m->pids.current = from->current;
	/* containerd's zero is "no limit". */
	m->pids.limit = from->limit == STATS_MAX ? 0 : from->limit;
	m->all.pids = &m->pids;
}

static void metrics_cpu(struct metrics *m, const struct stats_cpu *from)
{
	Pb__CpuStat *to = &m->cpu;

	pb__cpu_stat__init(to);
	to->usage_usec = from->usage;
	to->user_usec = from->user;
	to->system_usec = from->system;
	to->nr_periods = from->nr_periods;
	to->nr_throttled = from->nr_throttled;
	to->throttled_usec = from->throttled;
	to->nr_bursts = from->nr_bursts;
	to->burst_usec = from->burst;
	to->psi = metrics_psi(&m->cpu_psi, &from->psi);
	m->all.cpu = to;
}

static void metrics_memory(struct metrics *m, const struct stats_memory *from)
{
	Pb__MemoryStat *to = &m->memory;

	pb__memory_stat__init(to);
#define METRICS_COPY(key) to->key = from->key;
	STATS_MEMORY_KEYS(METRICS_COPY)
#undef METRICS_COPY
	to->usage = from->usage;
	to->usage_limit = from->limit;
	to->max_usage = from->peak;
	to->swap_usage = from->swap_usage;
	to->swap_limit = from->swap_limit;
	to->swap_max_usage = from->swap_peak;
	to->psi = metrics_psi(&m->memory_psi, &from->psi);
	m->all.memory = to;

	pb__memory_events__init(&m->events);
	m->events.low = from->events.low;
	m->events.high = from->events.high;
	m->events.max = from->events.max;
	m->events.oom = from->events.oom;
	m->events.oom_kill = from->events.oom_kill;
	m->events.oom_group_kill = from->events.oom_group_kill;
	m->all.memory_events = &m->events;
}

static int metrics_io(struct metrics *m, struct arena *a, const struct stats_io *from)
{
	Pb__IoEntry *entries = arena_array(a, from->n, sizeof(*entries));
	size_t i;

	pb__io_stat__init(&m->io);
	m->io.usage = arena_array(a, from->n, sizeof(*m->io.usage));
	if (from->n && (!entries || !m->io.usage))
		return -ENOMEM;
	for (i = 0; i < from->n; i++) {
		const struct stats_io_device *d = &from->devices[i];

		pb__io_entry__init(&entries[i]);
		entries[i].major = d->major;
		entries[i].minor = d->minor;
		entries[i].rbytes = d->rbytes;
		entries[i].wbytes = d->wbytes;
		entries[i].rios = d->rios;
		entries[i].wios = d->wios;
		m->io.usage[i] = &entries[i];
	}
	m->io.n_usage = from->n;
	m->io.psi = metrics_psi(&m->io_psi, &from->psi);
	m->all.io = &m->io;
	return 0;
}

static int metrics_hugetlb(struct metrics *m, struct arena *a, const struct cgroup_stats *from)
{
	size_t n = from->n_hugetlb, i;
	Pb__HugeTlbStat *entries = arena_array(a, n, sizeof(*entries));

	m->all.hugetlb = arena_array(a, n, sizeof(*m->all.hugetlb));
	if (n && (!entries || !m->all.hugetlb))
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		pb__huge_tlb_stat__init(&entries[i]);
		entries[i].current = from->hugetlb[i].current;
		entries[i].max = from->hugetlb[i].limit;
		entries[i].failcnt = from->hugetlb[i].failures;
		entries[i].pagesize = arena_strdup(a, from->hugetlb[i].page_size);
		if (!entries[i].pagesize)
			return -ENOMEM;
		m->all.hugetlb[i] = &entries[i];
	}
	m->all.n_hugetlb = n;
	return 0;
}

int metrics_pack(const char *cgroup, struct buf *out, struct error *e)
{
	autocgroup cg = CGROUP_NONE;
	struct cgroup_stats s = { 0 };
	struct metrics m;
	struct arena a;
	int r;

	r = cgroup_open(cgroup, &cg, e);
	if (r == 0)
		r = cgroup_stats_read(&cg, &s, e);
	if (r < 0)
		return r;
	arena_init(&a, 1 << 20);
	pb__metrics__init(&m.all);
	metrics_pids(&m, &s.pids);
	metrics_cpu(&m, &s.cpu);
	metrics_memory(&m, &s.memory);
	r = metrics_io(&m, &a, &s.io);
	if (r == 0)
		r = metrics_hugetlb(&m, &a, &s);
	if (r == 0)
		r = message_pack(&m.all.base, out);
	if (r < 0)
		error_set(e, -r, "metrics");
	arena_done(&a);
	cgroup_stats_done(&s);
	return r;
}
