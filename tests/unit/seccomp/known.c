/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/build.h"
#include "profile_build.h"
#include "profile_same.h"
#include "unit/skip.h"

static const char text[] = "{ \"defaultAction\": \"SCMP_ACT_ERRNO\" }";
static const uint8_t build[20] = { 1, 2, 3 };

static const struct seccomp_known_text plain = {
	.kind = SECCOMP_KNOWN_PROFILE,
	.text = text,
	.len = sizeof(text) - 1,
	.target = { .bounding = 0x420,
		    .native = SECCOMP_ABI_X86_64,
		    .kernel_major = 6,
		    .kernel_minor = 1 },
	.build = build,
	.build_len = sizeof(build),
};

struct fixture {
	char path[64];
	int fd;
	struct p p;
	uint8_t key[SHA256_SIZE];
	char name[SHA256_HEX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->path, "/tmp/strake-known-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p_init(&f->p, SECCOMP_RET_ERRNO);
	p_rule(&f->p, SECCOMP_RET_ALLOW, "read write execve");
	p_when(&f->p, SECCOMP_RET_ALLOW, "socket", 0, SPEC_SECCOMP_LT, 38, 0);
	assert_true(seccomp_known_key(&plain, f->key));
	sha256_hex(f->key, f->name);
	seccomp_known_keep(f->fd, f->key, &f->p.spec);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *dir = fdopendir(dup(f->fd));
	struct dirent *d;

	fchmod(f->fd, 0700);
	while (dir && (d = readdir(dir)))
		if (unlinkat(f->fd, d->d_name, 0) < 0)
			unlinkat(f->fd, d->d_name, AT_REMOVEDIR);
	closedir(dir);
	rmdir(f->path);
	close(f->fd);
	p_done(&f->p);
	free(f);
	return 0;
}

static bool is_known(struct fixture *f)
{
	struct spec_seccomp found = { 0 };

	if (!seccomp_known_find(f->fd, f->key, &f->p.arena, &found))
		return false;
	profile_same(&f->p.spec, &found);
	return true;
}

/* It is not, and once it was kept again it is. */
static void check_read_again(struct fixture *f)
{
	assert_false(is_known(f));
	seccomp_known_keep(f->fd, f->key, &f->p.spec);
	assert_true(is_known(f));
}

static void what_was_kept_is_known(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_true(is_known(f));
	assert_int_equal(fstatat(f->fd, f->name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(seccomp_known_find(-1, f->key, &f->p.arena, &f->p.spec));
}

static void check_another_key(const struct seccomp_known_text *t)
{
	uint8_t one[SHA256_SIZE], other[SHA256_SIZE];

	assert_true(seccomp_known_key(&plain, one));
	assert_true(seccomp_known_key(t, other));
	assert_memory_not_equal(one, other, sizeof(one));
}

static void each_thing_that_decides_what_a_text_says_makes_another_key(void **state)
{
	static const char other_text[] = "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }";
	uint8_t other_build[21] = { 1, 2, 4 };
	struct seccomp_known_text t;

	(void)state;
	t = plain, t.kind = SECCOMP_KNOWN_SPEC;
	check_another_key(&t);
	t = plain, t.text = other_text;
	check_another_key(&t);
	t = plain, t.len--;
	check_another_key(&t);
	t = plain, t.target.bounding |= 1;
	check_another_key(&t);
	t = plain, t.target.bounding |= UINT64_C(1) << 40;
	check_another_key(&t);
	t = plain, t.target.native = SECCOMP_ABI_AARCH64;
	check_another_key(&t);
	t = plain, t.target.kernel_major = 7;
	check_another_key(&t);
	t = plain, t.target.kernel_minor = 2;
	check_another_key(&t);
	t = plain, t.build = other_build;
	check_another_key(&t);
	memcpy(other_build, build, sizeof(build));
	t = plain, t.build = other_build, t.build_len++;
	check_another_key(&t);
}

static void who_does_not_know_his_build_knows_nothing(void **state)
{
	struct seccomp_known_text t = plain;
	const uint8_t *id = NULL;
	uint8_t key[SHA256_SIZE];

	(void)state;
	t.build_len = 0;
	assert_false(seccomp_known_key(&t, key));
	if (build_id(&id) == 0) {
		SKIP("linked without --build-id");
	}
	assert_true(build_id(&id) >= 8);
}

static void a_file_altered_in_any_byte_is_not_used(void **state)
{
	struct fixture *f = *state;
	char data[1 << 14];
	int fd = openat(f->fd, f->name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, data, sizeof(data));

	assert_true(n > 200);
	close(fd);
	for (ssize_t i = 0; i < n; i++) {
		data[i] ^= 0x10;
		fd = openat(f->fd, f->name, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_int_equal(write(fd, data, (size_t)n), n);
		close(fd);
		data[i] ^= 0x10;
		check_read_again(f);
	}
}

static void a_file_of_another_length_is_not_used(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(fstatat(f->fd, f->name, &st, 0), 0);
	for (off_t size = 0; size < st.st_size + 20; size += 7) {
		if (size == st.st_size)
			size++;
		int fd = openat(f->fd, f->name, O_WRONLY | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, size), 0);
		close(fd);
		check_read_again(f);
	}
}

static void a_file_that_is_not_ours_alone_is_not_used(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fchmodat(f->fd, f->name, 0644, 0), 0);
	check_read_again(f);
}

static void a_folder_that_others_may_write_is_not_used(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fchmod(f->fd, 0720), 0);
	assert_false(is_known(f));
	assert_int_equal(unlinkat(f->fd, f->name, 0), 0);
	seccomp_known_keep(f->fd, f->key, &f->p.spec);
	assert_int_equal(faccessat(f->fd, f->name, F_OK, 0), -1);
	assert_int_equal(fchmod(f->fd, 0700), 0);
	check_read_again(f);
}

static void what_belongs_to_another_key_is_not_used_in_its_place(void **state)
{
	struct fixture *f = *state;
	struct seccomp_known_text t = plain;
	uint8_t other[SHA256_SIZE];
	char name[SHA256_HEX];
	struct p loose;

	p_init(&loose, SECCOMP_RET_ALLOW);
	t.target.bounding = UINT64_MAX;
	assert_true(seccomp_known_key(&t, other));
	seccomp_known_keep(f->fd, other, &loose.spec);
	assert_int_equal(renameat(f->fd, sha256_hex(other, name), f->fd, f->name), 0);
	check_read_again(f);
	p_done(&loose);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_kept_is_known),
		TEST(each_thing_that_decides_what_a_text_says_makes_another_key),
		TEST(who_does_not_know_his_build_knows_nothing),
		TEST(a_file_altered_in_any_byte_is_not_used),
		TEST(a_file_of_another_length_is_not_used),
		TEST(a_file_that_is_not_ours_alone_is_not_used),
		TEST(a_folder_that_others_may_write_is_not_used),
		TEST(what_belongs_to_another_key_is_not_used_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
