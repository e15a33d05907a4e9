/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;
struct sampler;

/* What is measured: the runtimes and the floor. All of them are started the same way. */
enum cgroup_mode {
	CGROUP_DISABLED,
	CGROUP_FS,
	CGROUP_SYSTEMD,
	CGROUP_MODES,
};

const char *cgroup_mode_name(enum cgroup_mode mode); /* "disabled", "cgroupfs", "systemd" */

struct contender {
	char name[16];
	char path[256];
	char version[64];
	bool is_floor;
	const char
		*cgroup_option[CGROUP_MODES]; /* NULL: it has no such mode; "": its default */
	long long bytes;                      /* of the executable */
	long long bytes_with_libraries; /* and of the shared objects that it is linked with */
};

#define CONTENDER_MAX  4
#define CONTENDER_ARGS 24

/* Fills in what is known of a runtime of this name. -ENOENT: there is no such file. */
int contender_init(struct contender *c, const char *name, const char *path, struct error *e);

/* Finds out version and sizes. */
int contender_describe(struct contender *c, struct sampler *s, struct error *e);

/*
 * The command line `path [cgroup option] --root ROOT ARGUMENTS...` into argv[CONTENDER_ARGS].
 * The arguments end with NULL.
 */
void contender_command(const struct contender *c, enum cgroup_mode mode, const char *root,
		       const char *argv[CONTENDER_ARGS], ...) __attribute__((sentinel));
