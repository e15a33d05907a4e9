/* SPDX-License-Identifier: Apache-2.0 */

/* Groups of resctrl, in a folder that looks like one: no test machine need have RDT. */
#include "run/rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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
#include "run/state.h"
#include "spec/spec.h"

struct mount {
	char path[64];
	int fd;
	struct arena arena;
};

static void put(const struct mount *m, const char *path, const char *text)
{
	int fd = openat(m->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *get(const struct mount *m, const char *path)
{
	static char text[4096];
	int fd = openat(m->fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static int set_up(void **state)
{
	struct mount *m = calloc(1, sizeof(*m));

	strcpy(m->path, "/tmp/strake-rdt.XXXXXX");
	assert_non_null(mkdtemp(m->path));
	m->fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	arena_init(&m->arena, 1 << 16);
	assert_int_equal(mkdirat(m->fd, "deck", 0755), 0);
	assert_int_equal(mkdirat(m->fd, "deck/mon_groups", 0755), 0);
	put(m, "deck/tasks", "");
	put(m, "deck/schemata", "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n");
	put(m, "tasks", "");
	*state = m;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct mount *m = *state;

	nftw(m->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	close(m->fd);
	arena_done(&m->arena);
	free(m);
	return 0;
}

static void test_named_class(void **state)
{
	struct spec_intel_rdt rdt = { .present = true,
				      .clos_id = "deck",
				      .l3_cache_schema = "L3:0=fffff;1=fffff",
				      .mem_bw_schema = "MB:0=100;1=100" };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_record(&m->arena, &rdt, &s, &e), 0);
	assert_null(s.rdt_class);
	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), 0);
	assert_string_equal(get(m, "deck/tasks"), "42");
	assert_int_equal(rdt_add(m->fd, &rdt, "hull", 4300, &e), 0);
	assert_string_equal(get(m, "deck/tasks"), "4300");
	assert_int_equal(rdt_remove(m->fd, &s, &e), 0);
	assert_int_equal(faccessat(m->fd, "deck", F_OK, 0), 0);
}

static void test_class_that_differs(void **state)
{
	struct spec_intel_rdt rdt = { .present = true,
				      .clos_id = "deck",
				      .l3_cache_schema = "L3:0=f;1=f" };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), -EINVAL);
	assert_string_equal(e.text,
			    "linux.intelRdt: the class \"deck\" is there already, and has no "
			    "\"L3:0=f;1=f\"");
	assert_string_equal(get(m, "deck/tasks"), "");
}

static void test_missing_class(void **state)
{
	struct spec_intel_rdt rdt = { .present = true, .clos_id = "keel" };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), -ENOENT);
	assert_string_equal(e.text, "linux.intelRdt.closID: there is no class \"keel\" in "
				    "/sys/fs/resctrl");
}

static void test_root_class(void **state)
{
	struct spec_intel_rdt rdt = { .present = true, .clos_id = "/" };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), 0);
	assert_string_equal(get(m, "tasks"), "42");
}

static void test_schemata(void **state)
{
	char *lines[] = { (char *)"L2:0=f", NULL };
	struct spec_intel_rdt rdt = { .present = true,
				      .clos_id = "deck",
				      .schemata = { 1, lines } };
	struct spec_intel_rdt change = { .mem_bw_schema = "MB:0=20;1=70" };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), 0);
	assert_memory_equal(get(m, "deck/schemata"), "L2:0=f\n", 7);
	assert_int_equal(rdt_update(m->fd, &rdt, "hull", &change, &e), 0);
	assert_memory_equal(get(m, "deck/schemata"), "MB:0=20;1=70\n", 13);
}

/* A class of its own is made by the kernel with all its files; here there is only the folder. */
static void test_own_class(void **state)
{
	struct spec_intel_rdt rdt = { .present = true, .enable_monitoring = true };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_record(&m->arena, &rdt, &s, &e), 0);
	assert_string_equal(s.rdt_class, "hull");
	assert_string_equal(s.rdt_monitor, "hull/mon_groups/hull");
	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), -ENOENT);
	assert_string_equal(
		e.text, "linux.intelRdt: write 42 to hull/tasks: No such file or directory");
	assert_int_equal(faccessat(m->fd, "hull", F_OK, 0), 0);
	assert_int_equal(rdt_remove(m->fd, &s, &e), 0);
	assert_int_equal(faccessat(m->fd, "hull", F_OK, 0), -1);
	assert_int_equal(rdt_remove(m->fd, &s, &e), 0);
}

static void test_class_of_another(void **state)
{
	struct spec_intel_rdt rdt = { .present = true };
	struct state s = { .id = "deck" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(rdt_record(&m->arena, &rdt, &s, &e), 0);
	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), -EEXIST);
	assert_int_equal(rdt_remove(m->fd, &s, &e), 0);
	assert_int_equal(faccessat(m->fd, "deck", F_OK, 0), 0);
}

static void test_refusal_of_the_kernel(void **state)
{
	struct spec_intel_rdt rdt = { .present = true };
	struct state s = { .id = "hull" };
	struct error e = ERROR_INIT;
	struct mount *m = *state;

	assert_int_equal(mkdirat(m->fd, "info", 0755), 0);
	put(m, "info/last_cmd_status", "Out of CLOSIDs\n");
	s.rdt_class = "hull";
	assert_int_equal(rdt_create(m->fd, &rdt, &s, 42, &e), -ENOENT);
	assert_non_null(strstr(e.text, "(Out of CLOSIDs)"));
	rdt_remove(m->fd, &s, &e);
}

#define TEST(name, function)                            \
	{                                               \
		name, function, set_up, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a class that closID names is used, and stays", test_named_class),
		TEST("a class that is there and differs is refused", test_class_that_differs),
		TEST("closID alone needs a class that is there", test_missing_class),
		TEST("closID / is the root", test_root_class),
		TEST("schemata are written to a class that is there, and updated",
		     test_schemata),
		TEST("without closID a class is made, and removed, with its group",
		     test_own_class),
		TEST("a class of another is not taken for the container's own",
		     test_class_of_another),
		TEST("what the kernel says of a refusal is in the message",
		     test_refusal_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
