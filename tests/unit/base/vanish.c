/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/proc.h"
#include "base/vanish.h"

static char top[64], target[96], other[96];

static int setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/strake-vanish-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(target, sizeof(target), "%s/target", top);
	snprintf(other, sizeof(other), "%s/other", top);
	return mkdir(target, 0700) < 0 || mkdir(other, 0700) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	rmdir(target);
	rmdir(other);
	rmdir(top);
	return 0;
}

static uint64_t soon(uint64_t ms)
{
	return proc_now_ms() + ms;
}

/* A child that removes both, the target last, once the parent sleeps in its wait. */
static pid_t remover(bool target_too)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	while (proc_state(parent) != 'S')
		;
	rmdir(other);
	if (!target_too)
		_exit(0);
	/* Woken for the other one, and asleep again. */
	while (proc_state(parent) != 'S')
		;
	_exit(rmdir(target) < 0);
}

static void reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_what_is_not_there_is_gone(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/nothing", top);
	assert_int_equal(vanish_wait(path, 0), 1);
	snprintf(path, sizeof(path), "%s/nothing/below", top);
	assert_int_equal(vanish_wait(path, 0), 1);
}

static void test_the_end_is_seen_and_not_that_of_another(void **state)
{
	pid_t pid;

	(void)state;
	pid = remover(true);
	assert_int_equal(vanish_wait(target, soon(20000)), 1);
	assert_int_not_equal(access(target, F_OK), 0);
	reap(pid);
}

static void test_what_stays_ends_the_wait_at_the_deadline(void **state)
{
	uint64_t begin = proc_now_ms();
	pid_t pid;

	(void)state;
	pid = remover(false);
	assert_int_equal(vanish_wait(target, begin + 50), 0);
	assert_true(proc_now_ms() >= begin + 50);
	reap(pid);
	assert_int_equal(vanish_wait(target, 0), 0);
}

/* SIGIO ends a program that does not know it. */
static void test_signals_are_as_before(void **state)
{
	sigset_t before, after, pending;
	pid_t pid;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_false(sigismember(&before, SIGIO));
	pid = remover(true);
	assert_int_equal(vanish_wait(target, soon(20000)), 1);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGIO));
	reap(pid);
}

static void test_no_descriptor_stays(void **state)
{
	int before = dup(0), after;

	(void)state;
	close(before);
	assert_int_equal(vanish_wait(target, soon(10)), 0);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void test_a_path_without_a_directory_is_refused(void **state)
{
	char path[] = "vanish-test";

	(void)state;
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(vanish_wait(path, 0), -EINVAL);
	rmdir(path);
	assert_int_equal(chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_not_there_is_gone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_end_is_seen_and_not_that_of_another,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_stays_ends_the_wait_at_the_deadline,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals_are_as_before, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptor_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_path_without_a_directory_is_refused,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
