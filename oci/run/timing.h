/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct json_writer;

/*
 * When each phase ended: stamps of CLOCK_MONOTONIC by parent and child, in memory both share.
 * All calls take NULL, which means that nobody asked.
 */
struct timing;

struct timing *timing_new(void);
void timing_free(struct timing *t);

/* `phase` is a name of at most 23 bytes. Safe from parent and child at once. */
void timing_mark(struct timing *t, const char *phase);

/* [{"phase":"parse","ns":123456,"by":"parent"}, ...] in the order of time, ns since timing_new(). */
void timing_write(const struct timing *t, struct json_writer *w);
