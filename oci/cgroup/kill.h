/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct cgroup;
struct error;

/*
 * Sends a signal to every process of the cgroup and below it. SIGKILL by cgroup.kill (Linux
 * 5.14), which no fork escapes; others, and older kernels, by freezing, one pidfd per process,
 * thawing, which a process of its own does where ours is killed meanwhile. A cgroup that was frozen
 * before stays so. An empty cgroup, and one that is gone, is
 * a success.
 */
int cgroup_kill(const struct cgroup *cg, int signum, struct error *e);
