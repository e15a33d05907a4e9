/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct cgroup;
struct error;
struct limits_plan;
struct manager;
struct oci_runtime;
struct spec;
struct spec_process;
struct spec_resources;

/* What a container may use: its cgroup's limits and device filter, and its first process's score. */

/*
 * Limits by the plan, and the device filter from the rules of `r` with the default devices behind
 * them. On an update without rules the filter stays as it is. Without a cgroup: -ENOTSUP where
 * anything was asked for.
 */
int resources_apply(struct manager *m, const struct limits_plan *plan,
		    const struct spec_resources *r, int at_create, struct error *e);

/* Warns of each that was asked for and that cgroup v2 has nothing for. */
void resources_tell_ignored(const struct oci_runtime *rt, const struct limits_plan *plan);

/*
 * Room for process.rlimits, which the child sets: root of a user namespace may not raise what he has,
 * but we may. Where we may not either, the child tells.
 */
void resources_raise_rlimits(pid_t pid, const struct spec_process *p);

/*
 * The cgroup belongs to the payload's user where it is his to manage (runtime-spec, "Cgroup
 * ownership"): a cgroup namespace of its own, and the tree mounted writable. Systemd in a user
 * namespace wants that.
 */
int resources_give_cgroup(const struct cgroup *cg, const struct spec *s, bool rootless,
			  struct error *e);

/* process.oomScoreAdj. Lowering needs CAP_SYS_RESOURCE; without it the score stays, and we say so. */
int resources_set_oom_score(const struct oci_runtime *rt, pid_t pid,
			    const struct spec_process *p, struct error *e);
