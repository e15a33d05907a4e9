/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"

/*
 * What is wrong with a Database: every finding, with the path of the field, so that a person
 * mends all of them at once.
 */
struct problems {
	struct buf text; /* "spec.a: must ...; spec.b: must ..." */
	unsigned count;
};

void problems_init(struct problems *p);
void problems_done(struct problems *p);
void problems_reset(struct problems *p);
const char *problems_text(const struct problems *p); /* "" where there are none */

/* `path` below spec: "storage.size". Past a kilobyte of text only the count goes on. */
void problems_add(struct problems *p, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
