/* SPDX-License-Identifier: Apache-2.0 */
/* The names of an overlay's layers. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "overlay.h"

static void expect(const char *options, const char *folder, const char *shorter)
{
	autobuf data = { .max = 65536 };
	char ret[PATH_MAX];
	struct error e = ERROR_INIT;

	assert_int_equal(buf_adds(&data, options), 0);
	assert_int_equal(overlay_take_folder(&data, ret, sizeof(ret), &e), 0);
	assert_string_equal(ret, folder);
	assert_string_equal(data.data, shorter);
}

static void expect_none(const char *options)
{
	autobuf data = { .max = 65536 };
	char ret[PATH_MAX];
	struct error e = ERROR_INIT;

	if (*options)
		assert_int_equal(buf_adds(&data, options), 0);
	assert_int_equal(overlay_take_folder(&data, ret, sizeof(ret), &e), -E2BIG);
	assert_string_equal(data.data ? data.data : "", options);
}

static void layers_are_named_from_the_folder_they_have_in_common(void **state)
{
	(void)state;
	expect("lowerdir=/s/12/fs:/s/1/fs:/s/120/fs", "/s/", "lowerdir=12/fs:1/fs:120/fs");
	expect("lowerdir=/s/1/fs:/s/1/fs2", "/s/1/", "lowerdir=fs:fs2");
	expect("lowerdir=/s/1:/s/1/fs", "/s/", "lowerdir=1:1/fs");
}

static void one_layer_is_named_from_the_folder_it_is_in(void **state)
{
	(void)state;
	expect("lowerdir=/s/1/fs", "/s/1/", "lowerdir=fs");
}

static void other_options_keep_whole_names(void **state)
{
	(void)state;
	expect("workdir=/s/3/work,lowerdir=/s/2/fs:/s/1/fs,upperdir=/s/3/fs,index=off", "/s/",
	       "workdir=/s/3/work,lowerdir=2/fs:1/fs,upperdir=/s/3/fs,index=off");
}

static void layers_with_nothing_in_common_are_refused_and_stay_what_they_are(void **state)
{
	(void)state;
	expect_none("lowerdir=/a/fs:/b/fs");
	expect_none("lowerdir=/fs");
	expect_none("lowerdir=a/fs:a/fs2");
	expect_none("upperdir=/s/3/fs");
	expect_none("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_named_from_the_folder_they_have_in_common),
		cmocka_unit_test(one_layer_is_named_from_the_folder_it_is_in),
		cmocka_unit_test(other_options_keep_whole_names),
		cmocka_unit_test(
			layers_with_nothing_in_common_are_refused_and_stay_what_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
