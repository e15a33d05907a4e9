// SPDX-License-Identifier: Apache-2.0
/*
 * JSON text to trees. jansson's own reader takes every byte through three functions; half of what
 * starts an operator with a thousand Databases was that. This one looks at strings by the run.
 */
#include "kube/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/str.h"

#define DEPTH_MAX  512
#define STRING_MAX (64u << 20)

struct reader {
	const char *at, *end;
	unsigned depth;
	struct buf words; /* a string whose escapes are undone */
};

static json_t *read_value(struct reader *r);

static void skip_space(struct reader *r)
{
	while (r->at < r->end &&
	       (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
}

static bool skip(struct reader *r, char c)
{
	skip_space(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* --- strings --- */

/* The code unit of the four digits at `at`; -1: they are none. */
static int32_t read_unit(struct reader *r)
{
	int32_t unit = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *r->at++;

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			unit = unit << 4 | ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

static int add_code(struct buf *b, uint32_t code)
{
	char text[4];
	size_t n = 0;

	if (code < 0x80) {
		text[n++] = (char)code;
	} else if (code < 0x800) {
		text[n++] = (char)(0xc0 | code >> 6);
		text[n++] = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		text[n++] = (char)(0xe0 | code >> 12);
		text[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		text[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		text[n++] = (char)(0xf0 | code >> 18);
		text[n++] = (char)(0x80 | (code >> 12 & 0x3f));
		text[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		text[n++] = (char)(0x80 | (code & 0x3f));
	}
	return buf_add(b, text, n);
}

/*
 * Behind "\u". A NUL and a half of a pair without the other become U+FFFD: whoever may write one
 * object must not keep us from reading the rest.
 */
static int read_unicode(struct reader *r)
{
	int32_t unit = read_unit(r), low;

	if (unit < 0)
		return -EBADMSG;
	if (unit >= 0xd800 && unit <= 0xdbff && r->end - r->at >= 6 && r->at[0] == '\\' &&
	    r->at[1] == 'u') {
		const char *back = r->at;

		r->at += 2;
		low = read_unit(r);
		if (low >= 0xdc00 && low <= 0xdfff)
			return add_code(&r->words, 0x10000 + ((uint32_t)(unit - 0xd800) << 10) +
							   (uint32_t)(low - 0xdc00));
		r->at = back;
	}
	if (!unit || (unit >= 0xd800 && unit <= 0xdfff))
		unit = 0xfffd;
	return add_code(&r->words, (uint32_t)unit);
}

static int read_escape(struct reader *r)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *which;
	char c;

	if (r->at == r->end)
		return -EBADMSG;
	c = *r->at++;
	if (c == 'u')
		return read_unicode(r);
	which = c ? strchr(names, c) : NULL;
	return which ? buf_add(&r->words, &values[which - names], 1) : -EBADMSG;
}

/* How far nothing stands but itself: no quote, no escape, no control character. */
static size_t plain_run(const char *s, size_t len, bool *ascii)
{
	size_t n = 0;
	unsigned char high = 0;

	for (; n < len; n++) {
		unsigned char c = (unsigned char)s[n];

		if (c == '"' || c == '\\' || c < 0x20)
			break;
		high |= c;
	}
	*ascii &= high < 0x80;
	return n;
}

/* Behind the first quote. The text lies in the input or in `words`, until the next string. */
static int read_string(struct reader *r, const char **ret, size_t *ret_len)
{
	bool ascii = true, whole = true;
	const char *from;
	size_t n;
	int err;

	for (;;) {
		from = r->at;
		n = plain_run(from, (size_t)(r->end - from), &ascii);
		r->at += n;
		if (r->at == r->end || (unsigned char)*r->at < 0x20)
			return -EBADMSG;
		if (*r->at == '"' && whole)
			break;
		if (whole)
			buf_reset(&r->words);
		whole = false;
		err = buf_add(&r->words, from, n);
		if (err < 0)
			return err;
		if (*r->at++ == '"')
			break;
		err = read_escape(r);
		if (err < 0)
			return err;
	}
	if (whole)
		r->at++;
	*ret = whole ? from : r->words.data ? r->words.data : "";
	*ret_len = whole ? n : r->words.len;
	return ascii || json_text_is_utf8(*ret, *ret_len) ? 0 : -EBADMSG;
}

static json_t *read_text(struct reader *r)
{
	const char *text;
	size_t len;

	return read_string(r, &text, &len) < 0 ? NULL : json_stringn_nocheck(text, len);
}

/* --- numbers and words --- */

static json_t *read_number(struct reader *r)
{
	char text[64], *end;
	size_t len = 0;
	double real;
	long long n;

	while (r->at + len < r->end && len < sizeof(text) &&
	       strchr("+-.0123456789Ee", r->at[len]) && r->at[len])
		len++;
	if (len == sizeof(text) || !json_text_is_number(r->at, len))
		return NULL;
	memcpy(text, r->at, len);
	text[len] = 0;
	r->at += len;
	errno = 0;
	if (!strpbrk(text, ".eE")) {
		n = strtoll(text, &end, 10);
		return errno ? NULL : json_integer(n);
	}
	real = strtod(text, &end);
	return *end ? NULL : json_real(real);
}

static json_t *read_word(struct reader *r)
{
	size_t left = (size_t)(r->end - r->at);

	if (left >= 4 && !memcmp(r->at, "true", 4)) {
		r->at += 4;
		return json_true();
	}
	if (left >= 5 && !memcmp(r->at, "false", 5)) {
		r->at += 5;
		return json_false();
	}
	if (left >= 4 && !memcmp(r->at, "null", 4)) {
		r->at += 4;
		return json_null();
	}
	return NULL;
}

/* --- what holds others --- */

static bool read_member(struct reader *r, json_t *object)
{
	char small[128], *name = small;
	const char *text;
	json_t *value;
	size_t len;
	bool done;

	if (!skip(r, '"') || read_string(r, &text, &len) < 0)
		return false;
	/* Its value may be a string with escapes as well. */
	if (text == r->words.data) {
		if (len > sizeof(small))
			name = malloc(len);
		if (!name)
			return false;
		text = memcpy(name, text, len);
	}
	value = skip(r, ':') ? read_value(r) : NULL;
	done = value && json_object_setn_new_nocheck(object, text, len, value) == 0;
	if (name != small)
		free(name);
	return done;
}

static json_t *read_object(struct reader *r)
{
	json_auto_t *object = json_object();

	if (!object || skip(r, '}'))
		return json_incref(object);
	do {
		if (!read_member(r, object))
			return NULL;
	} while (skip(r, ','));
	return skip(r, '}') ? json_incref(object) : NULL;
}

static json_t *read_array(struct reader *r)
{
	json_auto_t *array = json_array();

	if (!array || skip(r, ']'))
		return json_incref(array);
	do {
		if (json_array_append_new(array, read_value(r)) < 0)
			return NULL;
	} while (skip(r, ','));
	return skip(r, ']') ? json_incref(array) : NULL;
}

static json_t *read_value(struct reader *r)
{
	json_t *value;
	char c;

	skip_space(r);
	if (r->at == r->end)
		return NULL;
	c = *r->at;
	if (c == '"') {
		r->at++;
		return read_text(r);
	}
	if (c != '{' && c != '[')
		return c == '-' || (c >= '0' && c <= '9') ? read_number(r) : read_word(r);
	if (r->depth == DEPTH_MAX)
		return NULL;
	r->at++;
	r->depth++;
	value = c == '{' ? read_object(r) : read_array(r);
	r->depth--;
	return value;
}

json_t *tree_load(const char *data, size_t len)
{
	struct reader r = { .at = data, .end = data + len };
	json_t *value;

	buf_init(&r.words, STRING_MAX);
	value = read_value(&r);
	buf_done(&r.words);
	skip_space(&r);
	if (r.at == r.end)
		return value;
	json_decref(value);
	return NULL;
}
