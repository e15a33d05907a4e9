/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "seccomp/program.h"

struct arena;
struct error;
struct guard;
struct oci_runtime;
struct seccomp_handoff;
struct spec;

/*
 * The filter that a container gets, and who is told of the calls it denies. What decides is the plain
 * one: it is kept with the container, and what is executed there later loads it. Where denied calls are
 * reported, the container's own process loads one that asks our reporter, who answers by the plain one
 * (seccomp/denied.h); where there is no reporter, the kernel's log has them.
 */
struct filter {
	const struct oci_runtime *rt;
	const struct guard *guard; /* what policies ask for */
	bool run;                  /* we stay until the container ends */

	bool watched; /* a reporter of ours is asked */
	struct seccomp_program plain;
	struct seccomp_program *shared; /* where the child sees what it is to load; or NULL */
};

/* Behind the policies: `run` that records sees calls through a filter, so the spec has to have one. */
int filter_policies(const struct filter *f, struct spec *spec, struct arena *a,
		    struct error *e);

/*
 * Before there is a child: who is told, and the memory in which it will find its filter. Somebody else who is
 * told, or an agent of the spec's, takes the listener from the child in *handoff, below the container's folder.
 */
int filter_share(struct filter *f, const struct spec *spec, int dir_fd,
		 struct seccomp_handoff **handoff, struct error *e);
const struct seccomp_program *filter_of_child(const struct filter *f);

/* While it builds: finds or compiles the filter, and publishes what the child loads. */
int filter_make(struct filter *f, const struct spec *spec, struct error *e);

/* The plain one and where reports go, for `start` and for what is executed there. */
int filter_save(const struct filter *f, int dir_fd, struct error *e);

/* Where reports go: a file, "-" for our stderr; NULL: nowhere, but the kernel's log. */
const char *filter_report(const struct filter *f);

void filter_done(struct filter *f); /* safe on a zeroed one */
