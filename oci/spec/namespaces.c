/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "spec/document.h"
#include "spec/names.h"
#include "spec/spec.h"

static const struct field id_mapping_fields[] = {
	{ "containerID", KIND_NUMBER, read_id, offsetof(struct spec_id_mapping, container_id),
	  NULL, FIELD_REQUIRED },
	{ "hostID", KIND_NUMBER, read_id, offsetof(struct spec_id_mapping, host_id), NULL,
	  FIELD_REQUIRED },
	{ "size", KIND_NUMBER, read_u32, offsetof(struct spec_id_mapping, size), NULL,
	  FIELD_REQUIRED },
};

const struct table spec_id_mapping_table = TABLE(struct spec_id_mapping, id_mapping_fields);

struct listed { /* one entry of the array, before it is sorted by its type */
	uint32_t type;
	const char *path;
};

static const struct field namespace_fields[] = {
	{ "type", KIND_STRING, read_name, offsetof(struct listed, type), spec_namespace_names,
	  FIELD_REQUIRED },
	{ "path", KIND_STRING, read_string, offsetof(struct listed, path) },
};

static const struct table namespace_table = TABLE(struct listed, namespace_fields);

int read_namespaces(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec_namespace *all = dst;
	const struct json *item;
	int err;

	(void)f;
	for (item = j->child; item; item = item->next) {
		struct listed l = { 0 };

		err = reader_expect(r, item, KIND_OBJECT);
		if (err == 0)
			err = table_read(r, item, &namespace_table, &l);
		if (err < 0)
			return err;
		if (all[l.type].present)
			return reader_refuse(r, item, "the %s namespace is listed twice",
					     spec_ns_name(l.type));
		all[l.type] = (struct spec_namespace){ .present = true, .path = l.path };
	}
	return 0;
}

static const struct field time_offset_fields[] = {
	{ "secs", KIND_NUMBER, read_i64, offsetof(struct spec_time_offset, secs) },
	{ "nanosecs", KIND_NUMBER, read_u32, offsetof(struct spec_time_offset, nanosecs) },
};

static const struct table time_offset_table =
	TABLE(struct spec_time_offset, time_offset_fields);

static const struct field clock_fields[] = {
	{ "monotonic", KIND_OBJECT, read_present, offsetof(struct spec_linux, offset_monotonic),
	  &time_offset_table },
	{ "boottime", KIND_OBJECT, read_present, offsetof(struct spec_linux, offset_boottime),
	  &time_offset_table },
};

static const struct table clock_table = TABLE(struct spec_linux, clock_fields);

int read_time_offsets(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *clock;
	char shown[64];

	(void)f;
	/* Keys here are names, not fields: an unknown clock is a mistake, no extension. */
	for (clock = j->child; clock; clock = clock->next)
		if (strcmp(clock->key, "monotonic") != 0 && strcmp(clock->key, "boottime") != 0)
			return reader_refuse(
				r, clock, "no clock \"%s\"; known are monotonic and boottime",
				str_show(shown, sizeof(shown), clock->key));
	return table_read(r, j, &clock_table, dst);
}
