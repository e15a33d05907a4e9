/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct cgroup;
struct error;

/* The cgroup v2 freezer (Linux 5.2). */

#define FREEZE_TIMEOUT_MS 10000

/*
 * Freezes, and returns when every process is. -ETIMEDOUT names the processes that are not
 * and their states; the cgroup is thawed again then.
 */
int cgroup_freeze(const struct cgroup *cg, int timeout_ms, struct error *e);

/* Thaws. -EBUSY names the ancestor that is frozen, where one keeps this cgroup so. */
int cgroup_thaw(const struct cgroup *cg, struct error *e);

/* 1 or 0: whether cgroup_freeze() was asked for (an ancestor's freezing does not count). */
int cgroup_is_frozen(const struct cgroup *cg, struct error *e);
