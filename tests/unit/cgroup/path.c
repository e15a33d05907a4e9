/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "cgroup/cgroup.h"

static void assert_path(const char *asked, const char *own, const char *want)
{
	char got[CGROUP_PATH_MAX];
	struct error e = ERROR_INIT;

	if (cgroup_path(asked, "c1", own, got, &e) < 0)
		fail_msg("%s: %s", asked, e.text);
	assert_string_equal(got, want);
	assert_true(cgroup_path_is_clean(got));
}

static void assert_refused(const char *asked, const char *own, const char *message)
{
	char got[CGROUP_PATH_MAX] = "untouched";
	struct error e = ERROR_INIT;

	assert_int_equal(cgroup_path(asked, "c1", own, got, &e), -EINVAL);
	assert_int_equal(e.errnum, EINVAL);
	assert_string_equal(e.text, message);
	assert_string_equal(got, "untouched");
}

static void test_absolute(void **state)
{
	(void)state;
	assert_path("/a/b", "/own/cgroup", "/a/b");
	assert_path("//a///b//", "/own/cgroup", "/a/b");
	assert_path("/a/./b/.", "/own/cgroup", "/a/b");
	/* Not needed for it, so it may be anything. */
	assert_path("/a", "/../../elsewhere", "/a");
}

static void test_relative(void **state)
{
	(void)state;
	assert_path("a/b", "/user.slice/session.scope", "/user.slice/a/b");
	assert_path("a", "/", "/a");
	assert_path("a", "/only", "/a");
	assert_path(NULL, "/user.slice/session.scope", "/user.slice/c1");
	assert_path("", "/", "/c1");
}

static void test_escape(void **state)
{
	(void)state;
	assert_path("/../../x", "/own/cgroup", "/x");
	assert_path("../../../../x", "/user.slice/session.scope", "/user.slice/x");
	assert_path("a/../../../x", "/pod/init", "/pod/x");
	assert_path("/a/../../b/..//c", "/", "/c");
	/* Three dots and more are names like any other. */
	assert_path("/a/.../b", "/", "/a/.../b");
	assert_path("/..a", "/", "/..a");
}

static void test_root(void **state)
{
	const char *why = "this is the root cgroup, in which no container can live";
	char want[256];

	(void)state;
	snprintf(want, sizeof(want), "linux.cgroupsPath \"/\": %s", why);
	assert_refused("/", "/", want);
	snprintf(want, sizeof(want), "linux.cgroupsPath \"/a/..\": %s", why);
	assert_refused("/a/..", "/", want);
	/* Relative: the parent of our own cgroup is not ours to put a container into. */
	snprintf(want, sizeof(want), "linux.cgroupsPath \"..\": %s", why);
	assert_refused("..", "/pod/init", want);
}

