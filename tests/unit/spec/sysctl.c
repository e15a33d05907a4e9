/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/sysctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_path(const char *name, const char *want)
{
	char path[64];

	assert_int_equal(sysctl_path(name, path, sizeof(path)), 0);
	assert_string_equal(path, want);
}

static void test_spellings(void **state)
{
	(void)state;
	assert_path("net.ipv4.ip_forward", "net/ipv4/ip_forward");
	assert_path("net/ipv4/ip_forward", "net/ipv4/ip_forward");
	assert_path("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding");
	assert_path("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding");
	assert_path("alone", "alone");
}

static void test_refused(void **state)
{
	static const char *const names[] = {
		"",        ".",        "..",       "net.",  ".net",        "net..x",
		"/net/x",  "net//x",   "net/..",   "net/.", "net/../x",    "net.//.x",
		"net.a b", "net.a\tb", "net.a\nb", "a=b",   "net.x+net.y", "net.x\\y",
		"net.\"x", "net.\x7f", "x/",
	};
	char path[64], tiny[4] = "old";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (sysctl_path(names[i], path, sizeof(path)) != -EINVAL)
			fail_msg("accepted \"%s\"", names[i]);
	assert_int_equal(sysctl_path("net.x", tiny, sizeof(tiny)), -ENAMETOOLONG);
	assert_string_equal(tiny, "old");
}

static void test_owners(void **state)
{
	(void)state;
	assert_int_equal(sysctl_namespace("net/ipv4/ip_forward"), SPEC_NS_NETWORK);
	assert_int_equal(sysctl_namespace("network"), SPEC_NS_COUNT);
	assert_int_equal(sysctl_namespace("fs/mqueue/msg_max"), SPEC_NS_IPC);
	assert_int_equal(sysctl_namespace("fs/file-max"), SPEC_NS_COUNT);
	assert_int_equal(sysctl_namespace("kernel/sem"), SPEC_NS_IPC);
	assert_int_equal(sysctl_namespace("kernel/semx"), SPEC_NS_COUNT);
	assert_int_equal(sysctl_namespace("kernel/sem/x"), SPEC_NS_COUNT);
	assert_int_equal(sysctl_namespace("kernel/domainname"), SPEC_NS_UTS);
	assert_int_equal(sysctl_namespace("kernel/core_pattern"), SPEC_NS_COUNT);
	assert_int_equal(sysctl_namespace("user/max_user_namespaces"), SPEC_NS_USER);
	assert_int_equal(sysctl_namespace("vm/swappiness"), SPEC_NS_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "both spellings of a name are one path", test_spellings, NULL, NULL, NULL },
		{ "a name that is no clean path is refused", test_refused, NULL, NULL, NULL },
		{ "a sysctl belongs to a namespace or to the host", test_owners, NULL, NULL,
		  NULL },
	};

	return cmocka_run_group_tests_name("spec/sysctl", tests, NULL, NULL);
}
