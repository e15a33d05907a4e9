/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "seccomp/table.h"

struct arena;
struct error;
struct json_writer;
struct spec_seccomp;

/*
 * Profiles as Docker, Podman and containerd's clients write them (and policies/seccomp/ holds
 * them): linux.seccomp plus archMap, includes and excludes, resolved for one container. Pure.
 */
struct seccomp_profile_for {
	uint64_t bounding; /* bit n: capability n is in the process's bounding set */
	enum seccomp_abi native;
	unsigned kernel_major;
	unsigned kernel_minor;
};

/*
 * JSON -> spec, everything in the arena. Unknown keys are ignored, unknown values are an error that
 * names file, line and JSON path: -EINVAL, -E2BIG, -ENOMEM. A profile with neither default
 * action nor rules switches seccomp off (ret->present false).
 */
int seccomp_profile_resolve(struct arena *a, const char *name, const char *data, size_t len,
			    const struct seccomp_profile_for *target, struct spec_seccomp *ret,
			    struct error *e);

/* The value of "linux.seccomp" in config.json. */
void seccomp_profile_write(struct json_writer *w, const struct spec_seccomp *spec);
