/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "unit/skip.h"

/* A folder of ours with one file, "kept". */
struct fixture {
	char path[64];
	int fd;
};

static void make(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "words", 5), 5);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->path, "/tmp/strake-store-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make(f->fd, "kept");
	*state = f;
	return 0;
}

static DIR *folder(const struct fixture *f)
{
	DIR *dir = fdopendir(openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	assert_non_null(dir);
	return dir;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *dir = folder(f);
	struct dirent *d;

	while ((d = readdir(dir)))
		(void)unlinkat(f->fd, d->d_name, 0);
	closedir(dir);
	rmdir(f->path);
	close(f->fd);
	free(f);
	return 0;
}

static size_t count(const struct fixture *f)
{
	DIR *dir = folder(f);
	struct dirent *d;
	size_t n = 0;

	while ((d = readdir(dir)))
		n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void check_refused(const struct fixture *f)
{
	struct error e = ERROR_INIT;
	struct stat st;

	assert_int_equal(seccomp_store_open(f->fd, "kept", &st, &e), -EPERM);
	assert_non_null(strstr(e.text, "kept"));
}

static void a_file_of_ours_alone_is_opened(void **state)
{
	const struct fixture *f = *state;
	struct error e = ERROR_INIT;
	struct stat st;
	autoclose int fd = seccomp_store_open(f->fd, "kept", &st, &e);

	assert_true(fd >= 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(seccomp_store_open(f->fd, "absent", &st, &e), -ENOENT);
}

static void a_file_of_another_owner_is_refused(void **state)
{
	const struct fixture *f = *state;

	if (geteuid() != 0) {
		SKIP("needs root");
	}
	assert_int_equal(fchownat(f->fd, "kept", 1000, 1000, 0), 0);
	check_refused(f);
}

static void a_file_that_others_may_read_or_write_is_refused(void **state)
{
	static const mode_t modes[] = { 0644, 0660, 0602, 0700, 04600 };
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(fchmodat(f->fd, "kept", modes[i], 0), 0);
		check_refused(f);
	}
}

static void what_is_no_file_of_one_name_is_refused(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(linkat(f->fd, "kept", f->fd, "second", 0), 0);
	check_refused(f);
	assert_int_equal(unlinkat(f->fd, "second", 0), 0);
	assert_int_equal(renameat(f->fd, "kept", f->fd, "moved"), 0);
	assert_int_equal(symlinkat("moved", f->fd, "kept"), 0);
	check_refused(f);
	assert_int_equal(unlinkat(f->fd, "kept", 0), 0);
	/* It would never be opened for reading alone. */
	assert_int_equal(mkfifoat(f->fd, "kept", 0600), 0);
	check_refused(f);
}

static void a_folder_is_ours_where_nobody_else_may_write(void **state)
{
	const struct fixture *f = *state;

	assert_true(seccomp_store_is_ours(f->fd));
	assert_false(seccomp_store_is_ours(-1));
	assert_int_equal(fchmod(f->fd, 0720), 0);
	assert_false(seccomp_store_is_ours(f->fd));
	assert_int_equal(fchmod(f->fd, 0702), 0);
	assert_false(seccomp_store_is_ours(f->fd));
	assert_int_equal(fchmod(f->fd, 0755), 0);
	assert_true(seccomp_store_is_ours(f->fd));
	if (geteuid() == 0) {
		assert_int_equal(fchown(f->fd, 1000, 1000), 0);
		assert_false(seccomp_store_is_ours(f->fd));
	}
}

static void the_oldest_go_and_what_killed_processes_left(void **state)
{
	const struct fixture *f = *state;
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	char name[64];

	assert_int_equal(utimensat(f->fd, "kept", old, 0), 0);
	for (int i = 1; i < SECCOMP_STORE_MAX; i++) {
		snprintf(name, sizeof(name), ".%s.%d.tmp", "left", i);
		make(f->fd, name);
	}
	seccomp_store_evict(f->fd);
	assert_int_equal(count(f), SECCOMP_STORE_MAX);
	make(f->fd, "one more");
	seccomp_store_evict(f->fd);
	assert_true(count(f) < SECCOMP_STORE_MAX);
	assert_int_equal(faccessat(f->fd, "kept", F_OK, 0), -1);
	assert_int_equal(faccessat(f->fd, "one more", F_OK, 0), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_of_ours_alone_is_opened),
		T(a_file_of_another_owner_is_refused),
		T(a_file_that_others_may_read_or_write_is_refused),
		T(what_is_no_file_of_one_name_is_refused),
		T(a_folder_is_ours_where_nobody_else_may_write),
		T(the_oldest_go_and_what_killed_processes_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
