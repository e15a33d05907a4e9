/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/parse.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "spec/document.h"
#include "spec/spec.h"

/* A document of SPEC_MAX_BYTES that is nothing but values fills JSON_MAX_NODES well before. */
#define ARENA_CEILING (384u << 20)

static int read_root(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec *s = dst;

	s->root_present = true;
	return table_read(r, j, f->arg, s);
}

static const struct field root_fields[] = {
	{ "path", KIND_STRING, read_string, offsetof(struct spec, root_path) },
	{ "readonly", KIND_BOOL, read_bool, offsetof(struct spec, root_readonly) },
};

static const struct table root_table = TABLE(struct spec, root_fields);

static const struct field spec_fields[] = {
	{ "ociVersion", KIND_STRING, read_string, offsetof(struct spec, oci_version) },
	{ "root", KIND_OBJECT, read_root, 0, &root_table },
	{ "process", KIND_OBJECT, read_present, offsetof(struct spec, process),
	  &spec_process_table },
	{ "hostname", KIND_STRING, read_string, offsetof(struct spec, hostname) },
	{ "domainname", KIND_STRING, read_string, offsetof(struct spec, domainname) },
	{ "mounts", KIND_OBJECTS, read_mounts, LIST_OFFSET(struct spec, n_mounts, mounts),
	  &spec_mount_table },
	{ "hooks", KIND_OBJECT, read_object, offsetof(struct spec, hooks), &spec_hooks_table },
	{ "annotations", KIND_PAIRS, read_pairs, offsetof(struct spec, annotations) },
	{ "linux", KIND_OBJECT, read_present, offsetof(struct spec, linux_),
	  &spec_linux_table },
};

static const struct table spec_table = TABLE(struct spec, spec_fields);

static int parse_json(struct arena *a, const char *name, const char *data, size_t len,
		      struct json **ret, struct error *e)
{
	if (len > SPEC_MAX_BYTES)
		return error_say(e, E2BIG, "%s: %zu bytes are too many, at most %u are read",
				 name, len, SPEC_MAX_BYTES);
	return json_parse(a, name, data, len, ret, e);
}

/* `hole` may be NULL. */
static int parse_spec(const char *name, const char *data, size_t len, struct json_hole *hole,
		      struct spec *s, struct error *e)
{
	struct reader reader = { .arena = &s->arena, .warnings = &s->warnings, .e = e };
	struct json *doc;
	int r;

	if (hole)
		r = json_parse_around(&s->arena, name, data, len, hole, &doc, e);
	else
		r = parse_json(&s->arena, name, data, len, &doc, e);
	if (r < 0)
		return r;

	s->doc = doc;
	reader.known = hole ? hole->node : NULL;
	reader.file = s->file = arena_strdup(&s->arena, name);
	if (!s->file) {
		reader.file = name;
		return reader_no_memory(&reader);
	}
	r = table_read_document(&reader, doc, &spec_table, s);
	return r == 0 && hole && !reader.met_known ? -EAGAIN : r;
}

int spec_parse(const char *name, const char *data, size_t len, struct spec *ret,
	       struct error *e)
{
	struct spec s = { 0 };
	int r;

	arena_init(&s.arena, ARENA_CEILING);
	r = parse_spec(name, data, len, NULL, &s, e);
	if (r < 0) {
		error_step(e, "config");
		arena_done(&s.arena);
		return r;
	}
	*ret = s;
	return 0;
}

int spec_parse_around(const char *name, const char *data, size_t len, size_t at, size_t n,
		      struct spec *ret)
{
	struct json_hole hole = { .at = at, .len = n };
	struct spec s = { 0 };
	int r = len > SPEC_MAX_BYTES ? -E2BIG : 0;

	arena_init(&s.arena, ARENA_CEILING);
	if (r == 0)
		r = parse_spec(name, data, len, &hole, &s, NULL);
	if (r < 0) {
		arena_done(&s.arena);
		return r;
	}
	*ret = s;
	return 0;
}

/* One object on its own into a zeroed struct, which reaches the caller only when it is whole. */
static int parse_part(struct arena *a, const char *name, const char *data, size_t len,
		      const struct table *t, void *part, struct error *e)
{
	struct reader reader = { .arena = a, .file = name, .e = e };
	struct json *doc;
	int r;

	r = parse_json(a, name, data, len, &doc, e);
	if (r == 0)
		r = table_read_document(&reader, doc, t, part);
	if (r < 0)
		error_step(e, "config");
	return r;
}

int spec_parse_process(struct arena *a, const char *name, const char *data, size_t len,
		       struct spec_process *ret, struct error *e)
{
	struct spec_process p = { .present = true };
	int r = parse_part(a, name, data, len, &spec_process_table, &p, e);

	if (r == 0)
		*ret = p;
	return r;
}

int spec_parse_resources(struct arena *a, const char *name, const char *data, size_t len,
			 struct spec_resources *ret, struct error *e)
{
	struct spec_resources res = { .present = true };
	int r = parse_part(a, name, data, len, &spec_resources_table, &res, e);

	if (r == 0)
		*ret = res;
	return r;
}

int spec_parse_seccomp(struct arena *a, const char *name, const char *data, size_t len,
		       struct spec_seccomp *ret, struct error *e)
{
	struct spec_seccomp seccomp = { .present = true };
	int r = parse_part(a, name, data, len, &spec_seccomp_table, &seccomp, e);

	if (r == 0)
		*ret = seccomp;
	return r;
}
