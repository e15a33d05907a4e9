// SPDX-License-Identifier: Apache-2.0
#include "kube/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
	const unsigned char *in = data;
	char *text = malloc((len + 2) / 3 * 4 + 1), *out = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		unsigned v = (unsigned)in[i] << 16;

		if (i + 1 < len)
			v |= (unsigned)in[i + 1] << 8;
		if (i + 2 < len)
			v |= in[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[v & 63] : '=';
	}
	*out = 0;
	return text;
}

int base64_decode(const char *text, char **ret)
{
	char *data = malloc(strlen(text) / 4 * 3 + 4), *out = data;
	unsigned value = 0, bits = 0, pad = 0;

	if (!data)
		return -ENOMEM;
	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (strchr(" \t\r\n", *text))
			continue;
		if (*text == '=' && ++pad <= 2)
			continue;
		if (!digit || pad) {
			free(data);
			return -EINVAL;
		}
		value = value << 6 | (unsigned)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*out++ = (char)(value >> bits & 0xff);
			if (!out[-1]) {
				free(data);
				return -EINVAL;
			}
		}
	}
	*out = 0;
	*ret = data;
	return 0;
}
