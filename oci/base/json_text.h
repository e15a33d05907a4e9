/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes of a JSON text, looked at before or instead of its grammar: what RFC 8259 leaves to
 * the encoding and what a string of ours may hold. No allocation.
 */

/* True where the bytes are UTF-8 (RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF). */
bool json_text_is_utf8(const char *s, size_t len);

/* True where the bytes are one number of RFC 8259. */
bool json_text_is_number(const char *s, size_t len);

/*
 * Looks for what the parser would let through: bytes that are no UTF-8, control characters outside
 * of white space, \u0000 and half a surrogate pair. NULL, or what is wrong and *ret_at where.
 */
const char *json_text_fault(const char *s, size_t len, size_t *ret_at);
