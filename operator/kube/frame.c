// SPDX-License-Identifier: Apache-2.0
#include "kube/frame.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const names[] = {
	[FRAME_ADDED] = "ADDED",     [FRAME_MODIFIED] = "MODIFIED",
	[FRAME_DELETED] = "DELETED", [FRAME_BOOKMARK] = "BOOKMARK",
	[FRAME_ERROR] = "ERROR",
};

void frames_init(struct frames *f)
{
	buf_init(&f->rest, FRAME_MAX);
}

void frames_done(struct frames *f)
{
	buf_done(&f->rest);
}

void frames_reset(struct frames *f)
{
	buf_done(&f->rest);
	frames_init(f);
}

static int take_line(const char *line, size_t len,
		     int (*each)(void *arg, const struct frame *frame), void *arg)
{
	json_auto_t *tree = NULL;
	struct frame frame;
	const char *type;

	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	if (!len)
		return 0;
	tree = tree_load(line, len);
	type = tree_string(tree, "type");
	frame.object = tree_get(tree, "object");
	if (!type || !json_is_object(frame.object))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_eq(type, names[i])) {
			frame.type = (enum frame_type)i;
			return each(arg, &frame);
		}
	}
	return -EBADMSG;
}

int frames_add(struct frames *f, const char *data, size_t len,
	       int (*each)(void *arg, const struct frame *frame), void *arg)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t piece = end ? (size_t)(end - data) : len;
		int r = 0;

		/* A whole line inside one piece is read where it stands. */
		if (end && !f->rest.len) {
			r = take_line(data, piece, each, arg);
		} else {
			r = buf_add(&f->rest, data, piece);
			if (!r && end) {
				r = take_line(f->rest.data ? f->rest.data : "", f->rest.len,
					      each, arg);
				/* One large object must not hold its room for ever. */
				if (f->rest.cap > 65536)
					frames_reset(f);
				else
					buf_reset(&f->rest);
			}
		}
		if (r < 0)
			return r;
		piece += end ? 1 : 0;
		data += piece;
		len -= piece;
	}
	return 0;
}
