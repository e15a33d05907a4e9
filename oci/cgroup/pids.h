/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct cgroup;
struct error;

/* The processes of a cgroup and of all below it, sorted by number. */
struct cgroup_pids {
	size_t n;
	pid_t *v;
};

int cgroup_pids(const struct cgroup *cg, struct cgroup_pids *ret, struct error *e);
void cgroup_pids_done(struct cgroup_pids *p);

/* "12 (sleep, D), 13 (sh, Z)" and "and 4 more" where dst is full: for messages. Returns dst. */
const char *cgroup_pids_show(const struct cgroup_pids *p, char *dst, size_t size);
