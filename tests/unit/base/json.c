/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

#define CEILING (256u << 20)

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, CEILING);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static struct json *parse(const char *text)
{
	struct error e = ERROR_INIT;
	struct json *j = NULL;
	int r;

	r = json_parse(&arena, "t.json", text, strlen(text), &j, &e);
	if (r < 0)
		fail_msg("%s: %s", text, e.text);
	assert_int_equal(e.errnum, 0);
	return j;
}

static void assert_refused_n(const char *text, size_t len, int errnum, const char *message)
{
	struct error e = ERROR_INIT;
	struct json *j = NULL;

	assert_int_equal(json_parse(&arena, "t.json", text, len, &j, &e), -errnum);
	assert_int_equal(e.errnum, errnum);
	assert_string_equal(e.text, message);
	assert_null(j);
}

static void assert_refused(const char *text, const char *message)
{
	assert_refused_n(text, strlen(text), EINVAL, message);
}

static void test_types(void **state)
{
	struct json *j = parse("{\"s\": \"x\", \"n\": -12, \"t\": true, \"f\": false,\n"
			       " \"z\": null, \"a\": [1, 2, 3], \"o\": {}}");
	const struct json *child;

	(void)state;
	assert_int_equal(j->type, JSON_OBJECT);
	assert_int_equal(j->len, 7);
	assert_null(j->key);
	assert_null(j->parent);
	assert_int_equal(json_get(j, "s")->type, JSON_STRING);
	assert_string_equal(json_get(j, "s")->text, "x");
	assert_int_equal(json_get(j, "s")->len, 1);
	assert_int_equal(json_get(j, "n")->type, JSON_NUMBER);
	assert_string_equal(json_get(j, "n")->text, "-12");
	assert_int_equal(json_get(j, "t")->type, JSON_BOOL);
	assert_true(json_get(j, "t")->boolean);
	assert_false(json_get(j, "f")->boolean);
	assert_int_equal(json_get(j, "z")->type, JSON_NULL);
	assert_int_equal(json_get(j, "z")->line, 2);
	child = json_get(j, "a");
	assert_int_equal(child->len, 3);
	assert_string_equal(child->child->next->next->text, "3");
	assert_null(child->child->next->next->next);
	assert_ptr_equal(child->child->parent, child);
	assert_int_equal(json_get(j, "o")->len, 0);
	assert_null(json_get(j, "o")->child);
	assert_null(json_get(j, "absent"));
	assert_null(json_get(child, "s"));
	assert_string_equal(json_get_string(j, "s"), "x");
	assert_null(json_get_string(j, "n"));
}

static void test_scalar_documents(void **state)
{
	(void)state;
	assert_string_equal(parse("12")->text, "12");
	assert_string_equal(parse(" \"a\" ")->text, "a");
	assert_int_equal(parse("\n\n7")->line, 3);
	assert_int_equal(parse("null")->type, JSON_NULL);
}

static void test_independent_of_text(void **state)
{
	char text[] = "{\"key\":[\"value\",\"\\u00e9scaped\",42]}";
	struct json *j = parse(text);

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_string_equal(json_get(j, "key")->child->text, "value");
	assert_string_equal(json_get(j, "key")->child->next->text, "\xc3\xa9scaped");
}

