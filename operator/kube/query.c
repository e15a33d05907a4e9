// SPDX-License-Identifier: Apache-2.0
#include "kube/query.h"

#include <string.h>

#include "base/buf.h"

int query_escape(struct buf *b, const char *value)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	int r = 0;

	for (; *value && !r; value++)
		r = strchr(plain, *value) ? buf_addc(b, *value)
					  : buf_addf(b, "%%%02X", (unsigned char)*value);
	return r;
}
