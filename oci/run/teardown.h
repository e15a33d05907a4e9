/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct manager;
struct oci_runtime;
struct spec;
struct state;

/*
 * The way back, for a create that failed and for delete: kill, wait, remove the cgroup and a root that
 * lies in our mount namespace, poststop hooks, remove the folder. Goes as far as it can and reports the
 * first failure; what it could not remove stays recorded, so that another delete finds it.
 */
struct teardown {
	const struct oci_runtime *rt;
	const struct state *state;
	const struct spec *spec; /* for the hooks */
	int dir_fd;              /* -1: there is no folder */
	int pid_fd;              /* -1: there is no process */
	bool reap;               /* it is our own child */
	bool spare_cgroup; /* its processes may be somebody else's: remove, but do not kill */
	struct manager *manager; /* or NULL */
	bool poststop;
};

#define TEARDOWN_TIMEOUT_MS 10000
/* How long a process may take to die with a parent that was killed. */
#define TEARDOWN_SPARE_MS   2000

int teardown_run(const struct teardown *t, struct error *e);
