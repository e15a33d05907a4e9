/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "policy/merge.h"

struct error;
struct spec;

/*
 * What policies ask of this machine, asked of this machine. Sources of mounts are opened when a rule
 * first asks about them and stay open: what was looked at is what gets mounted, whoever puts a symlink
 * in its place meanwhile.
 */
struct policy_host {
	struct policy_facts facts;
	const char *bundle; /* where relative sources begin */
	size_t n_sources;
	int *sources; /* by mount: its O_PATH descriptor, -1: not looked at */
};

#define POLICY_HOST_NONE ((struct policy_host){ 0 })

/* Borrows `bundle`; the caller sets facts.profile, facts.cgroup and facts.container. */
int policy_host_init(struct policy_host *h, const char *bundle, size_t n_mounts,
		     struct error *e);
void policy_host_done(struct policy_host *h); /* safe on a zeroed one */

/*
 * Puts the open descriptors into the spec, as paths that work in this process and its mount namespace
 * while the host is not done. How many they are, or -ENOMEM.
 */
int policy_host_pin(const struct policy_host *h, struct spec *spec, struct arena *a,
		    struct error *e);
