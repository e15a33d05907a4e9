/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/names.h"
#include "spec/spec.h"

#define ID_MAX (UINT32_MAX - 1) /* (uid_t)-1 means "none" to the kernel */

static int number_refuse(struct reader *r, const struct json *j, int err, const char *least,
			 const char *most)
{
	char shown[64];

	str_show(shown, sizeof(shown), j->text);
	if (err == -EINVAL)
		return reader_refuse(r, j, "%s is not written as a plain integer", shown);
	return reader_refuse(r, j, "%s is out of range: %s to %s", shown, least, most);
}

int reader_unsigned(struct reader *r, const struct json *j, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	char most[24];
	int err;

	err = reader_expect(r, j, KIND_NUMBER);
	if (err < 0)
		return err;
	err = json_to_u64(j, &value);
	if (err == 0 && value <= max) {
		*ret = value;
		return 0;
	}
	str_format(most, sizeof(most), "%" PRIu64, max);
	return number_refuse(r, j, err, "0", most);
}

int reader_signed(struct reader *r, const struct json *j, int64_t min, int64_t max,
		  int64_t *ret)
{
	char least[24], most[24];
	int64_t value = 0;
	int err;

	err = reader_expect(r, j, KIND_NUMBER);
	if (err < 0)
		return err;
	err = json_to_i64(j, &value);
	if (err == 0 && value >= min && value <= max) {
		*ret = value;
		return 0;
	}
	str_format(least, sizeof(least), "%" PRId64, min);
	str_format(most, sizeof(most), "%" PRId64, max);
	return number_refuse(r, j, err, least, most);
}

int reader_name(struct reader *r, const struct json *j, const struct spec_name *names,
		uint64_t *ret)
{
	const struct spec_name *found = spec_name_find(names, j->text);
	char shown[64], list[768];

	if (found) {
		*ret = found->value;
		return 0;
	}
	return reader_refuse(r, j, "\"%s\" is not known; known are %s",
			     str_show(shown, sizeof(shown), j->text),
			     spec_names_list(names, list, sizeof(list)));
}

int read_bool(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)r;
	(void)f;
	*(bool *)dst = j->boolean;
	return 0;
}

int read_string(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	if (j->len > 0)
		*(const char **)dst = j->text;
	else if (f->flags & FIELD_REQUIRED)
		return reader_refuse(r, j, "must not be empty");
	return 0;
}

int read_strings(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec_strings *list = dst;
	const struct json *item;
	size_t n = 0;
	char **v;
	int err;

	(void)f;
	v = arena_array(r->arena, (size_t)j->len + 1, sizeof(*v));
	if (!v)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_STRING);
		if (err < 0)
			return err;
		v[n++] = (char *)item->text;
	}
	list->n = n;
	list->v = v;
	return 0;
}

/* Keys are compared with their place, so that the last of equal ones ends a run. */
static int pair_order(const void *a, const void *b)
{
	const struct spec_pair *p = *(const struct spec_pair *const *)a;
	const struct spec_pair *q = *(const struct spec_pair *const *)b;
	int order = strcmp(p->key, q->key);

	return order ? order : (p > q) - (p < q);
}

/* Of a repeated key only the last pair stays. The order of the others does not change. */
static int pairs_drop_repeated(struct spec_pairs *pairs)
{
	autofree struct spec_pair **sorted = NULL;
	size_t i, kept = 0;

	if (pairs->n < 2)
		return 0;
	sorted = calloc(pairs->n, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < pairs->n; i++)
		sorted[i] = &pairs->v[i];
	qsort(sorted, pairs->n, sizeof(*sorted), pair_order);
	for (i = 0; i + 1 < pairs->n; i++)
		if (strcmp(sorted[i]->key, sorted[i + 1]->key) == 0)
			sorted[i]->value = NULL;

	for (i = 0; i < pairs->n; i++)
		if (pairs->v[i].value)
			pairs->v[kept++] = pairs->v[i];
	pairs->n = kept;
	return 0;
}

int read_pairs(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec_pairs *pairs = dst;
	const struct json *item;
	struct spec_pair *v;
	size_t n = 0;
	int err;

	(void)f;
	if (j->len == 0)
		return 0;
	v = arena_array(r->arena, j->len, sizeof(*v));
	if (!v)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_STRING);
		if (err < 0)
			return err;
		v[n++] = (struct spec_pair){ .key = item->key, .value = item->text };
	}
	pairs->n = n;
	pairs->v = v;
	return pairs_drop_repeated(pairs) < 0 ? reader_no_memory(r) : 0;
}

static int read_u32_most(struct reader *r, const struct json *j, uint32_t max, void *dst)
{
	uint64_t value = 0;
	int err = reader_unsigned(r, j, max, &value);

	if (err == 0)
		*(uint32_t *)dst = (uint32_t)value;
	return err;
}

int read_u16(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)f;
	return read_u32_most(r, j, UINT16_MAX, dst);
}

int read_u32(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)f;
	return read_u32_most(r, j, UINT32_MAX, dst);
}

int read_id(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)f;
	return read_u32_most(r, j, ID_MAX, dst);
}

int read_ids(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct {
		size_t n;
		uint32_t *v;
	} *list = dst;
	const struct json *item;
	size_t n = 0;
	uint32_t *v;
	int err;

	if (j->len == 0)
		return 0;
	v = arena_array(r->arena, j->len, sizeof(*v));
	if (!v)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next) {
		err = read_id(r, item, f, &v[n++]);
		if (err < 0)
			return err;
	}
	list->n = n;
	list->v = v;
	return 0;
}

int read_i32(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	int64_t value = 0;
	int err = reader_signed(r, j, INT32_MIN, INT32_MAX, &value);

	(void)f;
	if (err == 0)
		*(int32_t *)dst = (int32_t)value;
	return err;
}

int read_u64(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)f;
	return reader_unsigned(r, j, UINT64_MAX, dst);
}

int read_i64(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	(void)f;
	return reader_signed(r, j, INT64_MIN, INT64_MAX, dst);
}

int read_opt_i64(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct opt_i64 *opt = dst;

	opt->set = true;
	return read_i64(r, j, f, &opt->value);
}

int read_opt_u64(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct opt_u64 *opt = dst;

	opt->set = true;
	return read_u64(r, j, f, &opt->value);
}

int read_opt_u32(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct opt_u64 *opt = dst;

	(void)f;
	opt->set = true;
	return reader_unsigned(r, j, UINT32_MAX, &opt->value);
}

int read_opt_u16(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct opt_u64 *opt = dst;

	(void)f;
	opt->set = true;
	return reader_unsigned(r, j, UINT16_MAX, &opt->value);
}

int read_name(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	uint64_t value = 0;
	int err = reader_name(r, j, f->arg, &value);

	if (err == 0)
		*(uint32_t *)dst = (uint32_t)value;
	return err;
}

int read_flags(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *item;
	uint64_t flag = 0, flags = 0;
	int err;

	for (item = j->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_STRING);
		if (err < 0)
			return err;
		err = reader_name(r, item, f->arg, &flag);
		if (err < 0)
			return err;
		flags |= flag;
	}
	*(uint64_t *)dst = flags;
	return 0;
}
