/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mem.h"
#include "cgroup/cgroup.h"
#include "oci.h"
#include "run/child.h"
#include "run/container.h"
#include "run/guard.h"
#include "run/witness.h"
#include "seccomp/program.h"
#include "spec/spec.h"

/* What the steps of exec.c hand to each other. */
struct exec {
	const struct oci_runtime *rt;
	const struct oci_exec_options *opt;
	struct container container;
	struct spec spec;            /* the container's */
	struct guard guard;          /* node policies */
	struct spec_process process; /* the new one */
	struct arena arena;          /* its strings */
	struct cgroup cgroup;
	struct seccomp_program filter;
	struct witness witness;         /* of its denied calls */
	struct seccomp_program watched; /* asks the witness's reporter; n == 0: there is none */
	struct child child;
	bool born_last; /* see sandbox.h */
	int init_fd;
	int sync_fd;
	int pid_fd;
	pid_t pid;
};

/* The new process's description, from the options and the container's own process. Pure but for
 * reading opt->process. */
int exec_describe(struct exec *x, struct error *e);
