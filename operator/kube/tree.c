// SPDX-License-Identifier: Apache-2.0
#include "kube/tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

json_t *tree_get(const json_t *tree, const char *path)
{
	while (tree) {
		const char *dot = strchrnul(path, '.');

		tree = json_object_getn(tree, path, (size_t)(dot - path));
		if (!*dot)
			return (json_t *)tree;
		path = dot + 1;
	}
	return NULL;
}

const char *tree_string(const json_t *tree, const char *path)
{
	return json_string_value(tree_get(tree, path));
}

int64_t tree_integer(const json_t *tree, const char *path, int64_t otherwise)
{
	const json_t *found = tree_get(tree, path);

	return json_is_integer(found) ? json_integer_value(found) : otherwise;
}

bool tree_true(const json_t *tree, const char *path)
{
	return json_is_true(tree_get(tree, path));
}

/* FNV-1a: the texts are short, and who makes two of them collide only fools himself. */
static uint64_t digest_add(uint64_t digest, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		digest = (digest ^ (unsigned char)data[i]) * 0x100000001b3ull;
	return digest;
}

static int digest_piece(const char *data, size_t len, void *arg)
{
	uint64_t *digest = arg;

	*digest = digest_add(*digest, data, len);
	return 0;
}

uint64_t tree_digest(const json_t *tree, uint64_t seed)
{
	uint64_t digest = seed ? seed : 0xcbf29ce484222325ull;

	if (!tree || json_dump_callback(tree, digest_piece, &digest,
					JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		return seed;
	return digest ? digest : 1;
}

uint64_t text_digest(const char *text)
{
	uint64_t digest =
		digest_add(0xcbf29ce484222325ull, text ? text : "", text ? strlen(text) : 0);

	return digest ? digest : 1;
}

/* Replaces the escapes in a copy, which it returns, or NULL where there are none. */
static char *without_nul(const char *data, size_t len)
{
	char *copy;

	if (!memmem(data, len, "\\u0000", 6))
		return NULL;
	copy = malloc(len);
	if (!copy)
		return NULL;
	memcpy(copy, data, len);
	for (size_t i = 0; i + 6 <= len; i++) {
		if (copy[i] != '\\')
			continue;
		if (memcmp(copy + i, "\\u0000", 6) == 0)
			memcpy(copy + i + 2, "fffd", 4);
		/* What follows a backslash begins no escape itself. */
		i++;
	}
	return copy;
}

json_t *tree_load(const char *data, size_t len)
{
	char *copy = without_nul(data, len);
	json_t *tree = json_loadb(copy ? copy : data, len, JSON_DECODE_ANY, NULL);

	free(copy);
	return tree;
}

char *tree_text(const json_t *tree)
{
	return json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
}

void tree_set(json_t *object, const char *name, json_t *value)
{
	if (value)
		json_object_set_new(object, name, value);
}

void tree_set_string(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

json_t *tree_strings(const char *name, ...)
{
	json_t *object = json_object();
	va_list ap;

	va_start(ap, name);
	for (; name; name = va_arg(ap, const char *))
		tree_set_string(object, name, va_arg(ap, const char *));
	va_end(ap);
	return object;
}
