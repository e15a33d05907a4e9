/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;

#define LOGGER_MAX_WORDS 64

/* binary:///PROGRAM?KEY=VALUE&... as a command line. binary-v2 is the same with another way to be ready. */
struct logger_uri {
	char *text;                          /* all words, decoded */
	const char *v[LOGGER_MAX_WORDS + 1]; /* the program's whole path, its arguments, NULL */
	size_t n;
	bool says_ready; /* by a byte: binary-v2 */
};

bool logger_is_uri(const char *uri);
/* logger_uri_done() may follow either way. */
int logger_uri_read(const char *uri, struct logger_uri *ret, struct error *e);
void logger_uri_done(struct logger_uri *w);