static void test_escapes(void **state)
{
	struct json *j = parse(
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u20AC\\ud83d\\ude00\", \"\\\\u0000\"]");

	(void)state;
	assert_string_equal(j->child->text, "\"\\/\b\f\n\r\t");
	assert_string_equal(j->child->next->text, "\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(j->child->next->next->text, "\\u0000");
}

static void test_repeated_key(void **state)
{
	struct json *j = parse("{\"a\": 1, \"b\": 2, \"a\": 3}");

	(void)state;
	assert_string_equal(json_get(j, "a")->text, "3");
	assert_int_equal(j->len, 3);
}

static void test_lines(void **state)
{
	struct json *j = parse("{\n\"a\":\n1,\"b\"\n\n:[\n2],\"c\":{},\r\n\"d\":\"x\"\n}\n");

	(void)state;
	assert_int_equal(j->line, 1);
	assert_int_equal(json_get(j, "a")->line, 3);
	assert_int_equal(json_get(j, "b")->line, 5);
	assert_int_equal(json_get(j, "b")->child->line, 6);
	assert_int_equal(json_get(j, "c")->line, 6);
	assert_int_equal(json_get(j, "d")->line, 7);
}

static void test_syntax_errors(void **state)
{
	(void)state;
	assert_refused("", "t.json:1:1: the document ends too early");
	assert_refused(" \n ", "t.json:2:2: the document ends too early");
	assert_refused("{\n  \"a\": 1\n", "t.json:3:1: the document ends too early");
	assert_refused("{\n  \"a\": \"x\n", "t.json:2:10: invalid character inside string.");
	assert_refused("\"abc", "t.json:1:5: the document ends too early");
	assert_refused("[1,]", "t.json:1:4: unallowed token at this point in JSON text");
	assert_refused("[,1]", "t.json:1:2: unallowed token at this point in JSON text");
	assert_refused("[1\n 2]", "t.json:2:2: after array element, I expect ',' or ']'");
	assert_refused("{\"a\":1,\n}", "t.json:2:1: invalid object key (must be a string)");
	assert_refused("{\"a\" 1}",
		       "t.json:1:6: object key and value must be separated by a colon (':')");
	assert_refused("{\"a\":1 \"longer\":2}",
		       "t.json:1:8: after key and value, inside map, I expect ',' or '}'");
	assert_refused("{1:2}", "t.json:1:2: invalid object key (must be a string)");
	assert_refused("{} x", "t.json:1:4: trailing garbage");
	assert_refused("{}\n{}", "t.json:2:1: trailing garbage");
	assert_refused("[\n\n  @]", "t.json:3:3: invalid char in json text.");
	assert_refused("[trux]", "t.json:1:5: invalid string in json text.");
	assert_refused("tru", "t.json:1:4: invalid string in json text.");
	assert_refused(
		"[-]",
		"t.json:1:3: malformed number, a digit is required after the minus sign.");
	assert_refused("[01]", "t.json:1:3: after array element, I expect ',' or ']'");
	assert_refused(
		"[\"\\x\"]",
		"t.json:1:4: inside a string, '\\' occurs before a character which it may not.");
	assert_refused(
		"/* c */ 1",
		"t.json:1:1: probable comment found in input text, comments are not enabled.");
	assert_refused("\xef\xbb\xbf{}", "t.json:1:1: invalid char in json text.");
	assert_refused("\x0b{}", "t.json:1:1: a control character");
}

static void test_nul(void **state)
{
	(void)state;
	assert_refused("{\"a\":\n \"x\\u0000y\"}", "t.json:2:4: a string may not hold \\u0000");
	assert_refused("{\"\\u0000\":1}", "t.json:1:3: a string may not hold \\u0000");
	assert_refused_n("[\"a\0b\"]", 7, EINVAL, "t.json:1:4: a control character");
	assert_refused_n("[]\0", 3, EINVAL, "t.json:1:3: a control character");
}

static void test_bad_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xc3",
		"\xe2\x28\xa1",
	};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[\"a%s\"]", bad[i]);
		assert_refused(text, "t.json:1:4: not UTF-8");
	}
	assert_refused("[\"a\\ud800\"]",
		       "t.json:1:4: the first half of a surrogate pair without the second");
	assert_refused("[\"\\ud800\\u0041\"]",
		       "t.json:1:3: the first half of a surrogate pair without the second");
	assert_refused("[\"\\udc00\"]",
		       "t.json:1:3: the second half of a surrogate pair without the first");
	parse("[\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]");
}

static void test_depth(void **state)
{
	char text[2 * (JSON_MAX_DEPTH + 1) + 1] = "";

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	parse(text);

	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	assert_refused_n(text, sizeof(text) - 1, E2BIG, "t.json:1: nested too deeply");
}

static void test_depth_bomb(void **state)
{
	size_t len = 5u << 20;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	assert_refused_n(text, len, E2BIG, "t.json:1: nested too deeply");
	free(text);
}

static void test_node_bomb(void **state)
{
	size_t len = 2 * JSON_MAX_NODES, i;
	char *text = malloc(len + 2);
	struct error e = ERROR_INIT;
	struct json *j = NULL;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < len + 2; i += 2)
		memcpy(text + i, "0,", 2);
	memcpy(text, "[\n", 2);

	text[len + 1] = ']';
	assert_refused_n(text, len + 2, E2BIG, "t.json:2: too many values");

	text[len - 1] = ']';
	assert_int_equal(json_parse(&arena, "t.json", text, len, &j, &e), 0);
	assert_int_equal(j->len, JSON_MAX_NODES - 1);
	free(text);
}

static void test_bytes(void **state)
{
	(void)state;
	assert_refused_n(
		"", (size_t)JSON_MAX_BYTES + 1, E2BIG,
		"t.json: 67108865 bytes are too many for a document, at most 67108864");
}

static void test_arena_full(void **state)
{
	const char *text =
		"{\"a\": [\"0123456789012345678901234567890123456789\", 1, 2, 3, 4]}";
	struct error e = ERROR_INIT;
	struct json *j = NULL;
	size_t ceiling;
	int r = -ENOMEM;

	(void)state;
	for (ceiling = 0; r != 0; ceiling += 8) {
		struct arena small;

		arena_init(&small, ceiling);
		r = json_parse(&small, "t.json", text, strlen(text), &j, &e);
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_non_null(strstr(e.text, "not enough memory for this document"));
		}
		arena_done(&small);
		assert_true(ceiling < 4096);
	}
	assert_true(ceiling > 256);
}

