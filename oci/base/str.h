/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings: strict numbers, comparison, bounded copies. No locale, no allocation. */

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_empty(const char *s); /* NULL or "" */

/*
 * The whole string must be a decimal number: no space, no plus sign, no leftovers.
 * -EINVAL where it is not, -ERANGE where it does not fit; *ret is untouched then.
 */
int str_to_u64(const char *s, uint64_t *ret);
int str_to_i64(const char *s, int64_t *ret);
int str_to_u32(const char *s, uint32_t *ret);
int str_to_mode(const char *s, uint32_t *ret); /* octal, at most 07777 */

/* Copies with the NUL, or -ENAMETOOLONG and dst untouched. */
int str_copy(char *dst, size_t size, const char *src);

/* Formats, or -ENAMETOOLONG where it was cut. */
int str_format(char *dst, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A copy fit for one line of a message: control bytes become '?', long text is cut with "...". */
const char *str_show(char *dst, size_t size, const char *s);
