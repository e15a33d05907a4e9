/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/stamp.h"

static void test_known_dates(void **state)
{
	char s[STAMP_SIZE];

	(void)state;
	assert_string_equal(stamp_format(s, 0, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(stamp_format(s, 951782399, 1), "2000-02-28T23:59:59.000000001Z");
	assert_string_equal(stamp_format(s, 951782400, 0), "2000-02-29T00:00:00.000000000Z");
	assert_string_equal(stamp_format(s, 4107542399, 999999999),
			    "2100-02-28T23:59:59.999999999Z");
	assert_string_equal(stamp_format(s, 4107542400, 0), "2100-03-01T00:00:00.000000000Z");
}

static void test_every_day_agrees_with_gmtime(void **state)
{
	char ours[STAMP_SIZE], theirs[64];
	time_t t;

	(void)state;
	for (t = 43200; t < 8000000000; t += 86400) {
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
		assert_string_equal(stamp_format(ours, t, 0), theirs);
	}
}

static void test_now_is_between_before_and_after(void **state)
{
	char before[STAMP_SIZE], now[STAMP_SIZE], after[STAMP_SIZE];
	struct timespec t;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &t);
	stamp_format(before, t.tv_sec, t.tv_nsec);
	stamp_now(now);
	clock_gettime(CLOCK_REALTIME, &t);
	stamp_format(after, t.tv_sec, t.tv_nsec);
	assert_true(strcmp(before, now) <= 0);
	assert_true(strcmp(now, after) <= 0);
}

static void test_microseconds_are_the_first_six_digits(void **state)
{
	char before[STAMP_SIZE], now[STAMP_SIZE], after[STAMP_SIZE];

	(void)state;
	stamp_now(before);
	stamp_now_micro(now);
	stamp_now(after);
	assert_int_equal(strlen(now), strlen("1970-01-01T00:00:00.000000Z"));
	assert_int_equal(now[26], 'Z');
	assert_true(strncmp(before, now, 26) <= 0);
	assert_true(strncmp(now, after, 26) <= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_dates),
		cmocka_unit_test(test_every_day_agrees_with_gmtime),
		cmocka_unit_test(test_now_is_between_before_and_after),
		cmocka_unit_test(test_microseconds_are_the_first_six_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
