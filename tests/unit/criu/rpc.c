/* SPDX-License-Identifier: Apache-2.0 */

/* CRIU's side of the socket is played here, in bytes as the protobuf encoding has them. */
#include "criu/rpc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/fd.h"
#include "criu/request.h"

static int ours, theirs;

static int make_pair(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	return 0;
}

static int close_pair(void **state)
{
	(void)state;
	close(ours);
	close(theirs);
	return 0;
}

static bool has(const char *data, size_t len, const char *part, size_t part_len)
{
	return memmem(data, len, part, part_len) != NULL;
}
#define HAS(part) has(data, (size_t)n, part, sizeof(part) - 1)

static void a_request_says_what_is_wanted_and_nothing_of_what_is_not_given(void **state)
{
	struct criu_pair mounts[] = { { "/data", "/data" } };
	const struct criu_request rq = {
		.kind = CRIU_DUMP,
		.images_fd = 5,
		.work_fd = 6,
		.status_fd = -1,
		.log_file = "dump.log",
		.pid = 77,
		.mounts = { 1, mounts },
	};
	struct error e = ERROR_INIT;
	char data[4096];
	ssize_t n;

	(void)state;
	assert_int_equal(rpc_ask(ours, &rq, &e), 0);
	n = read(theirs, data, sizeof(data));
	assert_true(n > 0);
	/* type: DUMP; images_dir_fd: 5; pid: 77 */
	assert_true(HAS("\x08\x01"));
	assert_true(HAS("\x08\x05\x10\x4d"));
	assert_true(HAS("dump.log"));
	/* ext_mnt: its number is 23 */
	assert_true(HAS("\xba\x01\x0e\x0a\x05/data\x12\x05/data"));
	/* manage_cgroups_mode: IGNORE is said, although it is 0 */
	assert_true(HAS("\x90\x02\x00"));
	/* no status_fd, no network_lock */
	assert_false(HAS("\x88\x03\xff"));
	assert_false(HAS("\x80\x04"));
}

static void a_restore_inherits_files_and_descriptor_0_is_one(void **state)
{
	struct criu_fd fds[] = { { "pipe:[1]", 0 } };
	const struct criu_request rq = {
		.kind = CRIU_RESTORE,
		.images_fd = 5,
		.work_fd = 6,
		.status_fd = -1,
		.log_file = "restore.log",
		.n_inherited = 1,
		.inherited = fds,
	};
	struct error e = ERROR_INIT;
	char data[4096];
	ssize_t n;

	(void)state;
	assert_int_equal(rpc_ask(ours, &rq, &e), 0);
	n = read(theirs, data, sizeof(data));
	assert_true(n > 0);
	assert_true(HAS("\xda\x01\x0c\x0a\x08pipe:[1]\x10\x00"));
	/* rst_sibling */
	assert_true(HAS("\xd0\x01\x01"));
}

static void answers_are_understood(void **state)
{
	/* NOTIFY, success, notify { script "setup-namespaces", pid 42 } */
	static const char notice[] = "\x08\x06\x10\x01\x2a\x14\x0a\x10setup-namespaces\x10\x2a";
	static const char failure[] = "\x08\x01\x10\x00\x38\x03\x4a\x0b"
				      "Error: no\n";
	static const char restored[] = "\x08\x02\x10\x01\x22\x02\x08\x63";
	struct criu_answer a;
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(fd_send(theirs, notice, sizeof(notice) - 1, &pair[0], 1), 0);
	assert_int_equal(rpc_hear(ours, &a, NULL), 0);
	assert_true(a.notify);
	assert_string_equal(a.text, "setup-namespaces");
	assert_int_equal(a.pid, 42);
	assert_true(a.fd >= 0);
	close(a.fd);
	close(pair[0]);
	close(pair[1]);

	assert_true(write(theirs, failure, sizeof(failure) - 2) > 0);
	assert_int_equal(rpc_hear(ours, &a, NULL), -EPROTO);
	assert_true(write(theirs, restored, sizeof(restored) - 1) > 0);
	assert_int_equal(rpc_hear(ours, &a, NULL), 0);
	assert_true(!a.notify && a.success);
	assert_int_equal(a.pid, 99);
	assert_int_equal(a.fd, -1);
}

static void a_failure_comes_with_its_number_and_first_line(void **state)
{
	static const char failure[] = "\x08\x01\x10\x00\x38\x03\x4a\x0a"
				      "Error: no\n";
	struct criu_answer a;

	(void)state;
	assert_true(write(theirs, failure, sizeof(failure) - 1) > 0);
	assert_int_equal(rpc_hear(ours, &a, NULL), 0);
	assert_true(!a.notify && !a.success);
	assert_int_equal(a.errnum, 3);
	assert_string_equal(a.text, "Error: no");
}

static void an_end_without_a_word_is_an_error(void **state)
{
	struct error e = ERROR_INIT;
	struct criu_answer a;

	(void)state;
	shutdown(theirs, SHUT_WR);
	assert_int_equal(rpc_hear(ours, &a, &e), -EPIPE);
	assert_non_null(strstr(e.text, "without a word"));
	shutdown(theirs, SHUT_RD);
	assert_int_equal(rpc_go_on(ours, true, &e), -EPIPE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_pair, close_pair)
	const struct CMUnitTest tests[] = {
		TEST(a_request_says_what_is_wanted_and_nothing_of_what_is_not_given),
		TEST(a_restore_inherits_files_and_descriptor_0_is_one),
		TEST(answers_are_understood),
		TEST(a_failure_comes_with_its_number_and_first_line),
		TEST(an_end_without_a_word_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
