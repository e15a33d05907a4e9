/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct cgroup;
struct error;

/*
 * A walk over a cgroup and all below it. A container may have made its own cgroups below, as
 * deep as it likes: one descriptor is open at a time whatever the depth, and the stack does not
 * grow. Cgroups that vanish meanwhile are passed over.
 */
struct tree_visit {
	/* Called for each cgroup, before those below it. 0, or -errno to end the walk. */
	int (*enter)(int dir_fd, void *arg, struct error *e);

	/* Called with its parent for each cgroup but the top, after those below it. */
	int (*leave)(int parent_fd, const char *name, void *arg, struct error *e);

	void *arg;
};

int tree_walk(const struct cgroup *cg, const struct tree_visit *visit, struct error *e);
