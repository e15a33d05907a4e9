/* SPDX-License-Identifier: Apache-2.0 */
#include "criu/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"

/* What the error says after a log of this text was looked at. */
static struct error told(const char *text, const char *said)
{
	char path[] = "/tmp/strake-log-XXXXXX";
	struct error e = ERROR_INIT;
	autoclose int dir_fd = -1, fd = -1;

	assert_non_null(mkdtemp(path));
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	if (text) {
		fd = openat(dir_fd, "dump.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	}
	error_say(&e, EIO, "%s", said);
	criu_log_tell(dir_fd, "/images", "dump.log", &e);
	unlinkat(dir_fd, "dump.log", 0);
	rmdir(path);
	return e;
}

static void the_last_three_errors_are_told_oldest_first(void **state)
{
	struct error e = told("(00.1) Error (a.c:1): one\n"
			      "(00.2) Warn  (b.c:2): no Error of ours\n"
			      "(00.3) Error (c.c:3): two\n"
			      "(00.4) Error (d.c:4): three\n"
			      "(00.5) done\n"
			      "Error (e.c:5): four",
			      "criu has failed");

	(void)state;
	assert_string_equal(e.text,
			    "criu has failed; Error (c.c:3): two; Error (d.c:4): three; "
			    "Error (e.c:5): four");
	assert_string_equal(e.hint, "the whole log is /images/dump.log");
}

static void what_was_said_over_the_socket_is_not_told_twice(void **state)
{
	struct error e =
		told("(00.1) Error (a.c:1): one\n", "criu has failed: Error (a.c:1): o");

	(void)state;
	assert_string_equal(e.text, "criu has failed; Error (a.c:1): one");
}

static void without_a_log_or_an_error_in_it_the_text_stays(void **state)
{
	struct error none = told(NULL, "criu has failed: for a reason");
	struct error calm = told("all is well\n", "criu has failed: for a reason");

	(void)state;
	assert_string_equal(none.text, "criu has failed: for a reason");
	assert_string_equal(none.hint, "");
	assert_string_equal(calm.text, "criu has failed: for a reason");
	assert_string_equal(calm.hint, "the whole log is /images/dump.log");
}

static void of_a_long_log_the_end_is_looked_at_and_long_lines_are_cut(void **state)
{
	static char text[200000];
	struct error e;
	size_t at;

	(void)state;
	strcpy(text, "Error (early.c:1): long ago\n");
	for (at = strlen(text); at < 150000; at += 10)
		memcpy(text + at, "nothing..\n", 10);
	strcpy(text + at, "Error (late.c:2): ");
	at += strlen(text + at);
	memset(text + at, 'x', 2000);
	e = told(text, "criu has failed");
	assert_null(strstr(e.text, "early"));
	assert_non_null(strstr(e.text, "late.c:2"));
	assert_true(strlen(e.text) < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_three_errors_are_told_oldest_first),
		cmocka_unit_test(what_was_said_over_the_socket_is_not_told_twice),
		cmocka_unit_test(without_a_log_or_an_error_in_it_the_text_stays),
		cmocka_unit_test(of_a_long_log_the_end_is_looked_at_and_long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
