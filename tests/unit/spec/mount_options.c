/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/mount_options.h"

#include <linux/mount.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

#define ATIME ((uint64_t)MOUNT_ATTR__ATIME)

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

/* "ro,rbind" as a mount's options, resolved. */
static struct spec_mount resolve(const char *text)
{
	struct spec_mount m = { .destination = "/x" };
	char *copy = arena_strdup(&arena, text), *next;

	assert_non_null(copy);
	m.options.v = arena_array(&arena, 32, sizeof(char *));
	assert_non_null(m.options.v);
	while (*text && (next = strsep(&copy, ","))) {
		assert_true(m.options.n < 31);
		m.options.v[m.options.n++] = next;
	}
	assert_int_equal(mount_options_resolve(&arena, &m), 0);
	return m;
}

static void assert_attr(const char *options, uint64_t set, uint64_t clear, uint64_t set_rec,
			uint64_t clear_rec)
{
	struct spec_mount m = resolve(options);

	if (m.attr_set != set || m.attr_clear != clear || m.attr_set_rec != set_rec ||
	    m.attr_clear_rec != clear_rec)
		fail_msg("%s: set %#llx clear %#llx, recursive set %#llx clear %#llx", options,
			 (unsigned long long)m.attr_set, (unsigned long long)m.attr_clear,
			 (unsigned long long)m.attr_set_rec,
			 (unsigned long long)m.attr_clear_rec);
	assert_int_equal(m.data.n, 0);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_attr("", 0, 0, 0, 0);
	assert_attr("defaults", 0, 0, 0, 0);
}

