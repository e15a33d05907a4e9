// SPDX-License-Identifier: Apache-2.0
#include "api/field.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/problem.h"
#include "api/quantity.h"
#include "base/str.h"

#define PATH_MAX_LEN 160

const char *const field_of_strings[] = { NULL };

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

static bool is_first_below(const struct field *table, const struct field *f, size_t prefix)
{
	for (const struct field *at = table; at < f; at++)
		if (strncmp(at->path, f->path, prefix + 1) == 0)
			return false;
	return true;
}

/* Walks to the field. NULL: absent; a shape that is wrong on the way is told once, for the first
 * field that meets it. */
static const json_t *find(const struct field *table, const struct field *f, const json_t *spec,
			  struct problems *p)
{
	const char *at = f->path;

	while (spec && !json_is_null(spec)) {
		size_t len = strcspn(at, ".");
		size_t prefix = (size_t)(at - f->path) + len;
		char path[PATH_MAX_LEN];

		spec = json_object_getn(spec, at, len);
		if (!at[len])
			break;
		at += len + 1;
		if (!spec || json_is_null(spec) || json_is_object(spec))
			continue;
		if (!is_first_below(table, f, prefix))
			return NULL;
		if (f->kind == FIELD_QUANTITY && !strchr(at, '.') && !json_is_array(spec))
			return spec;
		snprintf(path, sizeof(path), "%.*s", (int)prefix, f->path);
		problems_add(p, path, "must be an object, and is %s", type_name(spec));
		return NULL;
	}
	return json_is_null(spec) ? NULL : spec;
}

static void wrong(const struct field *f, const json_t *value, struct problems *p,
		  const char *must)
{
	problems_add(p, f->path, "must be %s, and is %s", must, type_name(value));
}

static void read_text(const struct field *f, const json_t *value, const char **into,
		      struct problems *p)
{
	if (!json_is_string(value))
		wrong(f, value, p, "a string");
	else if (f->high && json_string_length(value) > (size_t)f->high)
		problems_add(p, f->path, "must not be longer than %lld bytes",
			     (long long)f->high);
	else
		*into = json_string_value(value);
}

/* A number takes the form people wrote, and lives in the tree beside the spec it came from. */
static void read_version(const struct field *f, json_t *spec, const json_t *value,
			 const char **into, struct problems *p)
{
	char text[32];

	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, sizeof(text), "%.15g", json_real_value(value));
	else {
		read_text(f, value, into, p);
		return;
	}
	json_object_set_new(spec, f->path, json_string(text));
	*into = tree_string(spec, f->path);
}

static void read_choice(const struct field *f, const json_t *value, const char **into,
			struct problems *p)
{
	const char *text = json_string_value(value);
	char all[256] = "";
	size_t len = 0;

	if (!text) {
		wrong(f, value, p, "a string");
		return;
	}
	for (size_t i = 0; f->words[i]; i++) {
		if (!strcasecmp(text, f->words[i])) {
			*into = f->words[i];
			return;
		}
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
					f->words[i]);
	}
	problems_add(p, f->path, "must be one of %s", all);
}

static void read_integer(const struct field *f, const json_t *value, int64_t *into,
			 struct problems *p)
{
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value))
		wrong(f, value, p, "a whole number");
	else if (number < f->low || number > f->high)
		problems_add(p, f->path, "must be from %lld to %lld, and is %lld",
			     (long long)f->low, (long long)f->high, (long long)number);
	else
		*into = number;
}

static void read_quantity(const struct field *f, const json_t *value, struct quantity *into,
			  struct problems *p)
{
	char number[32];
	const char *text = json_string_value(value);
	struct quantity q;

	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = number;
	}
	if (!text)
		wrong(f, value, p, "a quantity such as 10Gi");
	else if (quantity_parse(text, &q) < 0)
		problems_add(p, f->path, "\"%.40s\" is no quantity such as 10Gi", text);
	else if (q.nano <= 0)
		problems_add(p, f->path, "must be more than 0");
	else
		*into = q;
}

