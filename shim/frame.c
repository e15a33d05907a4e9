/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void frame_reader_init(struct frame_reader *r)
{
	*r = (struct frame_reader){ 0 };
	buf_init(&r->payload, FRAME_MAX);
}

void frame_reader_done(struct frame_reader *r)
{
	buf_done(&r->payload);
	frame_reader_init(r);
}

static size_t frame_take(const uint8_t **data, size_t *len, size_t wanted)
{
	size_t n = *len < wanted ? *len : wanted;

	*data += n;
	*len -= n;
	return n;
}

static void frame_describe(const struct frame_reader *r, struct frame *ret)
{
	uint32_t stream;

	memcpy(&stream, r->header + 4, sizeof(stream));
	*ret = (struct frame){
		.stream = be32toh(stream),
		.type = r->header[8],
		.flags = r->header[9],
		.payload = (const uint8_t *)r->payload.data,
		.len = r->payload.len,
	};
}

/* True once the header is whole; then `left` and `dropping` are set. */
static int frame_feed_header(struct frame_reader *r, const uint8_t **data, size_t *len)
{
	const uint8_t *from = *data;
	uint32_t length;
	size_t n;

	n = frame_take(data, len, FRAME_HEADER - r->n_header);
	memcpy(r->header + r->n_header, from, n);
	r->n_header += n;
	if (r->n_header < FRAME_HEADER)
		return 0;
	memcpy(&length, r->header, sizeof(length));
	r->left = be32toh(length);
	r->dropping = r->left > FRAME_MAX;
	return 1;
}

int frame_feed(struct frame_reader *r, const uint8_t **data, size_t *len, struct frame *ret)
{
	const uint8_t *from;
	size_t n;
	int fresh;

	while (*len || (r->n_header == FRAME_HEADER && !r->left)) {
		if (r->given) {
			frame_reader_done(r);
			continue;
		}
		fresh = 0;
		if (r->n_header < FRAME_HEADER) {
			fresh = frame_feed_header(r, data, len);
			if (!fresh)
				return FRAME_MORE;
		}
		if (fresh && r->dropping) {
			frame_describe(r, ret);
			return FRAME_TOO_LONG;
		}
		from = *data;
		n = frame_take(data, len, r->left);
		if (!r->dropping && n && buf_add(&r->payload, from, n) < 0)
			return -ENOMEM;
		r->left -= n;
		if (r->left)
			return FRAME_MORE;
		r->given = 1;
		if (!r->dropping) {
			frame_describe(r, ret);
			return FRAME_WHOLE;
		}
	}
	return FRAME_MORE;
}

int frame_put(struct buf *out, uint32_t stream, enum frame_type type, const void *payload,
	      size_t len)
{
	uint8_t header[FRAME_HEADER];
	uint32_t n = htobe32((uint32_t)len), id = htobe32(stream);
	int r;

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	memcpy(header, &n, sizeof(n));
	memcpy(header + 4, &id, sizeof(id));
	header[8] = (uint8_t)type;
	header[9] = 0;
	r = buf_reserve(out, sizeof(header) + len);
	if (r == 0)
		r = buf_add(out, header, sizeof(header));
	if (r == 0 && len)
		r = buf_add(out, payload, len);
	return r;
}
