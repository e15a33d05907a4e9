/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "spec/spec.h"

struct buf;
struct error;

/*
 * Hooks ("config.md", POSIX-platform Hooks): programs that get the container's state on stdin, run
 * in order. One that fails or outlives its timeout ends the row; its process group is killed, and
 * the end of what it wrote is in the error. Without a timeout of its own a hook may take for ever.
 */
struct hooks_run {
	const struct spec_hooks *hooks;
	enum spec_hook_stage stage;
	const struct buf *state; /* JSON */
	int cwd_fd;              /* folder to run in; -1: where we are */
	int cancel_fd;           /* readable: stop; -1: none */
};

int hooks_run(const struct hooks_run *h, struct error *e);

/* For stages where the others run whatever becomes of one: the i-th alone. */
int hooks_run_one(const struct hooks_run *h, size_t i, struct error *e);
