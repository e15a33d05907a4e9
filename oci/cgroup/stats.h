/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "cgroup/events.h"

struct cgroup;
struct error;

/*
 * What a cgroup used. A file that is not there (no controller, an older kernel) leaves its
 * fields 0 and `present` of its part false; "max" reads as STATS_MAX.
 */
#define STATS_MAX UINT64_MAX

struct stats_psi_line {
	double avg10, avg60, avg300; /* per cent */
	uint64_t total;              /* us */
};

struct stats_psi {
	bool present;
	struct stats_psi_line some;
	struct stats_psi_line full; /* zero for the CPU of some kernels */
};

struct stats_pids {
	bool present;
	uint64_t current;
	uint64_t limit;
};

struct stats_cpu { /* us */
	bool present;
	uint64_t usage, user, system;
	uint64_t nr_periods, nr_throttled, throttled;
	uint64_t nr_bursts, burst;
	struct stats_psi psi;
};

/*
 * memory.stat. The order is that of containerd's io.containerd.cgroups.v2 MemoryStat.
 */
#define STATS_MEMORY_KEYS(_)        \
	_(anon)                     \
	_(file)                     \
	_(kernel_stack)             \
	_(slab)                     \
	_(sock)                     \
	_(shmem)                    \
	_(file_mapped)              \
	_(file_dirty)               \
	_(file_writeback)           \
	_(anon_thp)                 \
	_(inactive_anon)            \
	_(active_anon)              \
	_(inactive_file)            \
	_(active_file)              \
	_(unevictable)              \
	_(slab_reclaimable)         \
	_(slab_unreclaimable)       \
	_(pgfault)                  \
	_(pgmajfault)               \
	_(workingset_refault)       \
	_(workingset_activate)      \
	_(workingset_nodereclaim)   \
	_(pgrefill)                 \
	_(pgscan)                   \
	_(pgsteal)                  \
	_(pgactivate)               \
	_(pgdeactivate)             \
	_(pglazyfree)               \
	_(pglazyfreed)              \
	_(thp_fault_alloc)          \
	_(thp_collapse_alloc)       \
	_(workingset_refault_anon)  \
	_(workingset_refault_file)  \
	_(workingset_activate_anon) \
	_(workingset_activate_file)

struct stats_pair {
	const char *key;
	uint64_t value;
};

struct stats_memory { /* bytes, pages, counts: as the kernel has them */
	bool present;
#define STATS_FIELD(key) uint64_t key;
	STATS_MEMORY_KEYS(STATS_FIELD)
#undef STATS_FIELD
	uint64_t usage, limit, peak;
	bool swap_present;
	uint64_t swap_usage, swap_limit, swap_peak;
	size_t n_raw; /* every line of memory.stat, in the kernel's order */
	struct stats_pair *raw;
	struct memory_events events;
	struct stats_psi psi;
};

struct stats_io_device {
	uint64_t major, minor;
	uint64_t rbytes, wbytes, rios, wios, dbytes, dios;
};

struct stats_io {
	bool present;
	size_t n;
	struct stats_io_device *devices;
	struct stats_psi psi;
};

struct stats_hugetlb {
	const char *page_size; /* "2MB" */
	uint64_t current, limit, failures;
};

struct stats_rdma {
	const char *device;
	uint64_t hca_handles, hca_objects;
};

struct cgroup_stats {
	struct arena arena; /* owns the lists */
	struct stats_pids pids;
	struct stats_cpu cpu;
	struct stats_memory memory;
	struct stats_io io;
	size_t n_hugetlb;
	struct stats_hugetlb *hugetlb;
	size_t n_rdma_current;
	struct stats_rdma *rdma_current;
	size_t n_rdma_limit;
	struct stats_rdma *rdma_limit;
};

/* 0, or -errno: -ENODEV where the cgroup was removed, -ENOMEM. */
int cgroup_stats_read(const struct cgroup *cg, struct cgroup_stats *ret, struct error *e);
void cgroup_stats_done(struct cgroup_stats *s);
