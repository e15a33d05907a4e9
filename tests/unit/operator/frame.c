// SPDX-License-Identifier: Apache-2.0
#include "kube/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char stream[] =
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n"
	"\n"
	"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"b\\n\"}}}\r\n"
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}\n"
	"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"c\"}}}\n";

struct seen {
	char text[64];
	int stop_at, n;
};

static int note(void *arg, const struct frame *f)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%d", f->type);
	return ++s->n == s->stop_at ? -ECANCELED : 0;
}

static void a_stream_reads_the_same_wherever_it_is_split(void **state)
{
	size_t len = strlen(stream);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		for (size_t second = cut; second <= len; second += 7) {
			struct seen s = { 0 };
			struct frames f;

			frames_init(&f);
			assert_int_equal(frames_add(&f, stream, cut, note, &s), 0);
			assert_int_equal(frames_add(&f, stream + cut, second - cut, note, &s),
					 0);
			assert_int_equal(
				frames_add(&f, stream + second, len - second, note, &s), 0);
			assert_string_equal(s.text, "0132");
			frames_done(&f);
		}
	}
}

static void a_stream_that_breaks_off_at_any_byte_tells_whole_lines_only(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= strlen(stream); cut++) {
		struct seen s = { 0 };
		struct frames f;
		int lines = 0;

		for (size_t i = 0; i < cut; i++)
			lines += stream[i] == '\n' && i > 0 && stream[i - 1] != '\n';
		frames_init(&f);
		assert_int_equal(frames_add(&f, stream, cut, note, &s), 0);
		assert_int_equal(s.n, lines);
		frames_done(&f);
	}
}

static void a_line_that_is_no_frame_is_an_error(void **state)
{
	static const char *const bad[] = { "{}\n",
					   "null\n",
					   "[]\n",
					   "{\"type\":\"ADDED\"}\n",
					   "{\"type\":\"NEW\",\"object\":{}}\n",
					   "{\n",
					   "\"x\"\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct seen s = { 0 };
		struct frames f;

		frames_init(&f);
		assert_int_equal(frames_add(&f, bad[i], strlen(bad[i]), note, &s), -EBADMSG);
		assert_int_equal(s.n, 0);
		frames_done(&f);
	}
}

static int look(void *arg, const struct frame *f)
{
	const json_t *spec = tree_get(f->object, "spec");

	assert_non_null(json_object_get(spec, "a\xef\xbf\xbd"));
	assert_string_equal(tree_string(spec, "b"), "\\u0000");
	(*(int *)arg)++;
	return 0;
}

static void a_NUL_in_one_object_does_not_end_the_stream(void **state)
{
	static const char line[] =
		"{\"type\":\"ADDED\",\"object\":{\"spec\":{\"a\\u0000\":\"x\\u0000y\","
		"\"b\":\"\\\\u0000\"}}}\n";
	struct frames f;
	int n = 0;

	(void)state;
	frames_init(&f);
	assert_int_equal(frames_add(&f, line, strlen(line), look, &n), 0);
	assert_int_equal(n, 1);
	frames_done(&f);
}

static void who_has_had_enough_ends_the_stream(void **state)
{
	struct seen s = { .stop_at = 2 };
	struct frames f;

	(void)state;
	frames_init(&f);
	assert_int_equal(frames_add(&f, stream, strlen(stream), note, &s), -ECANCELED);
	assert_int_equal(s.n, 2);
	frames_done(&f);
}

static void a_line_without_end_is_not_kept_for_ever(void **state)
{
	static char block[1 << 16];
	struct seen s = { 0 };
	struct frames f;
	int r = 0;

	(void)state;
	memset(block, 'x', sizeof(block));
	frames_init(&f);
	for (size_t sent = 0; !r && sent <= FRAME_MAX + sizeof(block); sent += sizeof(block))
		r = frames_add(&f, block, sizeof(block), note, &s);
	assert_int_equal(r, -EFBIG);
	frames_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_reads_the_same_wherever_it_is_split),
		cmocka_unit_test(a_stream_that_breaks_off_at_any_byte_tells_whole_lines_only),
		cmocka_unit_test(a_line_that_is_no_frame_is_an_error),
		cmocka_unit_test(a_NUL_in_one_object_does_not_end_the_stream),
		cmocka_unit_test(who_has_had_enough_ends_the_stream),
		cmocka_unit_test(a_line_without_end_is_not_kept_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
