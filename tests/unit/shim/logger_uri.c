/* SPDX-License-Identifier: Apache-2.0 */
#include "logger_uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void the_words_are_the_program_and_what_follows_the_question_mark(void **state)
{
	static const char *const want[] = { "/bin/log to", "a", "1 2", "b", "", "c=", "d&e" };
	struct logger_uri u;
	size_t i;

	(void)state;
	assert_int_equal(logger_uri_read("binary:///bin/log%20to?a=1+2&b&c%3D=d%26e", &u, NULL),
			 0);
	assert_int_equal(u.n, sizeof(want) / sizeof(*want));
	for (i = 0; i < u.n; i++)
		assert_string_equal(u.v[i], want[i]);
	assert_null(u.v[u.n]);
	assert_false(u.says_ready);
	logger_uri_done(&u);
	assert_int_equal(logger_uri_read("binary-v2:///log", &u, NULL), 0);
	assert_int_equal(u.n, 1);
	assert_true(u.says_ready);
	logger_uri_done(&u);
}

static void other_schemes_are_none(void **state)
{
	(void)state;
	assert_true(logger_is_uri("binary:///log"));
	assert_true(logger_is_uri("binary-v2:///log"));
	assert_false(logger_is_uri("file:///log"));
	assert_false(logger_is_uri("/binary://"));
}

static void what_is_wrong_is_refused_with_the_uri(void **state)
{
	static const char *const wrong[] = { "binary://",        "binary://log",
					     "binary:///log%",   "binary:///log%4",
					     "binary:///log%zz", "binary:///log?a=%00",
					     "binary:///%00log", "binary://?a=/bin/x" };
	struct logger_uri u;
	struct error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		e = ERROR_INIT;
		assert_int_equal(logger_uri_read(wrong[i], &u, &e), -EINVAL);
		assert_non_null(strstr(e.text, wrong[i]));
		logger_uri_done(&u);
	}
}

static void words_without_end_are_refused(void **state)
{
	char uri[1024] = "binary:///log?";
	struct logger_uri u;
	size_t i;

	(void)state;
	for (i = 0; i <= LOGGER_MAX_WORDS / 2; i++)
		strcat(uri, "a=b&");
	assert_int_equal(logger_uri_read(uri, &u, NULL), -E2BIG);
	logger_uri_done(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_are_the_program_and_what_follows_the_question_mark),
		cmocka_unit_test(other_schemes_are_none),
		cmocka_unit_test(what_is_wrong_is_refused_with_the_uri),
		cmocka_unit_test(words_without_end_are_refused),
	};

	return cmocka_run_group_tests_name("logger_uri", tests, NULL, NULL);
}
