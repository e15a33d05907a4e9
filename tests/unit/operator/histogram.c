// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "histogram.h"

static void every_bucket_counts_what_is_below_its_limit(void **state)
{
	struct histogram h = { 0 };
	autobuf b;

	(void)state;
	buf_init(&b, 1 << 16);
	histogram_add(&h, 0);
	histogram_add(&h, 5);
	histogram_add(&h, 6);
	histogram_add(&h, 3600000);
	histogram_write(&h, "x_seconds", "name=\"a\"", &b);
	assert_non_null(strstr(b.data, "x_seconds_bucket{name=\"a\",le=\"0.001\"} 1\n"));
	assert_non_null(strstr(b.data, "x_seconds_bucket{name=\"a\",le=\"0.005\"} 2\n"));
	assert_non_null(strstr(b.data, "x_seconds_bucket{name=\"a\",le=\"0.01\"} 3\n"));
	assert_non_null(strstr(b.data, "x_seconds_bucket{name=\"a\",le=\"60\"} 3\n"));
	assert_non_null(strstr(b.data, "x_seconds_bucket{name=\"a\",le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(b.data, "x_seconds_sum{name=\"a\"} 3600.011\n"));
	assert_non_null(strstr(b.data, "x_seconds_count{name=\"a\"} 4\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bucket_counts_what_is_below_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
