/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: bytes -> spec_parse() -> spec_check(), and what comes out is looked at as its users
 * look at it. The first byte chooses which document it is, so that every parser has its share:
 * p(rocess), r(esources), s(eccomp), j(son written and read again), anything else a config.json.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "spec/check.h"
#include "spec/parse.h"
#include "spec/spec.h"
#include "spec/sysctl.h"

#define DIE_UNLESS(x)            \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void strings_look(const struct spec_strings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		DIE_UNLESS(list->v[i] && strlen(list->v[i]) < SPEC_MAX_BYTES);
	DIE_UNLESS(!list->v || !list->v[list->n]);
}

/* What a failure promises: an errno, a text of one line, and that it was said where. */
static void failure_look(int r, const struct error *e)
{
	const char *p;

	DIE_UNLESS(r < 0 && e->errnum == -r && e->text[0]);
	DIE_UNLESS(strcmp(e->step, "config") == 0);
	for (p = e->text; *p; p++)
		DIE_UNLESS((unsigned char)*p >= 0x20);
}

/* What spec_check() promises to those who come after it. */
static void checked_look(const struct spec *s)
{
	char path[512];
	size_t i;

	DIE_UNLESS(s->root_path && s->process.present && s->process.args.n > 0);
	DIE_UNLESS(s->process.cwd[0] == '/');
	DIE_UNLESS(s->process.capabilities.unknown.n == 0);
	for (i = 0; i < s->n_mounts; i++) {
		DIE_UNLESS(s->mounts[i].destination[0] == '/' && s->mounts[i].destination[1]);
		DIE_UNLESS(!strstr(s->mounts[i].destination, "/../"));
	}
	for (i = 0; i < s->linux_.sysctl.n; i++) {
		DIE_UNLESS(sysctl_path(s->linux_.sysctl.v[i].key, path, sizeof(path)) == 0);
		DIE_UNLESS(s->linux_.namespaces[sysctl_namespace(path)].present);
	}
}

static void spec_look(const char *data, size_t size)
{
	struct error e = ERROR_INIT;
	struct spec s;
	int r;

	r = spec_parse("config.json", data, size, &s, &e);
	if (r < 0) {
		failure_look(r, &e);
		return;
	}
	strings_look(&s.process.args);
	strings_look(&s.process.env);
	strings_look(&s.process.capabilities.unknown);
	strings_look(&s.linux_.masked_paths);
	strings_look(&s.warnings);
	for (size_t i = 0; i < s.n_mounts; i++) {
		strings_look(&s.mounts[i].options);
		strings_look(&s.mounts[i].data);
		DIE_UNLESS(!(s.mounts[i].attr_set & s.mounts[i].attr_clear & 0xf));
	}
	r = spec_check(&s, &e);
	if (r < 0)
		failure_look(r, &e);
	else
		checked_look(&s);
	spec_done(&s);
}

static void part_look(char which, const char *data, size_t size)
{
	struct error e = ERROR_INIT;
	struct spec_resources resources;
	struct spec_process process;
	struct spec_seccomp seccomp;
	struct arena a;
	int r;

	arena_init(&a, 64u << 20);
	if (which == 'p') {
		r = spec_parse_process(&a, "process.json", data, size, &process, &e);
		if (r == 0)
			(void)spec_check_process(NULL, &process, "process", &e);
	} else if (which == 'r') {
		r = spec_parse_resources(&a, "resources.json", data, size, &resources, &e);
		if (r == 0)
			(void)spec_check_resources(&resources, "resources", &e);
	} else {
		r = spec_parse_seccomp(&a, "seccomp.json", data, size, &seccomp, &e);
	}
	if (r < 0)
		failure_look(r, &e);
	arena_done(&a);
}

/* A tree that was written is read as the same tree. */
static void json_look(const char *data, size_t size)
{
	struct json_writer *w = json_writer_new(true);
	struct json_writer *again = json_writer_new(true);
	struct buf first, second;
	struct arena a;
	struct json *j;

	DIE_UNLESS(w && again);
	arena_init(&a, 64u << 20);
	buf_init(&first, 64u << 20);
	buf_init(&second, 64u << 20);
	if (json_parse(&a, "x.json", data, size, &j, NULL) == 0) {
		json_write_tree(w, j);
		DIE_UNLESS(json_writer_end(w, &first) == 0);
		DIE_UNLESS(json_parse(&a, "y.json", first.data, first.len, &j, NULL) == 0);
		json_write_tree(again, j);
		DIE_UNLESS(json_writer_end(again, &second) == 0);
		DIE_UNLESS(first.len == second.len &&
			   memcmp(first.data, second.data, first.len) == 0);
	}
	buf_done(&first);
	buf_done(&second);
	arena_done(&a);
	json_writer_free(w);
	json_writer_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size == 0)
		return 0;
	if (text[0] == 'p' || text[0] == 'r' || text[0] == 's')
		part_look(text[0], text + 1, size - 1);
	else if (text[0] == 'j')
		json_look(text + 1, size - 1);
	else
		spec_look(text, size);
	return 0;
}
