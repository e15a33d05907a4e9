/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cgroup;
struct error;

/*
 * What a cgroup tells by itself. Both files report by POLLPRI on a descriptor that was read
 * before; reading again from the start shows the news and arms it once more.
 */

/*
 * Waits until "key" of cgroup.events ("populated" or "frozen") is `want`.
 * 1: it is; 0: timeout_ms passed (-1: wait for ever); or -errno (-ENODEV: the cgroup is gone).
 */
int cgroup_wait_event(const struct cgroup *cg, const char *key, bool want, int timeout_ms,
		      struct error *e);

/* Waits until no live process is in the cgroup or below. -ETIMEDOUT names those left. */
int cgroup_wait_empty(const struct cgroup *cg, int timeout_ms, struct error *e);

struct memory_events {
	uint64_t low;
	uint64_t high;
	uint64_t max;
	uint64_t oom;
	uint64_t oom_kill;
	uint64_t oom_group_kill;
};

/* memory.events, to be polled for POLLPRI, or -errno (-ENOENT: no memory controller). */
int memory_events_open(const struct cgroup *cg, struct error *e);

/* Reads it from the start. 0, or -errno (-ENODEV: the cgroup was removed). */
int memory_events_read(int fd, struct memory_events *ret);
