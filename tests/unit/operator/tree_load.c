// SPDX-License-Identifier: Apache-2.0
#include "kube/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What is read is what jansson reads. */
static void whatever_jansson_reads_is_read_alike(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" { } ",
		"[ 1 , -2,0, -0 ]\r\n",
		"\"\"",
		"true",
		"[false,null,true]",
		"{\"a\":{\"b\":[{\"c\":\"d\"}]},\"a\":1}",
		"{\"\":\"\"}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
		"{\"a\\nb\":\"c\\nd\",\"e\\u00e9\":\"f\"}",
		"\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
		"[1.5,-1e3,2E-2,0.25e+1]",
		"[9223372036854775807,-9223372036854775808]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_auto_t *wanted =
			json_loadb(texts[i], strlen(texts[i]), JSON_DECODE_ANY, NULL);
		json_auto_t *found = tree_load(texts[i], strlen(texts[i]));

		assert_non_null(wanted);
		assert_true(json_equal(wanted, found));
	}
}

static void what_is_no_json_is_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"]",
		"[1,]",
		"[,1]",
		"[1 2]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{a:1}",
		"{1:1}",
		"{} {}",
		"nul",
		"truth",
		"+1",
		"01",
		"1.",
		".5",
		"1e",
		"--1",
		"- 1",
		"\"",
		"\"a",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"a\nb\"",
		"\"\xc3\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"9223372036854775808",
		"1e999",
		"'a'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		/* In its own room, so that a byte too far is seen. */
		size_t len = strlen(texts[i]);
		autofree char *copy = malloc(len ? len : 1);

		memcpy(copy, texts[i], len);
		assert_null(tree_load(copy, len));
	}
}

static void what_jansson_refuses_to_hold_is_replaced(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "\"a\\u0000b\"", "a\xef\xbf\xbd"
				   "b" },
		{ "\"\\\\u0000\"", "\\u0000" },
		{ "\"\\ud800\"", "\xef\xbf\xbd" },
		{ "\"\\udc00x\"", "\xef\xbf\xbdx" },
		{ "\"\\ud800\\u0041\"", "\xef\xbf\xbd"
					"A" },
		{ "\"\\ud800\\ud800\"", "\xef\xbf\xbd\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_auto_t *found = tree_load(cases[i].text, strlen(cases[i].text));

		assert_string_equal(json_string_value(found), cases[i].wanted);
	}
}

/* Names with escapes, longer than what is kept beside, with values that have escapes too. */
static void names_and_values_with_escapes_do_not_mix(void **state)
{
	char text[2048] = "{", name[300];
	json_auto_t *found = NULL;
	json_t *value;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	strcat(text, "\"\\t");
	strcat(text, name);
	strcat(text, "\":\"\\nvalue\",\"\\tshort\":\"\\rother\"}");
	found = tree_load(text, strlen(text));
	assert_non_null(found);
	assert_string_equal(json_string_value(json_object_get(found, "\tshort")), "\rother");
	assert_int_equal(json_object_size(found), 2);
	value = json_object_iter_value(json_object_iter(found));
	assert_non_null(value);
	assert_string_equal(json_string_value(value), "\nvalue");
}

static void a_text_that_breaks_off_anywhere_is_nothing(void **state)
{
	static const char text[] =
		"{\"a\":[1,-2.5e3,\"\\u00e9\\\"x\",true,null,{\"b\\n\":\"\xc3\xa9\"}]}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		autofree char *copy = malloc(len ? len : 1);

		memcpy(copy, text, len);
		assert_null(tree_load(copy, len));
	}
}

static void what_is_nested_too_deep_is_nothing(void **state)
{
	size_t depth = 1 << 20;
	autofree char *text = malloc(depth);

	(void)state;
	memset(text, '[', depth);
	assert_null(tree_load(text, depth));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_jansson_reads_is_read_alike),
		cmocka_unit_test(what_is_no_json_is_nothing),
		cmocka_unit_test(what_jansson_refuses_to_hold_is_replaced),
		cmocka_unit_test(names_and_values_with_escapes_do_not_mix),
		cmocka_unit_test(a_text_that_breaks_off_anywhere_is_nothing),
		cmocka_unit_test(what_is_nested_too_deep_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
