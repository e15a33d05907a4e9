/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mem.h"
#include "run/guard.h"
#include "run/reporter.h"
#include "seccomp/program.h"
#include "spec/spec.h"

struct container;
struct error;

/*
 * The reporter of denied calls for a process of a container that is there already: what `start` and `exec`
 * need to have one. Whether one is wanted, and where its lines go, `create` left in the container's
 * folder (STATE_REPORT).
 */
struct witness {
	struct reporter reporter;
	struct reporter_options options;
	struct seccomp_program plain;
	struct guard guard; /* as the node's policies are by now: only to name rules */
	struct spec spec;
	struct arena arena;
	char where[4096];
};

#define WITNESS_INIT ((struct witness){ .reporter = REPORTER_NONE })

/* 1: `options` are for reporter_start(); 0: nobody asks; or -errno. */
int witness_open(struct witness *w, const struct container *c, struct error *e);
void witness_done(struct witness *w); /* lets the reporter go on alone */
