/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

#define PATH_MAX_SHOWN 256

static const struct {
	enum json_type type;
	const char *name;
} kinds[] = {
	[KIND_BOOL] = { JSON_BOOL, "true or false" },
	[KIND_NUMBER] = { JSON_NUMBER, "an integer" },
	[KIND_STRING] = { JSON_STRING, "a string" },
	[KIND_STRINGS] = { JSON_ARRAY, "an array of strings" },
	[KIND_NUMBERS] = { JSON_ARRAY, "an array of integers" },
	[KIND_OBJECT] = { JSON_OBJECT, "an object" },
	[KIND_OBJECTS] = { JSON_ARRAY, "an array of objects" },
	[KIND_PAIRS] = { JSON_OBJECT, "an object of strings" },
};

int reader_refuse(struct reader *r, const struct json *j, const char *fmt, ...)
{
	char path[PATH_MAX_SHOWN], text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_path(j, path, sizeof(path));
	return error_say(r->e, EINVAL, "%s:%u: %s%s%s", r->file, j->line, path,
			 path[0] ? ": " : "", text);
}

static int kind_refuse(struct reader *r, const struct json *j, enum kind kind)
{
	char path[PATH_MAX_SHOWN];

	json_path(j, path, sizeof(path));
	return error_say(r->e, EINVAL, "%s:%u: %s must be %s, not %s", r->file, j->line,
			 path[0] ? path : "the document", kinds[kind].name,
			 json_type_name(j->type));
}

int reader_expect(struct reader *r, const struct json *j, enum kind kind)
{
	return j->type == kinds[kind].type ? 0 : kind_refuse(r, j, kind);
}

int reader_no_memory(struct reader *r)
{
	return error_say(r->e, ENOMEM, "%s: not enough memory for this document", r->file);
}

void reader_warn(struct reader *r, const struct json *j, const char *fmt, ...)
{
	struct spec_strings *w = r->warnings;
	char path[PATH_MAX_SHOWN], text[1024];
	va_list ap;

	if (!w || w->n == SPEC_MAX_WARNINGS)
		return;
	if (!w->v)
		w->v = arena_array(r->arena, SPEC_MAX_WARNINGS + 1, sizeof(*w->v));
	if (!w->v)
		return; /* the arena remembers */

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->v[w->n] = arena_printf(r->arena, "%s:%u: %s: %s", r->file, j->line,
				  json_path(j, path, sizeof(path)), text);
	if (w->v[w->n])
		w->n++;
}

static int field_missing(struct reader *r, const struct json *object, const struct field *f)
{
	char path[PATH_MAX_SHOWN];

	json_path(object, path, sizeof(path));
	return error_say(r->e, EINVAL, "%s:%u: %s%s%s is missing", r->file, object->line, path,
			 path[0] ? "." : "", f->key);
}

static bool json_is_absent(const struct json *j)
{
	return !j || j->type == JSON_NULL;
}

int table_read(struct reader *r, const struct json *object, const struct table *t, void *base)
{
	size_t i;
	int err;

	for (i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		const struct json *j = json_get(object, f->key);

		if (json_is_absent(j)) {
			if (f->flags & FIELD_REQUIRED)
				return field_missing(r, object, f);
			continue;
		}
		err = reader_expect(r, j, f->kind);
		if (err < 0)
			return err;
		err = f->read(r, j, f, (char *)base + f->offset);
		if (err < 0)
			return err;
	}
	return 0;
}

int table_read_document(struct reader *r, const struct json *j, const struct table *t,
			void *base)
{
	int err = reader_expect(r, j, KIND_OBJECT);

	return err < 0 ? err : table_read(r, j, t, base);
}

int read_object(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	return table_read(r, j, f->arg, dst);
}

int read_present(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	*(bool *)dst = true;
	return table_read(r, j, f->arg, dst);
}

/* Named ones are an object's members, and begin with the place for their key. */
static int items_read(struct reader *r, const struct json *j, const struct table *t, bool named,
		      void *dst)
{
	struct {
		size_t n;
		void *v;
	} *list = dst;
	const struct json *item;
	size_t n = 0;
	char *v;
	int err;

	if (j->len == 0)
		return 0;
	v = arena_array(r->arena, j->len, t->size);
	if (!v)
		return reader_no_memory(r);

	for (item = j->child; item; item = item->next, n++) {
		err = reader_expect(r, item, KIND_OBJECT);
		if (err < 0)
			return err;
		if (named)
			memcpy(v + n * t->size, &item->key, sizeof(item->key));
		err = table_read(r, item, t, v + n * t->size);
		if (err < 0)
			return err;
	}
	list->n = n;
	list->v = v;
	return 0;
}

int read_objects(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	return items_read(r, j, f->arg, false, dst);
}

int read_named_objects(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	return items_read(r, j, f->arg, true, dst);
}
