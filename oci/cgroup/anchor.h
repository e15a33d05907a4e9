/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct error;

/*
 * A process that does nothing, for systemd to make a scope around: a scope begins with a process
 * and ends with its last one. The container's own process is then cloned straight into the
 * finished cgroup, which so has its limits from the first instruction on. The anchor ends with
 * the thread that made it, however that ends.
 */
struct anchor {
	pid_t pid; /* 0: none */
	int pid_fd;
};

#define ANCHOR_NONE ((struct anchor){ .pid_fd = -1 })

int anchor_start(struct anchor *a, struct error *e);

/* Ends and reaps it; safe where there is none. */
void anchor_end(struct anchor *a);
