/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_text.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the well-formed sequence (Unicode, table 3-7) at s, or 0. */
static size_t sequence_len(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;

	switch (s[0]) {
	case 0xe0: /* else overlong */
		low = 0xa0;
		break;
	case 0xed: /* else a surrogate */
		high = 0x9f;
		break;
	case 0xf0: /* else overlong */
		low = 0x90;
		break;
	case 0xf4: /* else past U+10FFFF */
		high = 0x8f;
		break;
	}
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}

bool json_text_is_utf8(const char *s, size_t len)
{
	size_t at = 0, n;
	uint64_t eight;

	while (at < len) {
		while (len - at >= sizeof(eight)) {
			memcpy(&eight, s + at, sizeof(eight));
			if (eight & UINT64_C(0x8080808080808080))
				break;
			at += sizeof(eight);
		}
		if (at == len)
			break;
		n = sequence_len((const unsigned char *)s + at, len - at);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

static size_t skip_digits(const char *s, size_t len, size_t at)
{
	while (at < len && s[at] >= '0' && s[at] <= '9')
		at++;
	return at;
}

bool json_text_is_number(const char *s, size_t len)
{
	size_t at = len > 0 && s[0] == '-', from = at;

	at = skip_digits(s, len, at);
	if (at == from || (s[from] == '0' && at > from + 1))
		return false;
	if (at < len && s[at] == '.') {
		from = at + 1;
		at = skip_digits(s, len, from);
		if (at == from)
			return false;
	}
	if (at < len && (s[at] == 'e' || s[at] == 'E')) {
		from = at + 1;
		if (from < len && (s[from] == '+' || s[from] == '-'))
			from++;
		at = skip_digits(s, len, from);
		if (at == from)
			return false;
	}
	return at == len;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The code unit of the escape "\uXXXX" at s, or -1. */
static int32_t escape_unit(const char *s, size_t len)
{
	int32_t unit = 0;
	size_t i;

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* Judges the escape at s and tells its length; malformed ones are left to the parser. */
static const char *escape_fault(const char *s, size_t len, size_t *ret_len)
{
	int32_t unit = escape_unit(s, len);

	*ret_len = 2;
	if (unit < 0)
		return NULL;

	*ret_len = 6;
	if (unit == 0)
		return "a string may not hold \\u0000";
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return "the second half of a surrogate pair without the first";
	if (unit >= 0xd800 && unit <= 0xdbff) {
		unit = escape_unit(s + 6, len - 6);
		if (unit < 0xdc00 || unit > 0xdfff)
			return "the first half of a surrogate pair without the second";
		*ret_len = 12;
	}
	return NULL;
}

/* ASCII that means nothing here: all but control characters and the backslash. */
static inline bool is_plain(unsigned char c)
{
	return ((c >= 0x20) & (c < 0x80) & (c != '\\')) | (c == '\n') | (c == '\t') |
	       (c == '\r');
}

/* How much of it is plain. By the block without a branch, so that compilers make vectors of it. */
static size_t skip_plain(const char *s, size_t len, size_t at)
{
	enum { BLOCK = 16 };

	while (len - at >= BLOCK) {
		unsigned char all = 1;
		size_t i;

		for (i = 0; i < BLOCK; i++)
			all &= is_plain((unsigned char)s[at + i]);
		if (!all)
			break;
		at += BLOCK;
	}
	while (at < len && is_plain((unsigned char)s[at]))
		at++;
	return at;
}

const char *json_text_fault(const char *s, size_t len, size_t *ret_at)
{
	const char *fault;
	size_t at = 0, n;

	for (;;) {
		at = skip_plain(s, len, at);
		if (at == len)
			return NULL;

		if (s[at] == '\\') {
			fault = escape_fault(s + at, len - at, &n);
		} else {
			n = sequence_len((const unsigned char *)s + at, len - at);
			fault = n == 0 ? "not UTF-8" : n == 1 ? "a control character" : NULL;
		}
		if (fault) {
			*ret_at = at;
			return fault;
		}
		at += n < len - at ? n : len - at;
	}
}
