/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/cgroup.h"

struct arena;
struct error;
struct spec_resources;

/*
 * From linux.resources to the files of a cgroup, in two halves: limits_plan() decides, without
 * any system call, which text goes to which file in which order; limits_apply() writes it. One
 * table ties every resource to its cgroup file and to systemd's unit property. Both managers
 * read values from the same plan, so they cannot drift apart.
 */

/* How the text of the file becomes the value of systemd's property. */
enum limits_kind {
	LIMITS_NONE,     /* no property: the file alone */
	LIMITS_NUMBER,   /* "12" -> 12, "max" -> UINT64_MAX (D-Bus type t) */
	LIMITS_CPU_MAX,  /* "quota period" -> CPUQuotaPerSecUSec and CPUQuotaPeriodUSec (t) */
	LIMITS_CPU_IDLE, /* "1" -> CPUWeight 0 (t), systemd 252; "0" -> the ordinary weight */
	LIMITS_CPU_LIST, /* "0-3,5" -> a bit mask, least significant byte first (ay) */
	LIMITS_OOM,      /* "1" -> OOMPolicy "kill", "0" -> "continue" (s), systemd 253 */
	LIMITS_DEVICE, /* "8:0 200", "8:0 rbps=9" -> a(st), "/dev/block/8:0"; "max" as above */
};

struct limits_row {
	const char *file;
	enum cgroup_controller controller;
	const char
		*json; /* below linux.resources: "memory.limit"; NULL: through unified only */
	enum limits_kind kind;
	const char *property; /* systemd's name, or NULL */
	const char *hint;     /* for a person, where the kernel refuses the value */
};

/* In the order in which they are written; the last ones come through `unified` only. */
enum limits_id {
	LIMIT_PIDS,
	LIMIT_MEMORY_SWAP,
	LIMIT_MEMORY_LIMIT,
	LIMIT_MEMORY_RESERVATION,
	LIMIT_BFQ_WEIGHT,
	LIMIT_BFQ_WEIGHT_DEVICE,
	LIMIT_IO_WEIGHT,
	LIMIT_IO_WEIGHT_DEVICE,
	LIMIT_READ_BPS,
	LIMIT_WRITE_BPS,
	LIMIT_READ_IOPS,
	LIMIT_WRITE_IOPS,
	LIMIT_CPU_IDLE,
	LIMIT_CPU_SHARES,
	LIMIT_CPU_BURST,
	LIMIT_CPU_QUOTA,
	LIMIT_CPU_PERIOD,
	LIMIT_CPU_CPUS,
	LIMIT_CPU_MEMS,
	LIMIT_HUGETLB,
	LIMIT_HUGETLB_RSVD,
	LIMIT_RDMA,
	LIMIT_MEMORY_HIGH,
	LIMIT_MEMORY_MIN,
	LIMIT_MEMORY_ZSWAP,
	LIMIT_MEMORY_OOM_GROUP,
	LIMITS_ROWS,
};

extern const struct limits_row limits_table[LIMITS_ROWS];

/* The row for a file named in `unified`, or NULL: no property stands for it. */
const struct limits_row *limits_row_of(const char *file);

enum limits_flag {
	LIMITS_SKIP_MISSING = 1u << 0, /* no such file: nothing to limit, go on */
	LIMITS_ELSE_NEXT = 1u << 1,    /* the next step is for where there is no such file */
	LIMITS_RETRY = 1u << 2,        /* EINVAL: again after the next step */
	LIMITS_KEEP_QUOTA = 1u << 3,   /* behind the first word of what cpu.max says */
	LIMITS_LESS_LIMIT = 1u << 4,   /* less what memory.max says */
	LIMITS_BY_LINE = 1u << 5,      /* one write(2) per line */
};

struct limits_step {
	const struct limits_row *row; /* NULL: of `unified`, and not in the table */
	const char *json;             /* whole: "linux.resources.hugepageLimits[0]" */
	const char *file;
	const char *value;
	enum cgroup_controller controller;
	uint32_t flags;
};

struct limits_plan {
	size_t n;
	struct limits_step *steps;
	uint32_t controllers; /* bits that the steps need */
	bool check_usage;     /* memory.checkBeforeUpdate, with the two values */
	int64_t memory_limit;
	int64_t memory_swap;
	size_t n_ignored; /* what cgroup v2 has no meaning for; ignored, as runc does */
	const char **ignored;
};

/*
 * Pure. Strings and arrays live in the arena or in `r`. The same for a new cgroup and for an
 * update: what depends on a value that is not given (a period on the quota, memory.swap on
 * memory.limit) takes it from the cgroup when it is written.
 *
 * Ignored, and listed as such:
 * memory.kernel, kernelTCP, swappiness, disableOOMKiller; cpu.realtimeRuntime, realtimePeriod;
 * blockIO.leafWeight (and per device); network. -EINVAL with the JSON path for values that no
 * kernel could take: swap below or without a limit, an unlucky name in `unified` ...
 */
int limits_plan(struct arena *a, const struct spec_resources *r, struct limits_plan *ret,
		struct error *e);

/* The first step that needs the controller, for messages. */
const struct limits_step *limits_first_of(const struct limits_plan *p,
					  enum cgroup_controller c);

/*
 * What limits_apply() would find out while it writes, ahead of it: the same plan without a value
 * that depends on the cgroup (the quota of cpu.max, its period, memory.max). `cg` NULL: one that
 * is still to be made. New texts live in the arena.
 */
int limits_settle(const struct cgroup *cg, const struct limits_plan *p, struct arena *a,
		  struct limits_plan *ret, struct error *e);

/*
 * Writes the plan. The text of a failure names the JSON path, the file, the value, and, where
 * the file is missing, the controller. With check_usage: -EBUSY, before any write, where a
 * limit is not above what is in use.
 */
int limits_apply(const struct cgroup *cg, const struct limits_plan *p, struct error *e);

/* cpu.shares (2..262144, default 1024) -> cpu.weight (1..10000, 100); 0 -> 0: not set. */
uint64_t limits_cpu_weight(uint64_t shares);

/* blockIO.weight (10..1000) -> io.weight (1..10000). */
uint64_t limits_io_weight(uint64_t weight);
