/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

/* A program of this machine, with nothing of ours but what it is given. Used in workers. */
struct execution {
	const char *file;         /* without a slash: found by PATH */
	const char *const *words; /* ends with NULL */
	const char *const *env;   /* ends with NULL; or NULL: ours */
	const char *folder;       /* where it works; "": here */
	const int *fds;           /* what it gets as 0, 1 and so on */
	size_t n_fds;
	bool dies_with_us;
	bool own_group; /* of processes: all it starts can be killed at once */
};

/* Returns once it has executed; it is our child. 0, or -errno: it could not be executed. */
int execution_start(const struct execution *x, pid_t *ret, struct error *e);
