// SPDX-License-Identifier: Apache-2.0
#include "api/quantity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define NANO       ((__int128)1000000000)
#define MAX_DIGITS 19

/* Powers of the suffix: of 1000 (from n = -3 on) and of 1024. */
static const struct {
	const char *text;
	int power;
	enum quantity_format format;
} suffixes[] = {
	{ "n", -3, QUANTITY_DECIMAL }, { "u", -2, QUANTITY_DECIMAL },
	{ "m", -1, QUANTITY_DECIMAL }, { "", 0, QUANTITY_DECIMAL },
	{ "k", 1, QUANTITY_DECIMAL },  { "M", 2, QUANTITY_DECIMAL },
	{ "G", 3, QUANTITY_DECIMAL },  { "T", 4, QUANTITY_DECIMAL },
	{ "P", 5, QUANTITY_DECIMAL },  { "E", 6, QUANTITY_DECIMAL },
	{ "Ki", 1, QUANTITY_BINARY },  { "Mi", 2, QUANTITY_BINARY },
	{ "Gi", 3, QUANTITY_BINARY },  { "Ti", 4, QUANTITY_BINARY },
	{ "Pi", 5, QUANTITY_BINARY },  { "Ei", 6, QUANTITY_BINARY },
};

static const __int128 most = (__int128)INT64_MAX * 1000000000;

/* value * factor, or past every bound. */
static __int128 times(__int128 value, int factor, int count)
{
	while (count-- > 0) {
		if (value > most || value < -most)
			return value;
		value *= factor;
	}
	return value;
}

/* value / 10^count, away from zero. */
static __int128 shrink(__int128 value, int count)
{
	bool negative = value < 0, lost = false;

	if (negative)
		value = -value;
	while (count-- > 0 && value) {
		lost |= value % 10 != 0;
		value /= 10;
	}
	value += lost;
	return negative ? -value : value;
}

/* Digits with at most one point: the digits as a number and how many stand behind the point. */
static int parse_digits(const char **at, __int128 *ret_value, int *ret_behind)
{
	__int128 value = 0;
	int digits = 0, behind = 0, seen = 0;
	bool point = false, lost = false;

	for (; (**at >= '0' && **at <= '9') || (**at == '.' && !point); (*at)++) {
		if (**at == '.') {
			point = true;
			continue;
		}
		seen++;
		if (digits || **at != '0')
			digits++;
		/* Finer than anybody measures: it only rounds up. */
		if (digits > MAX_DIGITS && point) {
			lost |= **at != '0';
			continue;
		}
		if (digits > MAX_DIGITS + 9)
			return -ERANGE;
		value = value * 10 + (**at - '0');
		behind += point;
	}
	value += lost;
	*ret_value = value;
	*ret_behind = behind;
	return seen ? 0 : -EINVAL;
}

static int parse_suffix(const char *text, struct quantity *q, __int128 value, int behind)
{
	int64_t exponent;

	/* An E alone, or before an i, is a suffix. */
	if ((*text == 'e' || *text == 'E') && text[1] && text[1] != 'i') {
		const char *number = text[1] == '+' ? text + 2 : text + 1;

		if (str_to_i64(number, &exponent) < 0 || exponent < -40 || exponent > 40)
			return -EINVAL;
		q->format = QUANTITY_EXPONENT;
		exponent += 9 - behind;
		q->nano = exponent >= 0 ? times(value, 10, (int)exponent)
					: shrink(value, (int)-exponent);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (!str_eq(text, suffixes[i].text))
			continue;
		q->format = suffixes[i].format;
		if (q->format == QUANTITY_BINARY) {
			if (value > most || value < -most ||
			    (!behind && (value > INT64_MAX || value < -INT64_MAX)))
				return -ERANGE;
			/* At most 10^19 times 2^60: it fits. */
			for (int k = 0; k < suffixes[i].power; k++)
				value *= 1024;
			q->nano = behind <= 9 ? times(value, 10, 9 - behind)
					      : shrink(value, behind - 9);
			return 0;
		}
		behind -= 3 * suffixes[i].power + 9;
		q->nano = behind <= 0 ? times(value, 10, -behind) : shrink(value, behind);
		return 0;
	}
	return -EINVAL;
}

int quantity_parse(const char *text, struct quantity *ret)
{
	struct quantity q = { 0 };
	bool negative = *text == '-';
	__int128 value;
	int behind, r;

	if (*text == '-' || *text == '+')
		text++;
	r = parse_digits(&text, &value, &behind);
	if (!r)
		r = parse_suffix(text, &q, negative ? -value : value, behind);
	if (r < 0)
		return r;
	if (q.nano > most || q.nano < -most)
		return -ERANGE;
	*ret = q;
	return 0;
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
	return a->nano < b->nano ? -1 : a->nano > b->nano;
}

static const char *suffix_of(int power, enum quantity_format format)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (suffixes[i].power == power && suffixes[i].format == format)
			return suffixes[i].text;
	return "";
}

/* printf knows no number of 128 bits: billionths of the largest values have 28 digits. */
static void put_number(char dst[QUANTITY_TEXT_MAX - 8], __int128 value)
{
	char digits[QUANTITY_TEXT_MAX - 8];
	size_t n = 0, out = 0;

	if (value < 0)
		dst[out++] = '-';
	do {
		int digit = (int)(value % 10);

		digits[n++] = (char)('0' + (digit < 0 ? -digit : digit));
		value /= 10;
	} while (value);
	while (n)
		dst[out++] = digits[--n];
	dst[out] = 0;
}

const char *quantity_text(const struct quantity *q, char dst[QUANTITY_TEXT_MAX])
{
	enum quantity_format format = q->format;
	__int128 value = q->nano;
	int power = -3, factor = 1000, top = 6;
	char number[QUANTITY_TEXT_MAX - 8];

	/* Small and broken numbers have no binary suffix. */
	if (format == QUANTITY_BINARY && value > -1024 * NANO && value < 1024 * NANO)
		format = QUANTITY_DECIMAL;
	if (format == QUANTITY_BINARY) {
		value = shrink(value, 9);
		power = 0;
		factor = 1024;
	}
	while (value && value % factor == 0 && power < top) {
		value /= factor;
		power++;
	}
	if (!value)
		power = 0;
	put_number(number, value);
	if (format == QUANTITY_EXPONENT && power)
		snprintf(dst, QUANTITY_TEXT_MAX, "%se%d", number, power * 3);
	else
		snprintf(dst, QUANTITY_TEXT_MAX, "%s%s", number,
			 format == QUANTITY_EXPONENT ? "" : suffix_of(power, format));
	return dst;
}

int64_t quantity_units(const struct quantity *q)
{
	return (int64_t)shrink(q->nano, 9);
}

struct quantity quantity_of_units(int64_t units, enum quantity_format format)
{
	return (struct quantity){ .nano = (__int128)units * NANO, .format = format };
}
