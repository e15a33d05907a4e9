/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const struct json *json_get(const struct json *object, const char *key)
{
	const struct json *j, *found = NULL;

	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (j = object->child; j; j = j->next)
		if (j->key[0] == key[0] && strcmp(j->key, key) == 0)
			found = j;
	return found;
}

const char *json_get_string(const struct json *object, const char *key)
{
	const struct json *j = json_get(object, key);

	return j && j->type == JSON_STRING ? j->text : NULL;
}

int json_to_i64(const struct json *j, int64_t *ret)
{
	return j->type == JSON_NUMBER ? str_to_i64(j->text, ret) : -EINVAL;
}

int json_to_u64(const struct json *j, uint64_t *ret)
{
	uint64_t value;
	int64_t negative;
	int r;

	if (j->type != JSON_NUMBER)
		return -EINVAL;
	r = str_to_u64(j->text, &value);
	if (r == -EINVAL && j->text[0] == '-') {
		/* An integer all the same, only not one of these; "-0" is one. */
		r = str_to_i64(j->text, &negative);
		if (r == 0 && negative != 0)
			return -ERANGE;
		value = 0;
	}
	if (r == 0)
		*ret = value;
	return r;
}

static bool key_is_plain(const char *key)
{
	const char *p;

	for (p = key; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '_' || *p == '-'))
			return false;
	return p != key;
}

/* One step of a path, as it is written behind the steps before it. */
static void step_format(const struct json *j, char *dst, size_t size)
{
	const struct json *sibling;
	char shown[96];
	size_t index = 0;

	if (j->key && key_is_plain(j->key)) {
		snprintf(dst, size, "%s%s", j->parent->parent ? "." : "",
			 str_show(shown, sizeof(shown), j->key));
	} else if (j->key) {
		snprintf(dst, size, "[\"%s\"]", str_show(shown, sizeof(shown), j->key));
	} else {
		for (sibling = j->parent->child; sibling != j; sibling = sibling->next)
			index++;
		snprintf(dst, size, "[%zu]", index);
	}
}

const char *json_path(const struct json *j, char *dst, size_t size)
{
	const struct json *steps[JSON_MAX_DEPTH + 1];
	size_t n = 0, used = 0;

	for (; j->parent && n < JSON_MAX_DEPTH + 1; j = j->parent)
		steps[n++] = j;

	dst[0] = '\0';
	while (n > 0) {
		char step[112];
		size_t len;

		step_format(steps[--n], step, sizeof(step));
		len = strlen(step);
		if (len >= size - used)
			break;
		memcpy(dst + used, step, len + 1);
		used += len;
	}
	return dst;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",       [JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",  [JSON_OBJECT] = "an object",
	};

	return names[type];
}