static void test_long(void **state)
{
	char path[2 * CGROUP_PATH_MAX], own[CGROUP_PATH_MAX], got[CGROUP_PATH_MAX];
	struct error e = ERROR_INIT;
	size_t i;

	(void)state;
	/* "/aaa...a" with a name of 255 bytes is the longest name; 256 is one too many. */
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[256] = '\0';
	assert_path(path, "/", path);
	path[256] = 'a';
	path[257] = '\0';
	assert_int_equal(cgroup_path(path, "c1", "/", got, &e), -EINVAL);
	assert_non_null(strstr(e.text, "a name in it is longer than 255 bytes"));

	/* Names of three, 4095 bytes in all: fits. One more: does not. */
	for (i = 0; i < sizeof(path); i++)
		path[i] = i % 4 == 0 ? '/' : 'a';
	path[4095] = '\0';
	assert_path(path, "/", path);
	path[4095] = 'a';
	path[4096] = '\0';
	assert_int_equal(cgroup_path(path, "c1", "/", got, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than 4095 bytes"));

	/* What is relative has to fit behind the base too. */
	memcpy(own, "/base/own", sizeof("/base/own"));
	path[4094] = '\0';
	assert_int_equal(cgroup_path(path + 1, "c1", own, got, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than 4095 bytes with what stands before it"));
}

static void test_newline(void **state)
{
	(void)state;
	assert_refused("/a\nb", "/",
		       "linux.cgroupsPath \"/a?b\": a cgroup's name can hold no newline");
}

static void test_outside_namespace(void **state)
{
	char got[CGROUP_PATH_MAX];
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(cgroup_path("a", "c1", "/../../elsewhere", got, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "outside of our cgroup namespace"));
	assert_string_equal(e.hint, "give an absolute linux.cgroupsPath");
}

static void test_below(void **state)
{
	(void)state;
	assert_true(cgroup_path_below("/a/b", "/a"));
	assert_true(cgroup_path_below("/a", "/a"));
	assert_true(cgroup_path_below("/a", "/"));
	assert_false(cgroup_path_below("/ab", "/a"));
	assert_false(cgroup_path_below("/", "/a"));
	assert_false(cgroup_path_below("/b/a", "/a"));
}

static void test_clean(void **state)
{
	(void)state;
	assert_true(cgroup_path_is_clean("/"));
	assert_true(cgroup_path_is_clean("/a/b"));
	assert_false(cgroup_path_is_clean(""));
	assert_false(cgroup_path_is_clean("a"));
	assert_false(cgroup_path_is_clean("/a/"));
	assert_false(cgroup_path_is_clean("/a//b"));
	assert_false(cgroup_path_is_clean("/a/../b"));
	assert_false(cgroup_path_is_clean("/./a"));
}

static void test_own(void **state)
{
	char by_zero[CGROUP_PATH_MAX], by_pid[CGROUP_PATH_MAX];
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(cgroup_path_of(0, by_zero, &e), 0);
	assert_int_equal(cgroup_path_of(getpid(), by_pid, &e), 0);
	assert_string_equal(by_zero, by_pid);
	assert_int_equal(by_zero[0], '/');
	assert_int_equal(cgroup_path_of(0x7ffffff0, by_pid, &e), -ENOENT);
}

/* --- systemd ------------------------------------------------------------------------------ */

static void assert_unit(const char *asked, bool rootless, const char *slice, const char *name)
{
	struct cgroup_unit u;
	struct error e = ERROR_INIT;

	if (cgroup_unit_parse(asked, "c1", rootless, &u, &e) < 0)
		fail_msg("%s: %s", asked, e.text);
	assert_string_equal(u.slice, slice);
	assert_string_equal(u.name, name);
	assert_int_equal(u.is_slice, strstr(name, ".slice") != NULL);
}

static void assert_unit_refused(const char *asked, const char *why)
{
	struct cgroup_unit u;
	struct error e = ERROR_INIT;

	assert_int_equal(cgroup_unit_parse(asked, "c1", false, &u, &e), -EINVAL);
	if (!strstr(e.text, why))
		fail_msg("%s: %s", asked, e.text);
}

static void test_unit(void **state)
{
	(void)state;
	assert_unit(NULL, false, "system.slice", "strake-c1.scope");
	assert_unit("", true, "user.slice", "strake-c1.scope");
	assert_unit("machine.slice:libpod:abc", false, "machine.slice", "libpod-abc.scope");
	assert_unit(":runc:abc", false, "system.slice", "runc-abc.scope");
	assert_unit(":runc:abc", true, "user.slice", "runc-abc.scope");
	assert_unit("a.slice::abc", false, "a.slice", "abc.scope");
	assert_unit("-:p:n", false, "-.slice", "p-n.scope");
	assert_unit("a-b.slice:p:sub.slice", false, "a-b.slice", "sub.slice");
	assert_unit("a.slice:cri:x\\x2edy", false, "a.slice", "cri-x\\x2edy.scope");
}

static void test_unit_refused(void **state)
{
	char name[400];

	(void)state;
	assert_unit_refused("/a/b", "slice:prefix:name");
	assert_unit_refused("a.slice:n", "slice:prefix:name");
	assert_unit_refused("a.slice:p:n:more", "slice:prefix:name");
	assert_unit_refused("a.slice:p:", "third part, is empty");
	assert_unit_refused("a.slice:p:../n", "letters, digits");
	assert_unit_refused("../../a.slice:p:n", "letters, digits");
	assert_unit_refused("a.slice:p:n\n", "letters, digits");
	assert_unit_refused("a:p:n", "no valid name");
	assert_unit_refused("a--b.slice:p:n", "no valid name");
	assert_unit_refused("-a.slice:p:n", "no valid name");
	assert_unit_refused("a-.slice:p:n", "no valid name");
	assert_unit_refused(".slice:p:n", "no valid name");

	memset(name, 'n', sizeof(name));
	memcpy(name, ":p:", 3);
	name[sizeof(name) - 1] = '\0';
	assert_unit_refused(name, "at most 255 bytes");
}

static void test_slice(void **state)
{
	char path[CGROUP_PATH_MAX];
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(cgroup_slice_path("a.slice", path, sizeof(path), &e), 0);
	assert_string_equal(path, "/a.slice");
	assert_int_equal(cgroup_slice_path("a-b-c.slice", path, sizeof(path), &e), 0);
	assert_string_equal(path, "/a.slice/a-b.slice/a-b-c.slice");
	assert_int_equal(cgroup_slice_path("-.slice", path, sizeof(path), &e), 0);
	assert_string_equal(path, "/");
	assert_int_equal(cgroup_slice_path("a-b-c.slice", path, 20, &e), -ENAMETOOLONG);
	assert_int_equal(cgroup_slice_path("a/b.slice", path, sizeof(path), &e), -EINVAL);
	assert_int_equal(cgroup_slice_path("a.scope", path, sizeof(path), &e), -EINVAL);
	assert_int_equal(cgroup_slice_path("slice", path, sizeof(path), &e), -EINVAL);
	assert_int_equal(cgroup_slice_path("", path, sizeof(path), &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "an absolute path is below the mount", test_absolute },
		{ "a relative one is beside our own cgroup", test_relative },
		{ "nothing climbs out", test_escape },
		{ "the root is no place for a container", test_root },
		{ "names and paths end at the kernel's limits", test_long },
		{ "a newline is refused", test_newline },
		{ "a cgroup outside of our namespace is no base", test_outside_namespace },
		{ "below is by whole names", test_below },
		{ "only the clean form is clean", test_clean },
		{ "a process's cgroup is read", test_own },
		{ "slice:prefix:name makes a unit", test_unit },
		{ "what makes no unit is refused", test_unit_refused },
		{ "a slice's name gives its path", test_slice },
	};

	return cmocka_run_group_tests_name("cgroup/path", tests, NULL, NULL);
}
