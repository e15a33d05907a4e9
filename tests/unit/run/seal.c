/* SPDX-License-Identifier: Apache-2.0 */
#include "run/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../skip.h"
#include "base/error.h"

/* Each kind of data that has to be the same afterwards. */
static int changed = 1, zero;
static const char *pointer = "a relocated pointer";
static int (*volatile function)(const char *, const char *) = strcmp;

enum outcome {
	FINE,
	NOT_TAKEN_ON,
	DATA_IS_LOST,
	SAME_EXECUTABLE,
	CAN_BE_WRITTEN,
	WRONG_TITLE,
	WRONG_KIND,
	NO_USERNS,
	DIED,
};

static bool exe_can_be_written(void)
{
	int fd = open("/proc/self/exe", O_WRONLY | O_CLOEXEC);

	return fd >= 0 ||
	       (errno != ETXTBSY && errno != EROFS && errno != EPERM && errno != EACCES);
}

static bool exe_is(const struct stat *before)
{
	char name[4096];
	struct stat st;
	ssize_t n = readlink("/proc/self/exe", name, sizeof(name) - 1);

	if (n < 0)
		return true;
	name[n] = '\0';
	return stat(name, &st) == 0 && st.st_dev == before->st_dev &&
	       st.st_ino == before->st_ino;
}

static bool title_is(const char *wanted)
{
	char text[64] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	return n > 0 && strcmp(text, wanted) == 0;
}

static enum outcome take_on(struct seal *s)
{
	struct error e = ERROR_INIT;
	struct stat before;

	if (stat("/proc/self/exe", &before) < 0 || seal_take_on(s, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return NOT_TAKEN_ON;
	}
	if (changed != 7 || zero != 0 || function(pointer, "a relocated pointer") != 0)
		return DATA_IS_LOST;
	changed++, zero++;
	seal_done(s);
	if (changed != 8 || zero != 1 || s->fd >= 0 || s->mount_fd >= 0)
		return DATA_IS_LOST;
	if (exe_is(&before))
		return SAME_EXECUTABLE;
	if (exe_can_be_written())
		return CAN_BE_WRITTEN;
	return title_is("strake init") ? FINE : WRONG_TITLE;
}

static enum outcome take_on_as_root(void)
{
	struct seal s;

	changed = 7;
	if (seal_open(&s, NULL) < 0 || s.mount_fd < 0)
		return WRONG_KIND;
	return take_on(&s);
}

/* As an ordinary user's container does it: he may mount nothing, its process has a user namespace. */
static enum outcome take_on_as_a_user(void)
{
	struct seal s;

	changed = 7;
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return DIED;
	if (seal_open(&s, NULL) < 0 || s.mount_fd >= 0)
		return WRONG_KIND;
	if (unshare(CLONE_NEWUSER) < 0)
		return NO_USERNS;
	return take_on(&s);
}

static enum outcome in_a_child(enum outcome (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit((int)what());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return DIED;
	return (enum outcome)WEXITSTATUS(status);
}

static void a_child_takes_it_on_and_goes_on_as_before(void **state)
{
	(void)state;
	if (geteuid() != 0)
		SKIP("needs root");
	assert_int_equal(in_a_child(take_on_as_root), FINE);
	assert_int_equal(changed, 1);
}

static void who_may_not_mount_takes_on_a_memfd(void **state)
{
	enum outcome outcome = in_a_child(take_on_as_a_user);

	(void)state;
	if (outcome == NO_USERNS)
		SKIP("no user namespaces for ordinary users");
	assert_int_equal(outcome, FINE);
}

static void no_descriptor_stays_open(void **state)
{
	struct seal s;
	int before = dup(0), after;

	(void)state;
	close(before);
	assert_int_equal(seal_open(&s, NULL), 0);
	seal_done(&s);
	seal_done(&s);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_takes_it_on_and_goes_on_as_before),
		cmocka_unit_test(who_may_not_mount_takes_on_a_memfd),
		cmocka_unit_test(no_descriptor_stays_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
