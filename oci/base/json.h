/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct error;

/*
 * A JSON document (RFC 8259) as a tree in an arena, parsed by yajl, with limits on depth, nodes
 * and size. Strings are UTF-8 and hold no NUL (a \u0000 is refused: no string of ours may end
 * early). Numbers keep their text: read them through the json_to_* calls.
 */
enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_type type;
	uint32_t line; /* 1-based line in the document, for messages */
	uint32_t len;  /* string or number: bytes; array or object: children */
	bool boolean;
	const char *key;  /* of a member of an object, else NULL */
	const char *text; /* string or number, NUL-terminated */
	struct json *parent;
	struct json *child; /* first child, in document order */
	struct json *next;  /* next sibling */
};

#define JSON_MAX_DEPTH 64 /* arrays and objects inside each other */
#define JSON_MAX_NODES (1u << 20)
#define JSON_MAX_BYTES (64u << 20) /* of one text, read or written; callers mostly allow less */

/*
 * Parses one document. The tree lives in the arena and does not refer to `data`.
 * On failure -EINVAL (syntax, with line and column in the text), -E2BIG (a limit) or -ENOMEM.
 * `name` is what messages call the document: a file's name.
 */
int json_parse(struct arena *a, const char *name, const char *data, size_t len,
	       struct json **ret, struct error *e);

/*
 * An object in a text, from `at` on for `len` bytes, of which the caller knows what it says: it is read
 * as an empty one on as many lines. Afterwards `node` is it, or NULL where no object begins there; then,
 * or where parsing fails, only the whole text tells what is wrong.
 */
struct json_hole {
	size_t at;
	size_t len;
	const struct json *node;
};

int json_parse_around(struct arena *a, const char *name, const char *data, size_t len,
		      struct json_hole *hole, struct json **ret, struct error *e);

/* A member of an object by its key (the last one where it is repeated), or NULL. */
const struct json *json_get(const struct json *object, const char *key);

/* The text of a string member, or NULL where it is absent or no string. */
const char *json_get_string(const struct json *object, const char *key);

/* Numbers: 0, -EINVAL where it is no integral number, -ERANGE where it does not fit. */
int json_to_i64(const struct json *j, int64_t *ret);
int json_to_u64(const struct json *j, uint64_t *ret);

/* "process.rlimits[2].type": where the node stands. Returns dst. */
const char *json_path(const struct json *j, char *dst, size_t size);

const char *json_type_name(enum json_type type); /* "a string", "an object" ... for messages */

/*
 * Writing, through yajl_gen. Errors stick: check once, in json_writer_end().
 */
struct json_writer;

struct json_writer *json_writer_new(bool pretty); /* NULL without memory */
void json_writer_free(struct json_writer *w);     /* NULL is fine */
void json_write_object(struct json_writer *w);
void json_write_end(struct json_writer *w); /* closes the innermost object or array */
void json_write_array(struct json_writer *w);
void json_write_key(struct json_writer *w, const char *key);
void json_write_string(struct json_writer *w, const char *s); /* NULL writes null */
void json_write_stringn(struct json_writer *w, const char *s, size_t len);
void json_write_bool(struct json_writer *w, bool v);
void json_write_i64(struct json_writer *w, int64_t v);
void json_write_u64(struct json_writer *w, uint64_t v);
void json_write_number(struct json_writer *w, const char *digits,
		       size_t len); /* as it stands */
void json_write_null(struct json_writer *w);
void json_write_tree(struct json_writer *w, const struct json *j); /* a parsed node, whole */

/* Shorthands for a member of the open object. */
void json_put_string(struct json_writer *w, const char *key, const char *s);
void json_put_bool(struct json_writer *w, const char *key, bool v);
void json_put_i64(struct json_writer *w, const char *key, int64_t v);
void json_put_u64(struct json_writer *w, const char *key, uint64_t v);

/* Appends the document to `out`. 0 or -ENOMEM, -EINVAL (not UTF-8, or unbalanced), -EFBIG. */
int json_writer_end(struct json_writer *w, struct buf *out);

static inline void json_writer_freep(struct json_writer **w)
{
	json_writer_free(*w);
}
#define autojson __attribute__((cleanup(json_writer_freep))) struct json_writer
