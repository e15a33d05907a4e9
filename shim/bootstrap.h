/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "bootstrap.pb-c.h"
#include "message.h"

struct buf;

/*
 * What containerd writes to the stdin of `start`, and what it wants on stdout. Since 2.3: messages of
 * their own. Before: the runtime options alone, or nothing; the answer is the address as text.
 */
struct bootstrap {
	bool modern;                 /* 2.3 and later */
	Pb__BootstrapParams *params; /* modern only */
	Pb__Any *options_alone;
	const Pb__Any *options; /* in one of the two; or NULL */
};

/* Both decode as the other: what names this very container is the modern one. -EBADMSG: it is neither. */
int bootstrap_read(const void *data, size_t len, const char *id, const char *ns,
		   struct bootstrap *ret);
void bootstrap_done(struct bootstrap *b);

/* Appends the answer; with json_version > 0 as JSON, where protobuf is not understood. */
int bootstrap_answer(const struct bootstrap *b, const char *address, int json_version,
		     struct buf *out);
