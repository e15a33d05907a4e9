/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "oci.h"

struct child;
struct error;
struct reporter;
struct reporter_options;
struct seccomp_handoff;
struct spec;
struct state;

/*
 * The last part of a process's way to its payload, as its parent sees it, common to start, run and
 * exec: send START, take the listener of a filter that has one, and read the end: the socket's close
 * is success, else the child's error.
 */
struct start {
	const struct oci_runtime *rt;
	const struct spec *spec;
	const struct state *state; /* for the listener's message */
	enum oci_status status;    /* OCI_CREATING for a first process, OCI_RUNNING for exec */
	int sync_fd;
	int pid_fd;
	pid_t pid;
	struct seccomp_handoff *handoff; /* or NULL */
	bool sent;                       /* START is on its way already */
	/* Who takes the listener where it is not an agent of the spec's; or NULL. */
	struct reporter *reporter;
	const struct reporter_options *report;
};

int start_payload(const struct start *s, struct error *e);
