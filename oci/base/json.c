/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/error.h"
#include "base/json_text.h"
#include "base/mem.h"

/*
 * yajl does not look at what its allocator returns, so it gets memory that was set aside before it
 * starts and that cannot run out: its two buffers double up to twice the longest token, and what
 * they outgrow (at most as much again) is not reused.
 */
#define POOL_ALIGN     16
#define POOL_SIZE(len) (8 * (len) + (24u << 10))

struct pool {
	char *data;
	size_t used;
	size_t size;
	char *last; /* the newest piece, which alone can grow in place */
};

static void *pool_malloc(void *ctx, size_t size)
{
	struct pool *p = ctx;

	size = (size + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
	if (size > p->size - p->used)
		return NULL;
	p->last = p->data + p->used;
	p->used += size;
	return p->last;
}

static void *pool_realloc(void *ctx, void *old, size_t size)
{
	struct pool *p = ctx;
	size_t old_size;
	char *piece;

	if (old && old == p->last) {
		p->used = (size_t)(p->last - p->data);
		return pool_malloc(p, size);
	}
	piece = pool_malloc(p, size);
	if (!old || !piece)
		return piece;

	/* Pieces only grow, and what lies behind the old one is ours as well. */
	old_size = (size_t)(piece - (char *)old);
	return memcpy(piece, old, old_size < size ? old_size : size);
}

/* The pool ends as a whole, and yajl with it. */
static void pool_free(void *ctx, void *piece)
{
	(void)ctx;
	(void)piece;
}

struct parser {
	struct arena *arena;
	const char *name;
	const char *data; /* the caller's text */
	char *copy;       /* the same in the arena: what yajl reads and strings stay in */
	size_t len;
	yajl_handle yajl;
	bool finishing; /* the text is consumed: offsets no longer refer to it */
	size_t at;      /* where the newest node ends */
	uint32_t line;  /* the line of `at` */
	uint32_t nodes;
	uint32_t depth;
	struct json *root;
	struct json *open;                     /* the innermost open array or object */
	struct json *last[JSON_MAX_DEPTH + 1]; /* the newest child at each depth */
	const char *key;                       /* waits for its value */
	struct json_hole *hole;                /* or NULL */
	int failed; /* -errno of a callback; `why` says it for -E2BIG */
	const char *why;
};

static int fail(struct parser *p, int r, const char *why)
{
	p->failed = r;
	p->why = why;
	return 0;
}

/* Moves on to where yajl stands: no token spans lines, so this counts the lines between tokens. */
static void advance(struct parser *p)
{
	const char *from, *to, *newline;
	size_t now = p->finishing ? p->len : yajl_get_bytes_consumed(p->yajl);

	if (now <= p->at)
		return;
	from = p->data + p->at;
	to = p->data + now;
	while ((newline = memchr(from, '\n', (size_t)(to - from)))) {
		p->line++;
		from = newline + 1;
	}
	p->at = now;
}

static struct json *node_add(struct parser *p, enum json_type type)
{
	struct json *j, *before;

	advance(p);
	if (++p->nodes > JSON_MAX_NODES) {
		fail(p, -E2BIG, "too many values");
		return NULL;
	}
	j = arena_alloc(p->arena, sizeof(*j));
	if (!j) {
		fail(p, -ENOMEM, NULL);
		return NULL;
	}
	j->type = type;
	j->line = p->line;
	j->key = take_ptr(&p->key);
	j->parent = p->open;

	if (!p->open) {
		p->root = j;
		return j;
	}
	before = p->last[p->depth];
	if (before)
		before->next = j;
	else
		p->open->child = j;
	p->last[p->depth] = j;
	p->open->len++;
	return j;
}

/*
 * A string stays where it was read, its closing quote, which yajl has passed, becoming the NUL.
 * Only one with escapes was decoded elsewhere and is copied.
 */
static const char *string_keep(struct parser *p, const unsigned char *s, size_t len)
{
	char *text = (char *)s;

	if (text < p->copy || text >= p->copy + p->len)
		return arena_strndup(p->arena, text, len);
	text[len] = '\0';
	return text;
}

static int container_open(struct parser *p, enum json_type type)
{
	struct json *j;

	if (p->depth == JSON_MAX_DEPTH) {
		advance(p);
		return fail(p, -E2BIG, "nested too deeply");
	}
	j = node_add(p, type);
	if (!j)
		return 0;
	p->open = j;
	p->last[++p->depth] = NULL;
	return 1;
}

static int container_close(void *ctx)
{
	struct parser *p = ctx;

	p->open = p->open->parent;
	p->depth--;
	advance(p);
	return 1;
}

static int on_null(void *ctx)
{
	return node_add(ctx, JSON_NULL) ? 1 : 0;
}

static int on_boolean(void *ctx, int value)
{
	struct json *j = node_add(ctx, JSON_BOOL);

	if (!j)
		return 0;
	j->boolean = value;
	return 1;
}

static int on_number(void *ctx, const char *s, size_t len)
{
	struct parser *p = ctx;
	struct json *j = node_add(p, JSON_NUMBER);

	if (!j)
		return 0;
	j->len = (uint32_t)len;
	j->text = arena_strndup(p->arena, s, len); /* what ends a number is yet to be read */
	return j->text ? 1 : fail(p, -ENOMEM, NULL);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;
	struct json *j = node_add(p, JSON_STRING);

	if (!j)
		return 0;
	j->len = (uint32_t)len;
	j->text = string_keep(p, s, len);
	return j->text ? 1 : fail(p, -ENOMEM, NULL);
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;

	advance(p);
	p->key = string_keep(p, s, len);
	return p->key ? 1 : fail(p, -ENOMEM, NULL);
}

static int on_object(void *ctx)
{
	struct parser *p = ctx;

	if (!container_open(p, JSON_OBJECT))
		return 0;
	if (p->hole && p->at == p->hole->at + 1)
		p->hole->node = p->open;
	return 1;
}

static int on_array(void *ctx)
{
	return container_open(ctx, JSON_ARRAY);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_map_key = on_key,
	.yajl_start_map = on_object,
	.yajl_end_map = container_close,
	.yajl_start_array = on_array,
	.yajl_end_array = container_close,
};

/* An error at a byte of the text, as editors count: lines and columns from 1. */
static int say_at(const struct parser *p, struct error *e, size_t at, const char *what)
{
	size_t line = 1, start = 0, i;

	for (i = 0; i < at; i++) {
		if (p->data[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return error_say(e, EINVAL, "%s:%zu:%zu: %s", p->name, line, at - start + 1, what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/*
 * Where the token begins that yajl refused. Behind the newest node stand at most white space and
 * one comma or colon each before it.
 */
static size_t refused_at(const struct parser *p, size_t consumed)
{
	size_t at = p->at;

	while (at < p->len) {
		if (is_space(p->data[at]))
			at++;
		else if ((p->data[at] == ',' || p->data[at] == ':') && at + 1 < consumed)
			at++;
		else
			break;
	}
	return at;
}

static int syntax_error(struct parser *p, struct error *e)
{
	size_t at, consumed = p->finishing ? p->len : yajl_get_bytes_consumed(p->yajl);
	char *text, *what, *end;

	text = (char *)yajl_get_error(p->yajl, 0, (const unsigned char *)p->data, p->len);
	if (!text)
		return say_at(p, e, p->len, "no JSON");

	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	what = strstr(text, "error: ");
	what = what ? what + strlen("error: ") : text;

	if (strcmp(what, "premature EOF") == 0)
		return say_at(p, e, p->len, "the document ends too early");
	if (p->finishing)
		at = p->len;
	else if (strncmp(text, "lexical", strlen("lexical")) != 0)
		at = refused_at(p, consumed);
	else if (strstr(what, "invalid char in json text")) /* alone not put back */
		at = consumed - 1;
	else
		at = consumed;
	return say_at(p, e, at, what);
}

static int parse_error(struct parser *p, yajl_status status, struct error *e)
{
	if (status == yajl_status_error)
		return syntax_error(p, e);
	if (p->failed == -ENOMEM)
		return error_say(e, ENOMEM, "%s:%u: not enough memory for this document",
				 p->name, p->line);
	return error_say(e, -p->failed, "%s:%u: %s", p->name, p->line, p->why);
}

/* p->copy and p->len are the text. */
static int parse_copy(struct parser *p, struct json **ret, struct error *e)
{
	autofree char *memory = malloc(POOL_SIZE(p->len));
	struct pool pool = { .data = memory, .size = POOL_SIZE(p->len) };
	yajl_alloc_funcs allocator = { pool_malloc, pool_realloc, pool_free, &pool };
	yajl_status status;

	if (memory && p->copy)
		p->yajl = yajl_alloc(&callbacks, &allocator, p);
	if (!p->yajl)
		return error_say(e, ENOMEM, "%s: not enough memory for this document", p->name);
	yajl_config(p->yajl, yajl_dont_validate_strings, 1); /* done, and more strictly */

	status = yajl_parse(p->yajl, (const unsigned char *)p->copy, p->len);
	if (status == yajl_status_ok) {
		p->finishing = true;
		status = yajl_complete_parse(p->yajl);
	}
	if (status != yajl_status_ok)
		return parse_error(p, status, e);

	*ret = p->root;
	return 0;
}

static int parse_checked(struct parser *p, struct json **ret, struct error *e)
{
	const char *fault;
	size_t at;

	if (p->len > JSON_MAX_BYTES)
		return error_say(e, E2BIG,
				 "%s: %zu bytes are too many for a document, at most %u",
				 p->name, p->len, JSON_MAX_BYTES);
	fault = json_text_fault(p->data, p->len, &at);
	if (fault)
		return say_at(p, e, at, fault);
	if (!p->copy)
		p->copy = arena_strndup(p->arena, p->data, p->len);
	return parse_copy(p, ret, e);
}

int json_parse(struct arena *a, const char *name, const char *data, size_t len,
	       struct json **ret, struct error *e)
{
	struct parser p = { .arena = a, .name = name, .data = data, .len = len, .line = 1 };

	return parse_checked(&p, ret, e);
}

static size_t count_lines(const char *p, const char *end)
{
	size_t n = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return n;
}

/* The text with "{", the newlines and "}" in the hole's place. */
static char *text_around(struct arena *a, const char *data, size_t len,
			 const struct json_hole *hole, size_t *ret_len)
{
	const char *end = data + hole->at + hole->len;
	size_t lines = count_lines(data + hole->at, end), behind = len - hole->at - hole->len;
	char *text, *to;

	*ret_len = hole->at + 1 + lines + 1 + behind;
	text = to = arena_alloc(a, *ret_len + 1);
	if (!text)
		return NULL;
	memcpy(to, data, hole->at);
	to += hole->at;
	*to++ = '{';
	memset(to, '\n', lines);
	to += lines;
	*to++ = '}';
	memcpy(to, end, behind);
	return text;
}

int json_parse_around(struct arena *a, const char *name, const char *data, size_t len,
		      struct json_hole *hole, struct json **ret, struct error *e)
{
	struct parser p = { .arena = a, .name = name, .line = 1, .hole = hole };

	hole->node = NULL;
	if (hole->len < 2 || hole->at > len || hole->len > len - hole->at)
		return error_say(e, EINVAL, "%s: no object of %zu bytes at %zu", name,
				 hole->len, hole->at);
	p.copy = text_around(a, data, len, hole, &p.len);
	if (!p.copy)
		return error_say(e, ENOMEM, "%s: not enough memory for this document", name);
	p.data = p.copy;
	return parse_checked(&p, ret, e);
}
