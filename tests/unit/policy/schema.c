/* SPDX-License-Identifier: Apache-2.0 */
/* policies/schema.json describes what the reader takes: each object has the same members in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/document.h"

static size_t compared;

static void compare(const char *path, const struct table *t, const struct json *schema)
{
	const struct json *properties = schema ? json_get(schema, "properties") : NULL, *j;
	char below[256];
	size_t i;

	if (!properties) {
		fail_msg("%s: no properties in the schema", path);
		return;
	}
	for (j = properties->child; j; j = j->next) {
		for (i = 0; i < t->n && !str_eq(t->fields[i].key, j->key); i++)
			;
		if (i == t->n)
			fail_msg("%s.%s is in the schema alone", path, j->key);
	}
	for (i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		j = json_get(properties, f->key);
		if (!j)
			fail_msg("%s.%s is not in the schema", path, f->key);
		compared++;
		if (f->read != read_strict || json_get(j, "$ref"))
			continue;
		assert_int_equal(str_format(below, sizeof(below), "%s.%s", path, f->key), 0);
		compare(below, f->arg, j);
	}
}

static void each_field_that_is_read_is_in_the_schema_and_no_other(void **state)
{
	struct error e = ERROR_INIT;
	autobuf text = { .max = 1 << 20 };
	const struct json *defs;
	struct json *doc;
	struct arena a;

	(void)state;
	arena_init(&a, 16u << 20);
	assert_int_equal(file_read(AT_FDCWD, "policies/schema.json", 1 << 20, &text, &e), 0);
	assert_int_equal(json_parse(&a, "schema.json", text.data, text.len, &doc, &e), 0);
	defs = json_get(doc, "$defs");
	assert_non_null(defs);
	compare("rule", &policy_rule_table, json_get(defs, "rule"));
	print_message("%zu fields\n", compared);
	assert_true(compared > 80);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_that_is_read_is_in_the_schema_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
