/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/host.h"
#include "policy/merge.h"
#include "policy/policy.h"

struct arena;
struct container;
struct error;
struct oci_runtime;
struct spec;
struct spec_process;
struct spec_resources;

/*
 * Where node policies meet containers: they are applied here before anything is made. Where the node
 * has none, all of this is one open(2) that fails.
 */
struct guard {
	struct policy_set set;
	struct policy_host host;
	struct policy_result result;
	char root[4096]; /* the runtime's state, for policies that match by it */
	bool keeps; /* given: what profiles say is kept (seccomp/known.h) for who comes after */
	const struct oci_runtime *rt;
	bool pinned; /* sources of mounts are descriptors of ours, to be opened by us */
};

/*
 * Makes the spec stricter. 0, or -EPERM where it is refused: then guard->result still tells all. What
 * the spec gets lies in the arena; mounts may refer to descriptors of the guard, which must stay until
 * they are made.
 */
int guard_create(struct guard *g, const struct oci_runtime *rt, const char *id,
		 const char *bundle, struct spec *spec, struct arena *a, struct error *e);
void guard_done(struct guard *g); /* safe on a zeroed one */

/* What was decided, and by which words, into the container's folder. */
int guard_save(const struct guard *g, int dir_fd, struct error *e);

/*
 * For one more process: loads what the node has and what the container was made under, and gives the
 * container's own process as it really runs. Then the new one is held to both.
 */
int guard_open(struct guard *g, const struct container *c, struct spec *spec, struct arena *a,
	       struct error *e);
int guard_exec(struct guard *g, const struct spec *spec, struct spec_process *process,
	       struct arena *a, struct error *e);

/* More mounts for a container that runs, the only ones of its spec here; else as guard_create(). */
int guard_mounts(struct guard *g, const struct container *c, struct spec *spec, struct arena *a,
		 struct error *e);

/* New limits for a container that runs. */
int guard_update(const struct container *c, struct spec_resources *r, struct arena *a,
		 struct error *e);