static void test_attributes(void **state)
{
	(void)state;
	assert_attr("ro", MOUNT_ATTR_RDONLY, 0, 0, 0);
	assert_attr("rw", 0, MOUNT_ATTR_RDONLY, 0, 0);
	assert_attr("nosuid", MOUNT_ATTR_NOSUID, 0, 0, 0);
	assert_attr("suid", 0, MOUNT_ATTR_NOSUID, 0, 0);
	assert_attr("nodev", MOUNT_ATTR_NODEV, 0, 0, 0);
	assert_attr("dev", 0, MOUNT_ATTR_NODEV, 0, 0);
	assert_attr("noexec", MOUNT_ATTR_NOEXEC, 0, 0, 0);
	assert_attr("exec", 0, MOUNT_ATTR_NOEXEC, 0, 0);
	assert_attr("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, 0, 0);
	assert_attr("symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW, 0, 0);
	assert_attr("nodiratime", MOUNT_ATTR_NODIRATIME, 0, 0, 0);
	assert_attr("diratime", 0, MOUNT_ATTR_NODIRATIME, 0, 0);
	assert_attr("nosuid,noexec,nodev",
		    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, 0, 0, 0);
}

static void test_recursive_attributes(void **state)
{
	(void)state;
	assert_attr("rro", 0, 0, MOUNT_ATTR_RDONLY, 0);
	assert_attr("rrw", 0, 0, 0, MOUNT_ATTR_RDONLY);
	assert_attr("rnosuid", 0, 0, MOUNT_ATTR_NOSUID, 0);
	assert_attr("rsuid", 0, 0, 0, MOUNT_ATTR_NOSUID);
	assert_attr("rnodev", 0, 0, MOUNT_ATTR_NODEV, 0);
	assert_attr("rdev", 0, 0, 0, MOUNT_ATTR_NODEV);
	assert_attr("rnoexec", 0, 0, MOUNT_ATTR_NOEXEC, 0);
	assert_attr("rexec", 0, 0, 0, MOUNT_ATTR_NOEXEC);
	assert_attr("rnosymfollow", 0, 0, MOUNT_ATTR_NOSYMFOLLOW, 0);
	assert_attr("rsymfollow", 0, 0, 0, MOUNT_ATTR_NOSYMFOLLOW);
	assert_attr("rnodiratime", 0, 0, MOUNT_ATTR_NODIRATIME, 0);
	assert_attr("rdiratime", 0, 0, 0, MOUNT_ATTR_NODIRATIME);
}

static void test_later_wins(void **state)
{
	(void)state;
	assert_attr("ro,rw", 0, MOUNT_ATTR_RDONLY, 0, 0);
	assert_attr("rw,ro", MOUNT_ATTR_RDONLY, 0, 0, 0);
	assert_attr("rro,rrw", 0, 0, 0, MOUNT_ATTR_RDONLY);
	assert_attr("rrw,rro", 0, 0, MOUNT_ATTR_RDONLY, 0);
	assert_attr("nodev,dev,nodev", MOUNT_ATTR_NODEV, 0, 0, 0);
	assert_attr("nosuid,ro,suid", MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, 0, 0);
}

/* Recursive ones are applied first: an earlier word on the mount alone must not undo them. */
static void test_recursive_against_own(void **state)
{
	(void)state;
	assert_attr("rw,rro", 0, 0, MOUNT_ATTR_RDONLY, 0);
	assert_attr("ro,rrw", 0, 0, 0, MOUNT_ATTR_RDONLY);
	assert_attr("rro,rw", 0, MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY, 0);
	assert_attr("rrw,ro", MOUNT_ATTR_RDONLY, 0, 0, MOUNT_ATTR_RDONLY);
	assert_attr("ro,rro", MOUNT_ATTR_RDONLY, 0, MOUNT_ATTR_RDONLY, 0);
	assert_attr("strictatime,rnoatime", 0, 0, MOUNT_ATTR_NOATIME, ATIME);
}

/* The kernel takes a change of the atime field only with the whole field cleared. */
static void test_atime(void **state)
{
	(void)state;
	assert_attr("noatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0);
	assert_attr("relatime", 0, ATIME, 0, 0);
	assert_attr("strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0);
	assert_attr("noatime,strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0);
	assert_attr("strictatime,relatime", 0, ATIME, 0, 0);
	assert_attr("rnoatime", 0, 0, MOUNT_ATTR_NOATIME, ATIME);
	assert_attr("rrelatime", 0, 0, 0, ATIME);
	assert_attr("rstrictatime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME);
}

static void test_atime_taken_back(void **state)
{
	(void)state;
	assert_attr("atime", 0, ATIME, 0, 0);
	assert_attr("noatime,atime", 0, ATIME, 0, 0);
	assert_attr("strictatime,atime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0);
	assert_attr("nostrictatime", 0, ATIME, 0, 0);
	assert_attr("strictatime,nostrictatime", 0, ATIME, 0, 0);
	assert_attr("noatime,nostrictatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0);
	assert_attr("norelatime", 0, 0, 0, 0);
	assert_attr("relatime,norelatime", 0, 0, 0, 0);
	assert_attr("noatime,norelatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0);
	assert_attr("ratime", 0, 0, 0, ATIME);
	assert_attr("rnoatime,ratime", 0, 0, 0, ATIME);
	assert_attr("rnostrictatime", 0, 0, 0, ATIME);
	assert_attr("rstrictatime,ratime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME);
	assert_attr("rrelatime,rnorelatime", 0, 0, 0, 0);
}

static void assert_propagation(const char *options, uint64_t value, bool recursive)
{
	struct spec_mount m = resolve(options);

	assert_int_equal(m.propagation, value);
	assert_int_equal(m.propagation_rec, recursive);
}

static void test_propagation(void **state)
{
	/* From linux/mount.h, whose names clash with those of sys/mount.h, where the parser has them. */
	const uint64_t unbindable = 1 << 17, private = 1 << 18, slave = 1 << 19,
		       shared = 1 << 20;

	(void)state;
	assert_propagation("ro", 0, false);
	assert_propagation("shared", shared, false);
	assert_propagation("slave", slave, false);
	assert_propagation("private", private, false);
	assert_propagation("unbindable", unbindable, false);
	assert_propagation("rshared", shared, true);
	assert_propagation("rslave", slave, true);
	assert_propagation("rprivate", private, true);
	assert_propagation("runbindable", unbindable, true);
	assert_propagation("rshared,private", private, false);
	assert_propagation("private,rslave", slave, true);
}

static void test_superblock(void **state)
{
	struct spec_mount m = resolve("sync,dirsync,mand,lazytime,silent,iversion,ro");

	(void)state;
	assert_true(m.sync && m.dirsync && m.mand && m.lazytime && m.silent && m.iversion);
	assert_true(m.sb_readonly);
	m = resolve("sync,mand,lazytime,silent,iversion,ro,async,nomand,nolazytime,loud,"
		    "noiversion,rw");
	assert_false(m.sync || m.dirsync || m.mand || m.lazytime || m.silent || m.iversion);
	assert_false(m.sb_readonly);
	m = resolve("rro");
	assert_false(m.sb_readonly);
	assert_false(resolve("async,nomand").sync);
}

static void test_binds(void **state)
{
	struct spec_mount m = resolve("bind");

	(void)state;
	assert_true(m.bind && !m.bind_rec);
	m = resolve("rbind");
	assert_true(m.bind && m.bind_rec);
	m = resolve("rbind,bind");
	assert_true(m.bind && m.bind_rec);
	m = resolve("remount,bind,ro");
	assert_true(m.bind && m.remount);
	m = resolve("tmpcopyup,copy-symlink");
	assert_true(m.tmpcopyup && m.copy_symlink && !m.bind);

	m = (struct spec_mount){ .destination = "/x", .type = "bind" };
	assert_int_equal(mount_options_resolve(&arena, &m), 0);
	assert_true(m.bind && !m.bind_rec);
}

static void test_idmap(void **state)
{
	struct spec_id_mapping map = { .size = 1 };
	struct spec_mount m = resolve("rbind,idmap");

	(void)state;
	assert_true(m.idmap && !m.idmap_rec);
	m = resolve("rbind,ridmap");
	assert_true(m.idmap && m.idmap_rec);

	/* Mappings alone mean the option too. */
	m = resolve("bind");
	m.n_uid_mappings = 1;
	m.uid_mappings = &map;
	assert_int_equal(mount_options_resolve(&arena, &m), 0);
	assert_true(m.idmap && !m.idmap_rec);
	m = resolve("rbind");
	m.n_gid_mappings = 1;
	m.gid_mappings = &map;
	assert_int_equal(mount_options_resolve(&arena, &m), 0);
	assert_true(m.idmap && m.idmap_rec);
	assert_ptr_equal(m.gid_mappings, &map);
}

static void test_data(void **state)
{
	struct spec_mount m = resolve("size=65536k,ro,mode=755,,Ro,nosuidx,bind ");

	(void)state;
	assert_int_equal(m.data.n, 5);
	assert_string_equal(m.data.v[0], "size=65536k");
	assert_string_equal(m.data.v[1], "mode=755");
	assert_string_equal(m.data.v[2], "Ro");
	assert_string_equal(m.data.v[3], "nosuidx");
	assert_string_equal(m.data.v[4], "bind ");
	assert_null(m.data.v[5]);
	assert_int_equal(m.attr_set, MOUNT_ATTR_RDONLY);
	assert_false(m.bind);
}

static void test_again(void **state)
{
	struct spec_mount m = resolve("rbind,ro,nodev,size=1,rprivate,idmap,sync");
	char rw[] = "rw";

	(void)state;
	m.options.v[0] = rw;
	m.options.n = 1;
	assert_int_equal(mount_options_resolve(&arena, &m), 0);
	assert_int_equal(m.attr_set, 0);
	assert_int_equal(m.attr_clear, MOUNT_ATTR_RDONLY);
	assert_int_equal(m.data.n, 0);
	assert_int_equal(m.propagation, 0);
	assert_false(m.bind || m.bind_rec || m.idmap || m.sync || m.sb_readonly);
	assert_string_equal(m.destination, "/x");
}

/* bsearch(3) needs the order, and a wrong entry would be an option that is silently data. */
static void test_names(void **state)
{
	const char *name, *before = "";
	size_t i;

	(void)state;
	for (i = 0; (name = mount_option_name(i)); i++) {
		struct spec_mount m = resolve(name);

		assert_true(strcmp(before, name) < 0);
		assert_int_equal(m.data.n, 0);
		before = name;
	}
	assert_int_equal(i, 63);
}

int main(void)
{
#define TEST(name, f)                          \
	{                                      \
		name, f, setup, teardown, NULL \
	}
	const struct CMUnitTest tests[] = {
		TEST("no option changes nothing", test_nothing),
		TEST("options become attributes", test_attributes),
		TEST("recursive options become attributes of the tree",
		     test_recursive_attributes),
		TEST("of contrary options the later one holds", test_later_wins),
		TEST("a recursive option speaks for the mount too", test_recursive_against_own),
		TEST("access times are one field", test_atime),
		TEST("a choice of access times is taken back", test_atime_taken_back),
		TEST("propagation is one choice", test_propagation),
		TEST("superblock flags go on and off", test_superblock),
		TEST("binds are recursive or not", test_binds),
		TEST("id maps are recursive or not", test_idmap),
		TEST("what is not known is the file system's", test_data),
		TEST("options can be resolved again", test_again),
		TEST("every known option is found", test_names),
	};

	return cmocka_run_group_tests_name("spec/mount_options", tests, NULL, NULL);
}
