/* SPDX-License-Identifier: Apache-2.0 */
#include "run/signals.h"

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../skip.h"

#define MANY_GROUPS 3000 /* their numbers fill more than a page of /proc/self/status */

/* All 64, those of the C library's own too, in turn: exits with the first that is told wrongly. */
static void try_each(void)
{
	const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} ignore = { .handler = (void *)1 };
	uint64_t before, told;
	int i;

	before = signals_ignored();
	for (i = 1; i <= 64; i++) {
		if (i == SIGKILL || i == SIGSTOP)
			continue;
		if (syscall(SYS_rt_sigaction, i, &ignore, NULL, 8L) < 0)
			_exit(100);
		told = signals_ignored();
		signals_set_default(i);
		if (told != (before | 1ull << (i - 1)) ||
		    signals_ignored() != (before & ~(1ull << (i - 1))))
			_exit(i);
		before &= ~(1ull << (i - 1));
	}
	_exit(before != 0 ? 101 : 0);
}

static int in_child(void (*first)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		first();
		try_each();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void nothing(void)
{
}

static void take_many_groups(void)
{
	static gid_t list[MANY_GROUPS];
	int i;

	for (i = 0; i < MANY_GROUPS; i++)
		list[i] = 1000000 + (gid_t)i;
	if (setgroups(MANY_GROUPS, list) < 0)
		_exit(errno == EPERM ? 103 : 102);
}

static void test_each(void **state)
{
	(void)state;
	assert_int_equal(in_child(nothing), 0);
}

static void test_many_groups(void **state)
{
	int status;

	(void)state;
	status = in_child(take_many_groups);
	if (status == 103)
		SKIP("needs root");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest list[] = {
		{ "each signal that is ignored is told", test_each, NULL, NULL, NULL },
		{ "also where a list of groups stands before them", test_many_groups, NULL,
		  NULL, NULL },
	};

	return cmocka_run_group_tests_name("run/signals", list, NULL, NULL);
}
