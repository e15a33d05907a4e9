/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct cgroup;
struct error;

#define REMOVE_TIMEOUT_MS 10000

/*
 * Removes the cgroup and all below it, the deepest first. One that still holds processes is
 * waited for (cgroup.events, "populated"); -ETIMEDOUT after timeout_ms names the processes and
 * their states. A cgroup that is gone already is a success. Kills nothing.
 */
int cgroup_remove(const struct cgroup *cg, int timeout_ms, struct error *e);
