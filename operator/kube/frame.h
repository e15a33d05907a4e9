/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "kube/tree.h"

/*
 * The frames of a watch: one JSON object per line, {"type": "...", "object": {...}}, in whatever
 * pieces the network brings them.
 */
#define FRAME_MAX (16u << 20)

enum frame_type {
	FRAME_ADDED,
	FRAME_MODIFIED,
	FRAME_DELETED,
	FRAME_BOOKMARK,
	FRAME_ERROR,
};

struct frame {
	enum frame_type type;
	json_t *object; /* borrowed: gone after the call */
};

struct frames {
	struct buf rest; /* of a line that is not whole */
};

void frames_init(struct frames *f);
void frames_done(struct frames *f);
void frames_reset(struct frames *f);

/*
 * Takes the next piece and calls each() for every line it completes. 0; what each() returned < 0;
 * -EBADMSG for a line that is no frame; -EFBIG for one past FRAME_MAX; -ENOMEM.
 */
int frames_add(struct frames *f, const char *data, size_t len,
	       int (*each)(void *arg, const struct frame *frame), void *arg);
