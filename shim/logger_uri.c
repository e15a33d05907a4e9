/* SPDX-License-Identifier: Apache-2.0 */
#include "logger_uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const logger_schemes[] = { "binary://", "binary-v2://" };

/* What follows the scheme; NULL: it is none of ours. */
static const char *logger_rest(const char *uri, size_t *scheme)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(logger_schemes); i++) {
		if (str_starts(uri, logger_schemes[i])) {
			*scheme = i;
			return uri + strlen(logger_schemes[i]);
		}
	}
	return NULL;
}

bool logger_is_uri(const char *uri)
{
	size_t scheme;

	return logger_rest(uri, &scheme) != NULL;
}

static int logger_hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* %XX, and in a query + for a blank, in place. A NUL would end the word early. */
static int logger_decode(char *s, bool query)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%') {
			if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
				return -EINVAL;
			*to = (char)(logger_hex(s[1]) << 4 | logger_hex(s[2]));
			if (!*to++)
				return -EINVAL;
			s += 2;
		} else {
			*to++ = query && *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
	return 0;
}

static int logger_add_word(struct logger_uri *w, char *word, bool query)
{
	if (w->n == LOGGER_MAX_WORDS)
		return -E2BIG;
	w->v[w->n++] = word;
	return logger_decode(word, query);
}

static int logger_split(struct logger_uri *w)
{
	char *query = strchr(w->text, '?'), *next, *value;
	int r;

	if (query)
		*query++ = '\0';
	r = logger_add_word(w, w->text, false);
	for (; r == 0 && query && *query; query = next) {
		next = strchr(query, '&');
		if (next)
			*next++ = '\0';
		value = strchr(query, '=');
		if (value)
			*value++ = '\0';
		r = logger_add_word(w, query, true);
		if (r == 0)
			r = logger_add_word(w, value ?: query + strlen(query), true);
	}
	return r;
}

int logger_uri_read(const char *uri, struct logger_uri *ret, struct error *e)
{
	size_t scheme = 0;
	int r;

	*ret = (struct logger_uri){ .text = strdup(logger_rest(uri, &scheme) ?: "") };
	ret->says_ready = scheme > 0;
	r = ret->text ? logger_split(ret) : -ENOMEM;
	if (r < 0)
		return error_set(e, -r, "the log %.256s", uri);
	if (*ret->v[0] != '/')
		return error_say(e, EINVAL, "the log %.256s names no program by its whole path",
				 uri);
	return 0;
}

void logger_uri_done(struct logger_uri *w)
{
	free(take_ptr(&w->text));
}
