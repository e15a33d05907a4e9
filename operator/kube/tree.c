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

/* The same by the word, where there is much of it. */
static uint64_t digest_number(uint64_t digest, uint64_t n)
{
	digest = (digest ^ n) * 0x9e3779b97f4a7c15ull;
	return digest ^ digest >> 29;
}

static uint64_t digest_text(uint64_t digest, const char *data, size_t len)
{
	uint64_t word;

	digest = digest_number(digest, len);
	for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		digest = digest_number(digest, word);
	}
	word = 0;
	memcpy(&word, data, len);
	return digest_number(digest, word);
}

static uint64_t digest_value(uint64_t digest, const json_t *value);

/* Whatever their order is: each member counts for itself. */
static uint64_t digest_object(uint64_t digest, const json_t *object)
{
	uint64_t sum = 0;
	const char *name;
	json_t *member;
	size_t len;

	json_object_keylen_foreach((json_t *)object, name, len, member)
	{
		uint64_t one = digest_value(digest_text(0, name, len), member);

		sum += digest_number(one, len);
	}
	return digest_number(digest, sum);
}

static uint64_t digest_value(uint64_t digest, const json_t *value)
{
	double real;
	uint64_t n;
	json_t *item;
	size_t i;

	digest = digest_number(digest, (uint64_t)json_typeof(value) + 1);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		digest = digest_number(digest, json_object_size(value));
		return digest_object(digest, value);
	case JSON_ARRAY:
		digest = digest_number(digest, json_array_size(value));
		json_array_foreach(value, i, item) digest = digest_value(digest, item);
		return digest;
	case JSON_STRING:
		return digest_text(digest, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return digest_number(digest, (uint64_t)json_integer_value(value));
	case JSON_REAL:
		real = json_real_value(value);
		memcpy(&n, &real, sizeof(n));
		return digest_number(digest, n);
	default:
		return digest;
	}
}

uint64_t tree_digest(const json_t *tree, uint64_t seed)
{
	uint64_t digest;

	if (!tree)
		return seed;
	digest = digest_value(seed ? seed : 0xcbf29ce484222325ull, tree);
	return digest ? digest : 1;
}

uint64_t text_digest(const char *text)
{
	uint64_t digest =
		digest_add(0xcbf29ce484222325ull, text ? text : "", text ? strlen(text) : 0);

	return digest ? digest : 1;
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
