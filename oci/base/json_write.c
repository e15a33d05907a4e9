/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "base/mem.h"

/* yajl_gen neither tells an object's end from an array's nor a key from a value: levels do. */
struct level {
	bool object;
	bool keyed; /* a key stands and waits for its value */
};

struct json_writer {
	yajl_gen gen;
	struct buf out;
	struct level levels[JSON_MAX_DEPTH];
	size_t depth;
	bool complete; /* one value stands at the top */
	int failed;    /* the first error, as -errno */
};

static void writer_print(void *ctx, const char *s, size_t len)
{
	struct json_writer *w = ctx;

	if (!w->failed)
		w->failed = buf_add(&w->out, s, len);
}

struct json_writer *json_writer_new(bool pretty)
{
	struct json_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->gen = yajl_gen_alloc(NULL);
	if (!w->gen) {
		free(w);
		return NULL;
	}
	buf_init(&w->out, JSON_MAX_BYTES);
	yajl_gen_config(w->gen, yajl_gen_print_callback, writer_print, w);
	if (pretty) {
		yajl_gen_config(w->gen, yajl_gen_beautify, 1);
		yajl_gen_config(w->gen, yajl_gen_indent_string, "  ");
	}
	return w;
}

void json_writer_free(struct json_writer *w)
{
	if (!w)
		return;
	yajl_gen_free(w->gen);
	buf_done(&w->out);
	free(w);
}

static void writer_fail(struct json_writer *w, int r)
{
	if (!w->failed)
		w->failed = r;
}

static void writer_done(struct json_writer *w, yajl_gen_status status)
{
	if (status != yajl_gen_status_ok)
		writer_fail(w, -EINVAL);
}

/* A value may stand here. */
static bool value_begin(struct json_writer *w)
{
	struct level *top = w->depth ? &w->levels[w->depth - 1] : NULL;

	if (w->failed)
		return false;
	if (top ? top->object && !top->keyed : w->complete) {
		writer_fail(w, -EINVAL);
		return false;
	}
	if (top)
		top->keyed = false;
	else
		w->complete = true;
	return true;
}

static bool level_push(struct json_writer *w, bool object)
{
	if (!value_begin(w))
		return false;
	if (w->depth == ARRAY_SIZE(w->levels)) {
		writer_fail(w, -EINVAL);
		return false;
	}
	w->levels[w->depth++] = (struct level){ .object = object };
	return true;
}

void json_write_object(struct json_writer *w)
{
	if (level_push(w, true))
		writer_done(w, yajl_gen_map_open(w->gen));
}

void json_write_array(struct json_writer *w)
{
	if (level_push(w, false))
		writer_done(w, yajl_gen_array_open(w->gen));
}

void json_write_end(struct json_writer *w)
{
	struct level *top;

	if (w->failed)
		return;
	if (w->depth == 0) {
		writer_fail(w, -EINVAL);
		return;
	}
	top = &w->levels[--w->depth];
	if (top->keyed)
		writer_fail(w, -EINVAL);
	else
		writer_done(w, top->object ? yajl_gen_map_close(w->gen)
					   : yajl_gen_array_close(w->gen));
}

static void string_put(struct json_writer *w, const char *s, size_t len)
{
	if (json_text_is_utf8(s, len))
		writer_done(w, yajl_gen_string(w->gen, (const unsigned char *)s, len));
	else
		writer_fail(w, -EINVAL);
}

void json_write_key(struct json_writer *w, const char *key)
{
	struct level *top = w->depth ? &w->levels[w->depth - 1] : NULL;

	if (w->failed)
		return;
	if (!top || !top->object || top->keyed) {
		writer_fail(w, -EINVAL);
		return;
	}
	top->keyed = true;
	string_put(w, key, strlen(key));
}

void json_write_string(struct json_writer *w, const char *s)
{
	if (s)
		json_write_stringn(w, s, strlen(s));
	else
		json_write_null(w);
}

void json_write_stringn(struct json_writer *w, const char *s, size_t len)
{
	if (value_begin(w))
		string_put(w, s, len);
}

void json_write_bool(struct json_writer *w, bool v)
{
	if (value_begin(w))
		writer_done(w, yajl_gen_bool(w->gen, v));
}

void json_write_i64(struct json_writer *w, int64_t v)
{
	if (value_begin(w))
		writer_done(w, yajl_gen_integer(w->gen, v));
}

void json_write_u64(struct json_writer *w, uint64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	json_write_number(w, digits, (size_t)n);
}

void json_write_number(struct json_writer *w, const char *digits, size_t len)
{
	if (!value_begin(w))
		return;
	if (json_text_is_number(digits, len))
		writer_done(w, yajl_gen_number(w->gen, digits, len));
	else
		writer_fail(w, -EINVAL);
}

void json_write_null(struct json_writer *w)
{
	if (value_begin(w))
		writer_done(w, yajl_gen_null(w->gen));
}

static void node_write(struct json_writer *w, const struct json *j)
{
	switch (j->type) {
	case JSON_NULL:
		json_write_null(w);
		break;
	case JSON_BOOL:
		json_write_bool(w, j->boolean);
		break;
	case JSON_NUMBER:
		json_write_number(w, j->text, j->len);
		break;
	case JSON_STRING:
		json_write_stringn(w, j->text, j->len);
		break;
	case JSON_ARRAY:
		json_write_array(w);
		break;
	case JSON_OBJECT:
		json_write_object(w);
		break;
	}
}

void json_write_tree(struct json_writer *w, const struct json *j)
{
	const struct json *at = j;

	for (;;) {
		if (at != j && at->key)
			json_write_key(w, at->key);
		node_write(w, at);
		if (at->child) {
			at = at->child;
			continue;
		}
		if (at->type == JSON_ARRAY || at->type == JSON_OBJECT)
			json_write_end(w);

		/* Up to the next node that has a sibling, closing what ends on the way. */
		while (at != j && !at->next) {
			at = at->parent;
			json_write_end(w);
		}
		if (at == j)
			return;
		at = at->next;
	}
}

void json_put_string(struct json_writer *w, const char *key, const char *s)
{
	json_write_key(w, key);
	json_write_string(w, s);
}

void json_put_bool(struct json_writer *w, const char *key, bool v)
{
	json_write_key(w, key);
	json_write_bool(w, v);
}

void json_put_i64(struct json_writer *w, const char *key, int64_t v)
{
	json_write_key(w, key);
	json_write_i64(w, v);
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t v)
{
	json_write_key(w, key);
	json_write_u64(w, v);
}

int json_writer_end(struct json_writer *w, struct buf *out)
{
	if (w->failed)
		return w->failed;
	if (w->depth > 0 || !w->complete)
		return -EINVAL;
	return buf_add(out, w->out.data, w->out.len);
}
