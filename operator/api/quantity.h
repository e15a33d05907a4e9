/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Quantities as Kubernetes writes them: "500m", "1.5Gi", "2e3". Exact to the billionth; finer
 * parts round up, as they do in the API server, and so does the canonical text: what the server
 * would answer for the same value, so that comparing texts compares values of one format.
 */
enum quantity_format {
	QUANTITY_DECIMAL,
	QUANTITY_BINARY,
	QUANTITY_EXPONENT,
};

struct quantity {
	__int128 nano;
	enum quantity_format format;
};

#define QUANTITY_TEXT_MAX 48

int quantity_parse(const char *text, struct quantity *ret); /* 0, -EINVAL or -ERANGE */
int quantity_compare(const struct quantity *a, const struct quantity *b);
const char *quantity_text(const struct quantity *q, char dst[QUANTITY_TEXT_MAX]);

/* Whole units, rounded up: bytes of a volume. */
int64_t quantity_units(const struct quantity *q);
struct quantity quantity_of_units(int64_t units, enum quantity_format format);
