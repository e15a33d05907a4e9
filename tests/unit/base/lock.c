/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define LONG_MS 60000

static char dir[] = "/tmp/lockXXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int open_dir(void)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void one_opening_has_it(void **state)
{
	autoclose int fd = open_dir(), other = open_dir();

	(void)state;
	assert_int_equal(lock_take(fd, 0), 1);
	assert_int_equal(lock_take(other, 0), 0);
	assert_int_equal(lock_take(other, 1), 0);
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(lock_take(other, 0), 1);
}

static void who_waits_has_it_after_the_other(void **state)
{
	autoclose int fd = open_dir();
	pid_t pid;
	int has[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(has), 0);
	pid = fork();
	if (pid == 0) {
		if (lock_take(open(dir, O_RDONLY | O_DIRECTORY), 0) == 1)
			(void)!write(has[1], "x", 1);
		/* Ends, and its lock with it, when it is killed. */
		for (;;)
			pause();
	}
	assert_int_equal(read(has[0], &byte, 1), 1);
	assert_int_equal(lock_take(fd, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(lock_take(fd, LONG_MS), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* It is the opening's, not the child's that waited. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(has[0]);
	close(has[1]);
}

static void what_cannot_be_locked_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(lock_take(-1, LONG_MS), -9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_opening_has_it),
		cmocka_unit_test(who_waits_has_it_after_the_other),
		cmocka_unit_test(what_cannot_be_locked_is_an_error),
	};

	return cmocka_run_group_tests_name("lock", tests, setup, teardown);
}
