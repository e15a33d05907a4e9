/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/template.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "spec/check.h"
#include "spec/parse.h"
#include "spec/spec.h"

static void written(const struct spec_template *t, struct spec *ret)
{
	autojson *w = json_writer_new(true);
	struct error e = ERROR_INIT;
	autobuf b;

	buf_init(&b, 1 << 20);
	spec_template_write(w, t);
	assert_int_equal(json_writer_end(w, &b), 0);
	if (spec_parse("config.json", b.data, b.len, ret, &e) < 0 || spec_check(ret, &e) < 0)
		fail_msg("%s", e.text);
}

/* The mount there, or an empty one. */
static const struct spec_mount *mount_at(const struct spec *s, const char *destination)
{
	static const struct spec_mount none;
	size_t i;

	for (i = 0; i < s->n_mounts; i++)
		if (str_eq(s->mounts[i].destination, destination))
			return &s->mounts[i];
	return &none;
}

static void test_privileged(void **state)
{
	const uint64_t caps =
		1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE;
	struct spec_template t = { 0 };
	struct spec s;

	(void)state;
	written(&t, &s);
	assert_true(s.process.terminal);
	assert_int_equal(s.process.args.n, 1);
	assert_string_equal(s.process.args.v[0], "sh");
	assert_true(s.process.no_new_privileges);
	assert_true(s.process.capabilities.bounding == caps);
	assert_true(s.process.capabilities.permitted == caps);
	assert_true(s.process.capabilities.inheritable == 0);
	assert_true(s.process.capabilities.ambient == 0);
	assert_int_equal(s.process.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(s.process.rlimits[0].hard, 1024);
	assert_string_equal(s.root_path, "rootfs");
	assert_true(s.root_readonly);
	assert_int_equal(s.n_mounts, 7);
	assert_string_equal(mount_at(&s, "/sys")->type, "sysfs");
	assert_string_equal(mount_at(&s, "/sys/fs/cgroup")->type, "cgroup");
	assert_int_equal(mount_at(&s, "/dev/pts")->data.n, 4);
	assert_true(s.linux_.namespaces[SPEC_NS_CGROUP].present);
	assert_true(s.linux_.namespaces[SPEC_NS_NETWORK].present);
	assert_false(s.linux_.namespaces[SPEC_NS_USER].present);
	assert_int_equal(s.linux_.resources.n_devices, 1);
	assert_int_equal(s.warnings.n, 0);
	spec_done(&s);
}

static void test_rootless(void **state)
{
	struct spec_template t = { .rootless = true, .uid = 1000, .gid = 100 };
	struct spec s;

	(void)state;
	written(&t, &s);
	assert_true(s.linux_.namespaces[SPEC_NS_USER].present);
	assert_false(s.linux_.namespaces[SPEC_NS_NETWORK].present);
	assert_int_equal(s.linux_.uid_mappings[0].host_id, 1000);
	assert_int_equal(s.linux_.gid_mappings[0].host_id, 100);
	assert_int_equal(s.linux_.gid_mappings[0].size, 1);
	assert_int_equal(s.n_mounts, 6);
	assert_true(mount_at(&s, "/sys")->bind_rec);
	assert_null(mount_at(&s, "/sys/fs/cgroup")->destination);
	assert_int_equal(mount_at(&s, "/dev/pts")->data.n, 3);
	assert_false(s.linux_.resources.present);
	spec_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the template passes its own rules", test_privileged, NULL, NULL, NULL },
		{ "the rootless template maps its caller to root", test_rootless, NULL, NULL,
		  NULL },
	};

	return cmocka_run_group_tests_name("spec/template", tests, NULL, NULL);
}
