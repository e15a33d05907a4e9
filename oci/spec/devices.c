/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/document.h"
#include "spec/spec.h"

#define MODE_BITS 07777 /* writers also send the type's bits, which `type` says */

/* One letter of those in `letters`. */
static int read_letter(struct reader *r, const struct json *j, const char *letters, char *ret)
{
	char shown[32];

	if (j->len == 1 && strchr(letters, j->text[0])) {
		*ret = j->text[0];
		return 0;
	}
	return reader_refuse(r, j, "\"%s\" is none of the letters %s",
			     str_show(shown, sizeof(shown), j->text), letters);
}

static int read_device_type(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	(void)f;
	return read_letter(r, j, "cbup", dst);
}

static int read_file_mode(struct reader *r, const struct json *j, const struct field *f,
			  void *dst)
{
	struct spec_device *d = dst;
	int err = read_u32(r, j, f, &d->file_mode);

	d->file_mode &= MODE_BITS;
	d->set_file_mode = true;
	return err;
}

static int read_device_uid(struct reader *r, const struct json *j, const struct field *f,
			   void *dst)
{
	struct spec_device *d = dst;

	d->set_uid = true;
	return read_id(r, j, f, &d->uid);
}

static int read_device_gid(struct reader *r, const struct json *j, const struct field *f,
			   void *dst)
{
	struct spec_device *d = dst;

	d->set_gid = true;
	return read_id(r, j, f, &d->gid);
}

static const struct field device_fields[] = {
	{ "type", KIND_STRING, read_device_type, offsetof(struct spec_device, type), NULL,
	  FIELD_REQUIRED },
	{ "path", KIND_STRING, read_string, offsetof(struct spec_device, path), NULL,
	  FIELD_REQUIRED },
	{ "major", KIND_NUMBER, read_i64, offsetof(struct spec_device, major) },
	{ "minor", KIND_NUMBER, read_i64, offsetof(struct spec_device, minor) },
	{ "fileMode", KIND_NUMBER, read_file_mode, 0 },
	{ "uid", KIND_NUMBER, read_device_uid, 0 },
	{ "gid", KIND_NUMBER, read_device_gid, 0 },
};

const struct table spec_device_table = TABLE(struct spec_device, device_fields);

/* --- netDevices ------------------------------------------------------------------------------ */

static const struct field net_device_fields[] = {
	{ "name", KIND_STRING, read_string, offsetof(struct spec_net_device, name) },
};

const struct table spec_net_device_table = TABLE(struct spec_net_device, net_device_fields);

/* --- resources.devices ----------------------------------------------------------------------- */

static int read_rule_type(struct reader *r, const struct json *j, const struct field *f,
			  void *dst)
{
	(void)f;
	return j->len == 0 ? 0 : read_letter(r, j, "acb", dst);
}

static int read_rule_number(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	(void)f;
	return reader_signed(r, j, SPEC_DEVICE_ANY, UINT32_MAX, dst);
}

static int read_access(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	uint32_t access = 0;
	char shown[32];
	const char *p;

	(void)f;
	for (p = j->text; *p; p++) {
		if (*p == 'r')
			access |= SPEC_ACCESS_READ;
		else if (*p == 'w')
			access |= SPEC_ACCESS_WRITE;
		else if (*p == 'm')
			access |= SPEC_ACCESS_MKNOD;
		else
			return reader_refuse(r, j, "\"%s\" has other letters than r, w and m",
					     str_show(shown, sizeof(shown), j->text));
	}
	*(uint32_t *)dst = access;
	return 0;
}

static const struct field device_rule_fields[] = {
	{ "allow", KIND_BOOL, read_bool, offsetof(struct spec_device_rule, allow), NULL,
	  FIELD_REQUIRED },
	{ "type", KIND_STRING, read_rule_type, offsetof(struct spec_device_rule, type) },
	{ "major", KIND_NUMBER, read_rule_number, offsetof(struct spec_device_rule, major) },
	{ "minor", KIND_NUMBER, read_rule_number, offsetof(struct spec_device_rule, minor) },
	{ "access", KIND_STRING, read_access, offsetof(struct spec_device_rule, access) },
};

static const struct table device_rule_table =
	TABLE(struct spec_device_rule, device_rule_fields);

int read_device_rules(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct {
		size_t n;
		struct spec_device_rule *v;
	} *list = dst;
	const struct json *item;
	size_t n = 0;
	int err;

	(void)f;
	list->v = arena_array(r->arena, (size_t)j->len + 1, sizeof(*list->v));
	if (!list->v)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next, n++) {
		struct spec_device_rule *rule = &list->v[n];

		*rule = (struct spec_device_rule){ .type = 'a',
						   .major = SPEC_DEVICE_ANY,
						   .minor = SPEC_DEVICE_ANY };
		err = reader_expect(r, item, KIND_OBJECT);
		if (err == 0)
			err = table_read(r, item, &device_rule_table, rule);
		if (err < 0)
			return err;
		/* A denial without letters is one of everything; nothing is granted unsaid. */
		if (!rule->access && rule->allow)
			return reader_refuse(r, item,
					     "allows a device without saying what for: "
					     "\"access\" needs letters of r, w and m");
		if (!rule->access)
			rule->access = SPEC_ACCESS_READ | SPEC_ACCESS_WRITE | SPEC_ACCESS_MKNOD;
	}
	list->n = n;
	return 0;
}