/* The longest tokens that make the parser buffer: escaped, and unfinished at the end. */
static void test_long_strings(void **state)
{
	size_t len = 3u << 20, i;
	char *text = malloc(len);
	struct json *j;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < len; i += 2)
		memcpy(text + i, "\\n", 2);
	memcpy(text, " \"", 2);
	assert_refused_n(text, len, EINVAL, "t.json:1:3145729: the document ends too early");

	memcpy(text + len - 2, "\"\0", 2);
	j = parse(text);
	assert_int_equal(j->len, (len - 4) / 2);
	assert_int_equal(j->text[j->len - 1], '\n');
	free(text);
}

static void test_numbers(void **state)
{
	struct json *j =
		parse("[0, -0, 9223372036854775807, -9223372036854775808, "
		      "18446744073709551615, 9223372036854775808, "
		      "18446744073709551616, -9223372036854775809, -1, 1.0, 1e3, \"5\"]");
	static const struct {
		int i64, u64;
		int64_t i;
		uint64_t u;
	} want[] = {
		{ 0, 0, 0, 0 },
		{ 0, 0, 0, 0 },
		{ 0, 0, INT64_MAX, INT64_MAX },
		{ 0, -ERANGE, INT64_MIN, 0 },
		{ -ERANGE, 0, 0, UINT64_MAX },
		{ -ERANGE, 0, 0, (uint64_t)INT64_MAX + 1 },
		{ -ERANGE, -ERANGE, 0, 0 },
		{ -ERANGE, -ERANGE, 0, 0 },
		{ 0, -ERANGE, -1, 0 },
		{ -EINVAL, -EINVAL, 0, 0 },
		{ -EINVAL, -EINVAL, 0, 0 },
		{ -EINVAL, -EINVAL, 0, 0 },
	};
	const struct json *at;
	size_t n = 0;

	(void)state;
	for (at = j->child; at; at = at->next, n++) {
		int64_t i = 77;
		uint64_t u = 77;

		assert_int_equal(json_to_i64(at, &i), want[n].i64);
		assert_true(i == (want[n].i64 ? 77 : want[n].i));
		assert_int_equal(json_to_u64(at, &u), want[n].u64);
		assert_true(u == (want[n].u64 ? 77 : want[n].u));
	}
	assert_int_equal(n, ARRAY_SIZE(want));
}

static void test_path(void **state)
{
	struct json *j = parse("{\"process\": {\"rlimits\": [1, 2, {\"type\": 3}]},"
			       " \"a.b\": {\"c\\nd\": [[4]]}, \"\": 5}");
	char path[64], tiny[9];

	(void)state;
	assert_string_equal(json_path(j, path, sizeof(path)), "");
	assert_string_equal(json_path(json_get(j, "process"), path, sizeof(path)), "process");
	assert_string_equal(
		json_path(json_get(json_get(j, "process"), "rlimits")->child->next->next->child,
			  path, sizeof(path)),
		"process.rlimits[2].type");
	assert_string_equal(json_path(json_get(json_get(j, "a.b"), "c\nd")->child->child, path,
				      sizeof(path)),
			    "[\"a.b\"][\"c?d\"][0][0]");
	assert_string_equal(json_path(json_get(j, ""), path, sizeof(path)), "[\"\"]");
	assert_string_equal(json_path(json_get(json_get(j, "process"), "rlimits"), tiny,
				      sizeof(tiny)),
			    "process");
}

static void assert_written(struct json_writer *w, const char *want)
{
	autobuf out;

	buf_init(&out, 4096);
	assert_int_equal(json_writer_end(w, &out), 0);
	assert_string_equal(out.data, want);
}

static void test_writing(void **state)
{
	autojson *w = json_writer_new(false);

	(void)state;
	json_write_object(w);
	json_put_string(w, "s", "a\"\\\n\x01/\xc3\xa9");
	json_put_string(w, "none", NULL);
	json_put_bool(w, "t", true);
	json_put_i64(w, "i", INT64_MIN);
	json_put_u64(w, "u", UINT64_MAX);
	json_write_key(w, "a");
	json_write_array(w);
	json_write_number(w, "1.50e+3", 7);
	json_write_stringn(w, "abc", 2);
	json_write_null(w);
	json_write_object(w);
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
	assert_written(w, "{\"s\":\"a\\\"\\\\\\n\\u0001/\xc3\xa9\",\"none\":null,\"t\":true,"
			  "\"i\":-9223372036854775808,\"u\":18446744073709551615,"
			  "\"a\":[1.50e+3,\"ab\",null,{}]}");
}

