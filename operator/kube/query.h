/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct buf;

/* Appends a value for a URL's query: everything but RFC 3986's unreserved bytes as %XX. */
int query_escape(struct buf *b, const char *value);
