/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;
struct limits_plan;

/*
 * Properties of a systemd unit as plain data, before they become a message. Pure. A property is
 * set once: the last one of a name counts, as the last write to a file does.
 */
enum property_type {                   /* and its D-Bus type */
		     PROPERTY_FLAG,    /* b */
		     PROPERTY_NUMBER,  /* t */
		     PROPERTY_TEXT,    /* s */
		     PROPERTY_MASK,    /* ay */
		     PROPERTY_PIDS,    /* au, always one */
		     PROPERTY_DEVICES, /* a(st) */
};

#define PROPERTY_INFINITY UINT64_MAX

struct property_device {
	const char *path; /* "/dev/block/8:0" */
	uint64_t value;
};

struct property {
	const char *name;
	enum property_type type;
	bool needed; /* a systemd that does not know it is of no use */
	union {
		bool flag;
		uint64_t number;
		const char *text;
		pid_t pid;
		struct {
			const uint8_t *bytes;
			size_t len;
		} mask;
		struct {
			const struct property_device *v;
			size_t n;
		} devices;
	};
};

#define PROPERTIES_MAX 48

struct properties {
	size_t n;
	struct property v[PROPERTIES_MAX];
};

/* -E2BIG where there are too many. Strings and arrays are borrowed. */
int properties_set(struct properties *p, const struct property *one, struct error *e);
const struct property *properties_get(const struct properties *p, const char *name);
bool properties_drop(struct properties *p, const char *name); /* false: was not there */

/*
 * What of a plan that limits_settle() has been over systemd has properties for.
 * CPUQuotaPerSecUSec is rounded up to whole per cents, because systemd writes it down as such and
 * would come back from a reload with less. A text from `unified` that is none of the usual ones
 * sets no property; the kernel judges it.
 */
int properties_add_limits(struct properties *p, struct arena *a,
			  const struct limits_plan *settled, struct error *e);
