/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "profile_build.h"
#include "seccomp/abi.h"
#include "seccomp/store.h"

/* A folder of our own, and the profile whose filter goes there. */
struct fixture {
	char path[64];
	int fd;
	struct p p;
	char name[NAME_MAX + 1]; /* of the file that holds its filter */
	struct seccomp_program program;
};

static void folder_empty(int dir_fd)
{
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *d;

	assert_non_null(dir);
	while ((d = readdir(dir))) {
		if (unlinkat(dir_fd, d->d_name, 0) < 0)
			unlinkat(dir_fd, d->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

/* How many files there are; the last one's name. */
static size_t folder_count(int dir_fd, char name[NAME_MAX + 1])
{
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *d;
	size_t n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (name)
			strcpy(name, d->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

static bool program_same(const struct seccomp_program *x, const struct seccomp_program *y)
{
	return x->n == y->n && x->flags == y->flags && x->has_notify == y->has_notify &&
	       !memcmp(x->words, y->words, sizeof(x->words)) &&
	       !memcmp(x->insns, y->insns, x->n * sizeof(*x->insns));
}

static void obtain(struct fixture *f, struct seccomp_program *ret)
{
	struct error e = ERROR_INIT;

	if (seccomp_obtain(f->fd, &f->p.spec, ret, &e) < 0)
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->path, "/tmp/strake-cache-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p_init(&f->p, SECCOMP_RET_ERRNO);
	p_rule(&f->p, SECCOMP_RET_ALLOW, "read write execve");
	p_when(&f->p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LT, 38, 0);
	obtain(f, &f->program);
	assert_int_equal(folder_count(f->fd, f->name), 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fchmod(f->fd, 0700);
	folder_empty(f->fd);
	rmdir(f->path);
	close(f->fd);
	seccomp_program_done(&f->program);
	p_done(&f->p);
	free(f);
	return 0;
}

/* The filter is the right one, and what is stored now is too. */
static void check_made_again(struct fixture *f)
{
	autoprogram again = { 0 }, stored = { 0 };

	obtain(f, &again);
	assert_true(program_same(&again, &f->program));
	assert_int_equal(seccomp_program_read(f->fd, f->name, &stored, NULL), 0);
	assert_true(program_same(&stored, &f->program));
}

static void a_filter_is_stored_for_root_only_and_found_again(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;

	assert_int_equal(fstatat(f->fd, f->name, &before, 0), 0);
	assert_int_equal(before.st_mode & 07777, 0600);
	check_made_again(f);
	/* The same file: it was read, not made again. */
	assert_int_equal(fstatat(f->fd, f->name, &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(folder_count(f->fd, NULL), 1);
}

static void a_file_altered_in_any_byte_is_refused_and_made_again(void **state)
{
	struct fixture *f = *state;
	char data[1 << 16];
	int fd = openat(f->fd, f->name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, data, sizeof(data));

	assert_true(n > 100);
	close(fd);
	for (ssize_t i = 0; i < n; i += i < 100 ? 1 : 13) {
		autoprogram read_back = { 0 };
		struct error e = ERROR_INIT;

		data[i] ^= 0x10;
		fd = openat(f->fd, f->name, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_int_equal(write(fd, data, (size_t)n), n);
		close(fd);
		data[i] ^= 0x10;
		assert_int_equal(seccomp_program_read(f->fd, f->name, &read_back, &e),
				 -EBADMSG);
		assert_null(read_back.insns);
		assert_true(*e.text);
		check_made_again(f);
	}
}

static void a_file_of_another_length_is_refused_and_made_again(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(fstatat(f->fd, f->name, &st, 0), 0);
	for (off_t size = 0; size < st.st_size + 20; size += 7) {
		autoprogram read_back = { 0 };
		int fd = openat(f->fd, f->name, O_WRONLY | O_CLOEXEC);

		if (size == st.st_size)
			size++;
		assert_int_equal(ftruncate(fd, size), 0);
		close(fd);
		assert_int_equal(seccomp_program_read(f->fd, f->name, &read_back, NULL),
				 -EBADMSG);
		check_made_again(f);
	}
}

static void a_file_that_is_not_ours_alone_is_refused_and_made_again(void **state)
{
	struct fixture *f = *state;
	autoprogram read_back = { 0 };
	struct error e = ERROR_INIT;

	assert_int_equal(fchmodat(f->fd, f->name, 0644, 0), 0);
	assert_int_equal(seccomp_program_read(f->fd, f->name, &read_back, &e), -EPERM);
	assert_non_null(strstr(e.text, f->name));
	check_made_again(f);
}

static void a_filter_under_the_name_of_another_is_not_used(void **state)
{
	struct fixture *f = *state;
	autoprogram other = { 0 };
	struct p q;

	p_init(&q, SECCOMP_RET_ALLOW);
	assert_int_equal(seccomp_obtain(-1, &q.spec, &other, NULL), 0);
	assert_int_equal(seccomp_program_save(&other, f->fd, f->name, NULL), 0);
	check_made_again(f);
	p_done(&q);
}

static void a_cache_that_cannot_be_used_fails_nobody(void **state)
{
	struct fixture *f = *state;
	autoprogram none = { 0 }, open_to_all = { 0 }, blocked = { 0 };

	assert_int_equal(seccomp_obtain(-1, &f->p.spec, &none, NULL), 0);
	assert_true(program_same(&none, &f->program));

	/* Whoever may write there could put a filter of his own in: not read, not written. */
	assert_int_equal(unlinkat(f->fd, f->name, 0), 0);
	assert_int_equal(fchmod(f->fd, 0770), 0);
	obtain(f, &open_to_all);
	assert_true(program_same(&open_to_all, &f->program));
	assert_int_equal(folder_count(f->fd, NULL), 0);

	/* A folder stands where the file should be: nothing can be stored. */
	assert_int_equal(fchmod(f->fd, 0700), 0);
	assert_int_equal(mkdirat(f->fd, f->name, 0700), 0);
	obtain(f, &blocked);
	assert_true(program_same(&blocked, &f->program));
	assert_int_equal(folder_count(f->fd, NULL), 1);
}

static void the_number_of_files_is_bounded(void **state)
{
	struct fixture *f = *state;
	size_t most = 0;

	for (uint32_t i = 0; i < SECCOMP_STORE_MAX + 40; i++) {
		autoprogram program = { 0 };
		struct p q;
		size_t n;

		p_init(&q, SECCOMP_RET_ERRNO);
		p_default_errno(&q, i + 1);
		assert_int_equal(seccomp_obtain(f->fd, &q.spec, &program, NULL), 0);
		p_done(&q);
		n = folder_count(f->fd, NULL);
		most = n > most ? n : most;
	}
	assert_int_equal(most, SECCOMP_STORE_MAX);
	check_made_again(f); /* it was the oldest, and is gone */
}

static void no_profile_touches_no_cache(void **state)
{
	struct fixture *f = *state;
	struct spec_seccomp spec = { 0 };
	autoprogram program = { 0 };

	assert_int_equal(seccomp_obtain(f->fd, &spec, &program, NULL), 0);
	assert_int_equal(program.n, 0);
	assert_int_equal(folder_count(f->fd, NULL), 1);
}

static void a_program_of_the_state_folder_comes_back_whole(void **state)
{
	struct fixture *f = *state;
	autoprogram read_back = { 0 }, absent = { 0 }, empty = { 0 };
	struct error e = ERROR_INIT;

	f->program.flags |= SECCOMP_FILTER_FLAG_LOG;
	f->program.has_notify = true;
	assert_int_equal(seccomp_program_save(&f->program, f->fd, "seccomp.bpf", &e), 0);
	assert_int_equal(seccomp_program_read(f->fd, "seccomp.bpf", &read_back, &e), 0);
	assert_true(program_same(&read_back, &f->program));
	assert_int_equal(seccomp_program_read(f->fd, "absent", &absent, &e), -ENOENT);

	assert_int_equal(seccomp_program_save(&absent, f->fd, "none", &e), 0);
	assert_int_equal(seccomp_program_read(f->fd, "none", &empty, &e), 0);
	assert_null(empty.insns);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_filter_is_stored_for_root_only_and_found_again),
		T(a_file_altered_in_any_byte_is_refused_and_made_again),
		T(a_file_of_another_length_is_refused_and_made_again),
		T(a_file_that_is_not_ours_alone_is_refused_and_made_again),
		T(a_filter_under_the_name_of_another_is_not_used),
		T(a_cache_that_cannot_be_used_fails_nobody),
		T(the_number_of_files_is_bounded),
		T(no_profile_touches_no_cache),
		T(a_program_of_the_state_folder_comes_back_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
