// SPDX-License-Identifier: Apache-2.0
/* A quantity: its text must read back as the same quantity, and be written the same again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[128], one[QUANTITY_TEXT_MAX], two[QUANTITY_TEXT_MAX];
	struct quantity a, b;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (quantity_parse(text, &a) < 0)
		return 0;
	quantity_text(&a, one);
	if (quantity_parse(one, &b) < 0)
		abort();
	/* A binary one is written in whole units, rounded up, as the server does. */
	if (a.format != QUANTITY_BINARY && quantity_compare(&a, &b) != 0)
		abort();
	if (quantity_units(&a) != quantity_units(&b))
		abort();
	/* Without a suffix a binary one reads back as a decimal one: the server's way as well. */
	if (a.format == b.format && strcmp(one, quantity_text(&b, two)) != 0)
		abort();
	return 0;
}
