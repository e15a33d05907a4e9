/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

struct rules *rules_at(struct rules *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->path, sizeof(r->path), fmt, ap);
	va_end(ap);
	return r;
}

const char *rules_show(struct rules *r, const char *s)
{
	char *dst = r->shown[r->next_shown++ % ARRAY_SIZE(r->shown)];

	return str_show(dst, sizeof(r->shown[0]), s ? s : "");
}

static const struct json *node_item(const struct json *j, size_t index)
{
	const struct json *item;

	if (j->type != JSON_ARRAY)
		return NULL;
	for (item = j->child; item && index > 0; item = item->next)
		index--;
	return item;
}

static const struct json *node_member(const struct json *j, const char *key, size_t len)
{
	char name[128];

	if (len >= sizeof(name))
		return NULL;
	memcpy(name, key, len);
	name[len] = '\0';
	return json_get(j, name);
}

/* One step down a path, which moves on; NULL where the document has no such place. */
static const struct json *node_step(const struct json *j, const char **path)
{
	const char *p = *path;
	size_t len;
	char *end;

	if (p[0] == '[' && p[1] == '"') {
		p += 2;
		end = strstr(p, "\"]");
		if (!end)
			return NULL;
		*path = end + 2;
		return node_member(j, p, (size_t)(end - p));
	}
	if (p[0] == '[') {
		j = node_item(j, strtoul(p + 1, &end, 10));
		*path = *end ? end + 1 : end;
		return j;
	}
	p += *p == '.';
	len = strcspn(p, ".[");
	*path = p + len;
	return node_member(j, p, len);
}

/* The line of the place, or of the innermost object around it that is there. */
static uint32_t rules_line(const struct rules *r)
{
	const struct json *j = r->doc, *next;
	const char *path = r->path;

	if (!j)
		return 0;
	while (*path) {
		next = node_step(j, &path);
		if (!next)
			break;
		j = next;
	}
	return j->line;
}

static int rules_say(struct rules *r, int errnum, const char *text)
{
	uint32_t line = rules_line(r);

	if (r->file && line)
		return error_say(r->e, errnum, "%s:%u: %s: %s", r->file, line, r->path, text);
	if (r->file)
		return error_say(r->e, errnum, "%s: %s: %s", r->file, r->path, text);
	return error_say(r->e, errnum, "%s: %s", r->path, text);
}

int rules_refuse(struct rules *r, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return rules_say(r, EINVAL, text);
}

int rules_unsupported(struct rules *r, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return rules_say(r, ENOTSUP, text);
}

bool rules_is_one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

bool rules_is_list(const char *s)
{
	uint64_t first, last;
	char *end;

	do {
		if (*s < '0' || *s > '9')
			return false;
		first = last = strtoul(s, &end, 10);
		if (*end == '-') {
			s = end + 1;
			if (*s < '0' || *s > '9')
				return false;
			last = strtoul(s, &end, 10);
		}
		if (last < first || last > INT32_MAX)
			return false;
		s = end + 1;
	} while (*end == ',');
	return *end == '\0';
}

int rules_absolute(struct rules *r, const char *s)
{
	if (s && s[0] == '/')
		return 0;
	return rules_refuse(r, "\"%s\" is no absolute path", rules_show(r, s ? s : ""));
}

int rules_one_line(struct rules *r, const char *s)
{
	if (!s || rules_is_one_line(s))
		return 0;
	return rules_refuse(r, "\"%s\" holds a control character", rules_show(r, s));
}

struct placed {
	const void *item;
	size_t at;
};

static int placed_compare(const void *a, const void *b, void *compare)
{
	const struct placed *p = a, *q = b;
	int order = (*(rules_compare *)compare)(p->item, q->item);

	return order ? order : (p->at > q->at) - (p->at < q->at);
}

int rules_repeated(const void *const *items, size_t n, rules_compare compare, size_t *ret)
{
	autofree struct placed *sorted = NULL;
	size_t i, found = n;

	if (n < 2)
		return 0;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		sorted[i] = (struct placed){ .item = items[i], .at = i };
	qsort_r(sorted, n, sizeof(*sorted), placed_compare, &compare);

	/* Of all that stand twice, the one that comes first in the document. */
	for (i = 1; i < n; i++)
		if (compare(sorted[i - 1].item, sorted[i].item) == 0 && sorted[i].at < found)
			found = sorted[i].at;
	if (found == n)
		return 0;
	*ret = found;
	return 1;
}