static void test_writing_pretty(void **state)
{
	autojson *w = json_writer_new(true);

	(void)state;
	json_write_object(w);
	json_write_key(w, "a");
	json_write_array(w);
	json_write_i64(w, 1);
	json_write_end(w);
	json_write_end(w);
	assert_written(w, "{\n  \"a\": [\n    1\n  ]\n}\n");
}

static void test_writing_tree(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5e3,[],[[true,false]],{\"x\":{\"y\":null}}],"
				   "\"b\":{},\"c\":\"\xe2\x82\xac\"}";
	autojson *w = json_writer_new(false), *part = json_writer_new(false);
	struct json *j = parse(text);

	(void)state;
	json_write_tree(w, j);
	assert_written(w, text);

	json_write_array(part);
	json_write_tree(part, json_get(j, "a")->child->next->next->next);
	json_write_tree(part, json_get(j, "c"));
	json_write_end(part);
	assert_written(part, "[[[true,false]],\"\xe2\x82\xac\"]");
}

static void refused_end(struct json_writer *w)
{
	json_write_object(w);
	json_write_end(w);
	json_write_end(w);
}

static void refused_open(struct json_writer *w)
{
	json_write_object(w);
}

static void refused_empty(struct json_writer *w)
{
	(void)w;
}

static void refused_two(struct json_writer *w)
{
	json_write_null(w);
	json_write_null(w);
}

static void refused_keyless(struct json_writer *w)
{
	json_write_object(w);
	json_write_string(w, "x");
	json_write_end(w);
}

static void refused_valueless(struct json_writer *w)
{
	json_write_object(w);
	json_write_key(w, "x");
	json_write_end(w);
}

static void refused_key_in_array(struct json_writer *w)
{
	json_write_array(w);
	json_write_key(w, "x");
	json_write_end(w);
}

static void refused_utf8(struct json_writer *w)
{
	json_write_string(w, "\xed\xa0\x80");
}

static void refused_number(struct json_writer *w)
{
	json_write_number(w, "01", 2);
}

static void refused_number_tail(struct json_writer *w)
{
	json_write_number(w, "1,2", 3);
}

static void refused_depth(struct json_writer *w)
{
	int i;

	for (i = 0; i < JSON_MAX_DEPTH + 1; i++)
		json_write_array(w);
	for (i = 0; i < JSON_MAX_DEPTH + 1; i++)
		json_write_end(w);
}

static void test_writing_refused(void **state)
{
	static void (*const cases[])(struct json_writer *) = {
		refused_end,   refused_open,      refused_empty,        refused_two,
		refused_utf8,  refused_keyless,   refused_key_in_array, refused_number,
		refused_depth, refused_valueless, refused_number_tail,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		autojson *w = json_writer_new(i % 2);
		autobuf out;

		buf_init(&out, 4096);
		cases[i](w);
		assert_int_equal(json_writer_end(w, &out), -EINVAL);
		assert_int_equal(out.len, 0);
	}
}

static void test_writing_past_ceiling(void **state)
{
	autojson *w = json_writer_new(false);
	autobuf out;

	(void)state;
	buf_init(&out, 4);
	json_write_string(w, "12345");
	assert_int_equal(json_writer_end(w, &out), -EFBIG);
}

int main(void)
{
#define TEST(name, f)                          \
	{                                      \
		name, f, setup, teardown, NULL \
	}
	const struct CMUnitTest tests[] = {
		TEST("a document becomes a tree of its types", test_types),
		TEST("a document may be a single value", test_scalar_documents),
		TEST("the tree does not refer to the text", test_independent_of_text),
		TEST("escapes are decoded", test_escapes),
		TEST("of a repeated key the last one counts", test_repeated_key),
		TEST("nodes know their line", test_lines),
		TEST("syntax errors name line and column", test_syntax_errors),
		TEST("no string holds a NUL", test_nul),
		TEST("what is no UTF-8 is refused", test_bad_utf8),
		TEST("depth is limited exactly", test_depth),
		TEST("five MiB of brackets are refused", test_depth_bomb),
		TEST("a million values are the limit", test_node_bomb),
		TEST("an oversize text is refused before it is read", test_bytes),
		TEST("a full arena is an error at any point", test_arena_full),
		TEST("long strings, escaped and unfinished, find memory", test_long_strings),
		TEST("numbers are integers of their range or refused", test_numbers),
		TEST("a path names where a node stands", test_path),
		TEST("a document is written", test_writing),
		TEST("a document is written for people", test_writing_pretty),
		TEST("a tree is written as it was read", test_writing_tree),
		TEST("a malformed document is never written", test_writing_refused),
		TEST("the reader's ceiling holds for the writer", test_writing_past_ceiling),
	};

	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
