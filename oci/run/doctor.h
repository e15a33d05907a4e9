/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct oci_runtime;
struct spec;

/*
 * Whether containers, or those of one bundle, can run here, found out before one is made. What can be
 * tried is tried (a user namespace, an id map, a connection to systemd), the rest is looked up.
 */
enum doctor_verdict {
	DOCTOR_FINE,
	DOCTOR_LACKS, /* some containers would be refused, or have less */
	DOCTOR_FAILS, /* none would run; of a bundle: its container would not */
};

/* `advice` may be "". Texts are the caller's until it returns. */
typedef void (*doctor_tell)(void *arg, enum doctor_verdict v, const char *what,
			    const char *advice);

struct doctor {
	const struct oci_runtime *rt;
	struct arena *arena;
	doctor_tell tell;
	void *arg;
	bool failed; /* something was DOCTOR_FAILS */
};

void doctor_look_at_machine(struct doctor *d);

/* After the machine. -errno only where the bundle cannot be read at all, which is told, too. */
int doctor_look_at_bundle(struct doctor *d, const char *bundle, const char *config);

void doctor_say(struct doctor *d, enum doctor_verdict v, const char *advice, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));
