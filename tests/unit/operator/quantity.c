// SPDX-License-Identifier: Apache-2.0
#include "api/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "base/mem.h"

static void a_quantity_is_written_as_the_API_server_writes_it(void **state)
{
	static const char *const pairs[][2] = {
		{ "1", "1" },
		{ "1000m", "1" },
		{ "0.5", "500m" },
		{ "1.5Gi", "1536Mi" },
		{ "1024Mi", "1Gi" },
		{ "1000", "1k" },
		{ "1000Mi", "1000Mi" },
		{ "100e3", "100e3" },
		{ "1e3", "1e3" },
		{ "0", "0" },
		{ "1Ki", "1Ki" },
		{ "512Ki", "512Ki" },
		{ "8E", "8E" },
		{ "0.000000001", "1n" },
		{ ".5", "500m" },
		{ "5.", "5" },
		{ "-1", "-1" },
		{ "1023", "1023" },
		{ "2000000u", "2" },
		{ "1E", "1E" },
		{ "1Ei", "1Ei" },
		{ "1024Pi", "1Ei" },
		{ "7.5Ei", "7680Pi" },
		{ "1E3", "1e3" },
		{ "+3k", "3k" },
		{ "0.5Ki", "512" },
		{ "99999.89918888999998889998998Ki", "102399897" },
		{ "99998991889999.8899", "99998991889999889900u" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char text[QUANTITY_TEXT_MAX];
		struct quantity q;

		assert_int_equal(quantity_parse(pairs[i][0], &q), 0);
		assert_string_equal(quantity_text(&q, text), pairs[i][1]);
	}
}

static void what_is_no_quantity_is_refused(void **state)
{
	static const char *const bad[] = { "",     "Gi",  "1 Gi", "1GiB", "1..2", "--1", "1e",
					   "0x10", "1Zi", "a",    "1e99", "1,5",  " 1" };
	struct quantity q = { .nano = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(quantity_parse(bad[i], &q) < 0);
	}
	assert_int_equal(quantity_parse("99999999999999999999Gi", &q), -ERANGE);
	assert_true(q.nano == 7);
}

static void sizes_compare_across_formats(void **state)
{
	struct quantity a, b;

	(void)state;
	assert_int_equal(quantity_parse("1Gi", &a), 0);
	assert_int_equal(quantity_parse("1073741824", &b), 0);
	assert_int_equal(quantity_compare(&a, &b), 0);
	assert_int_equal(quantity_parse("1G", &b), 0);
	assert_int_equal(quantity_compare(&a, &b), 1);
	assert_int_equal(quantity_units(&a), 1073741824);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantity_is_written_as_the_API_server_writes_it),
		cmocka_unit_test(what_is_no_quantity_is_refused),
		cmocka_unit_test(sizes_compare_across_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
