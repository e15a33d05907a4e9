/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct child;
struct error;

/* A container's process from ready to running: what it executes at last. All in the child. */
struct payload {
	char *path;
	char **env; /* both are the process's until its end */
};

/* Finds the program and writes its environment: before the filter is loaded, to be used after. 0 or -errno. */
int payload_prepare(const struct child *c, struct payload *p, struct error *e);

/* Tells the parent that only the start is missing, and waits for that, wherever it comes from. 0 or -errno. */
int payload_await_start(struct child *c, struct error *e);

/* Returns only where it failed: -errno. */
int payload_execute(struct child *c, const struct payload *p, struct error *e);
