/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "spec/document.h"
#include "spec/mount_options.h"
#include "spec/spec.h"

/*
 * Cleaned here, once, so that rules, policies and the mount itself speak of the same place.
 * A relative one is deprecated and means the same below "/" (config.md, "Mounts").
 */
static int read_destination(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	char clean[PATH_MAX], shown[80];
	const char **ret = dst;

	(void)f;
	if (j->len == 0)
		return reader_refuse(r, j, "must not be empty");
	if (path_clean(clean, sizeof(clean), j->text) < 0)
		return reader_refuse(r, j, "a path of %u bytes is too long", j->len);
	*ret = str_eq(clean, j->text) ? j->text : arena_strdup(r->arena, clean);
	if (!*ret)
		return reader_no_memory(r);
	if (j->text[0] != '/')
		reader_warn(r, j, "\"%s\" is relative, which is deprecated: taken below \"/\"",
			    str_show(shown, sizeof(shown), j->text));
	return 0;
}

static const struct field mount_fields[] = {
	{ "destination", KIND_STRING, read_destination,
	  offsetof(struct spec_mount, destination), NULL, FIELD_REQUIRED },
	{ "type", KIND_STRING, read_string, offsetof(struct spec_mount, type) },
	{ "source", KIND_STRING, read_string, offsetof(struct spec_mount, source) },
	{ "options", KIND_STRINGS, read_strings, offsetof(struct spec_mount, options) },
	{ "uidMappings", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_mount, n_uid_mappings, uid_mappings),
	  &spec_id_mapping_table },
	{ "gidMappings", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_mount, n_gid_mappings, gid_mappings),
	  &spec_id_mapping_table },
};

const struct table spec_mount_table = TABLE(struct spec_mount, mount_fields);

/* A bind has no file system that could take or refuse an option: a slip of the pen shows nowhere. */
static void warn_of_data(struct reader *r, const struct json *j, const struct spec_mount *m)
{
	const struct json *options = json_get(j, "options");
	char shown[80];

	if (m->bind && m->data.n > 0 && options)
		reader_warn(r, options,
			    "\"%s\" is not known and without effect on a bind mount",
			    str_show(shown, sizeof(shown), m->data.v[0]));
}

int read_mounts(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct {
		size_t n;
		struct spec_mount *v;
	} *mounts = dst;
	const struct json *item;
	struct spec_mount *m;
	int err;

	err = read_objects(r, j, f, dst);
	if (err < 0)
		return err;
	m = mounts->v;
	for (item = j->child; item; item = item->next, m++) {
		err = mount_options_resolve(r->arena, m);
		if (err < 0)
			return reader_no_memory(r);
		warn_of_data(r, item, m);
	}
	return 0;
}