static void read_strings(const struct field *f, const json_t *value, const json_t **into,
			 struct problems *p)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value)) {
		wrong(f, value, p, "an object of strings");
		return;
	}
	if (f->high && json_object_size(value) > (size_t)f->high) {
		problems_add(p, f->path, "must not have more than %lld members",
			     (long long)f->high);
		return;
	}
	json_object_foreach((json_t *)value, name, member)
	{
		if (!json_is_string(member)) {
			problems_add(p, f->path,
				     "\"%.60s\" must be a string, and is %s: quote it", name,
				     type_name(member));
			return;
		}
	}
	*into = value;
}

static void read_list(const struct field *f, const json_t *value, const json_t **into,
		      struct problems *p)
{
	bool strings = f->words == field_of_strings;
	json_t *item;
	size_t i;

	if (!json_is_array(value)) {
		wrong(f, value, p, "a list");
		return;
	}
	json_array_foreach(value, i, item)
	{
		if (strings ? !json_is_string(item) : !json_is_object(item)) {
			problems_add(p, f->path, "[%zu] must be %s, and is %s", i,
				     strings ? "a string" : "an object", type_name(item));
			return;
		}
	}
	*into = value;
}

static void set_default(const struct field *f, void *at)
{
	if (!f->otherwise)
		return;
	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_VERSION:
	case FIELD_CHOICE:
		*(const char **)at = f->otherwise;
		break;
	case FIELD_INTEGER:
		str_to_i64(f->otherwise, at);
		break;
	case FIELD_BOOLEAN:
		*(bool *)at = str_eq(f->otherwise, "true");
		break;
	case FIELD_QUANTITY:
		quantity_parse(f->otherwise, at);
		break;
	default:
		break;
	}
}

static void read_value(const struct field *f, json_t *spec, json_t *value, void *at,
		       struct problems *p)
{
	switch (f->kind) {
	case FIELD_TEXT:
		read_text(f, value, at, p);
		break;
	case FIELD_VERSION:
		read_version(f, spec, value, at, p);
		break;
	case FIELD_CHOICE:
		read_choice(f, value, at, p);
		break;
	case FIELD_INTEGER:
		read_integer(f, value, at, p);
		break;
	case FIELD_BOOLEAN:
		if (json_is_boolean(value))
			*(bool *)at = json_is_true(value);
		else
			wrong(f, value, p, "true or false");
		break;
	case FIELD_QUANTITY:
		read_quantity(f, value, at, p);
		break;
	case FIELD_STRINGS:
		read_strings(f, value, at, p);
		break;
	case FIELD_OBJECT:
		if (json_is_object(value))
			*(const json_t **)at = value;
		else
			wrong(f, value, p, "an object");
		break;
	case FIELD_LIST:
		read_list(f, value, at, p);
		break;
	}
}

void fields_read(const struct field *table, size_t n, const json_t *spec, void *into,
		 struct problems *p)
{
	for (size_t i = 0; i < n; i++) {
		void *at = (char *)into + table[i].offset;
		const json_t *value = find(table, &table[i], spec, p);

		set_default(&table[i], at);
		if (value)
			read_value(&table[i], (json_t *)spec, (json_t *)value, at, p);
	}
}

/* 2: a field itself; 1: on the way to one; 0: unknown. */
static int known(const struct field *table, size_t n, const char *path)
{
	size_t len = strlen(path);
	int best = 0;

	for (size_t i = 0; i < n; i++) {
		if (strncmp(table[i].path, path, len) != 0)
			continue;
		if (!table[i].path[len])
			return 2;
		if (table[i].path[len] == '.')
			best = 1;
	}
	return best;
}

static void unknown_below(const struct field *table, size_t n, const json_t *object,
			  const char *prefix, struct problems *p)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)object, name, member)
	{
		char path[PATH_MAX_LEN];
		int how;

		snprintf(path, sizeof(path), "%s%s%.60s", prefix, *prefix ? "." : "", name);
		how = known(table, n, path);
		if (how == 0)
			problems_add(p, path, "is no field of a Database");
		else if (how == 1)
			unknown_below(table, n, member, path, p);
	}
}

void fields_unknown(const struct field *table, size_t n, const json_t *spec, struct problems *p)
{
	unknown_below(table, n, spec, "", p);
}
