/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * ttrpc's frames: ten bytes of header (length and stream as 32 bits big-endian, type, flags), then
 * the payload. Pure: bytes in, frames out.
 */
#define FRAME_HEADER 10
#define FRAME_MAX    (4u << 20) /* bytes of payload */

enum frame_type {
	FRAME_REQUEST = 1,
	FRAME_RESPONSE = 2,
	FRAME_DATA = 3,
};

struct frame {
	uint32_t stream;
	uint8_t type;
	uint8_t flags;
	const uint8_t *payload;
	size_t len;
};

struct frame_reader {
	uint8_t header[FRAME_HEADER];
	size_t n_header;
	size_t left;        /* of the payload, still to come */
	int dropping;       /* too long: it is read and thrown away */
	int given;          /* the caller has seen this frame: begin anew */
	struct buf payload; /* grows with what has come, not with what was promised */
};

enum frame_fed {
	FRAME_MORE = 0, /* all bytes were taken, and the frame is not whole yet */
	FRAME_WHOLE = 1,
	FRAME_TOO_LONG = 2, /* *ret has no payload; what follows of it is dropped */
};

void frame_reader_init(struct frame_reader *r);
void frame_reader_done(struct frame_reader *r);

/*
 * Takes bytes from *data until they are used up or *ret is filled, and advances both. ret->payload is
 * the reader's, until the next call. One of enum frame_fed, or -ENOMEM.
 */
int frame_feed(struct frame_reader *r, const uint8_t **data, size_t *len, struct frame *ret);

/* Appends a frame. 0, -EMSGSIZE past FRAME_MAX, or what buf_add() says. */
int frame_put(struct buf *out, uint32_t stream, enum frame_type type, const void *payload,
	      size_t len);
