/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that was not understood would allow what it should forbid: each wrong value is refused, by its path. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/parse.h"
#include "policy/policy.h"

struct wrong {
	const char *rule; /* JSON with ' for " */
	const char *path; /* below the rule */
	const char *text;
};

static const struct wrong wrongs[] = {
	{ "'nothing': 1", "nothing", "has this field" },
	{ "'mode': 'lenient'", "mode", "lenient" },
	{ "'mode': null", "mode", "null says nothing" },
	{ "'match': { 'userNamespace': 'yes' }", "match.userNamespace", "must be" },
	{ "'match': { 'stateFolders': [ 'run' ] }", "match.stateFolders[0]", "absolute path" },
	{ "'match': { 'cgroupParents': [ '/a/../b' ] }", "match.cgroupParents[0]",
	  "absolute path" },
	{ "'except': [ 1 ]", "except[0]", "must be an object" },
	{ "'except': [ { 'userNamespaces': true } ]", "except[0].userNamespaces",
	  "has this field" },
	{ "'process': { 'noNewPrivileges': 1 }", "process.noNewPrivileges", "must be" },
	{ "'process': { 'capabilities': { 'ceiling': [ 'CAP_KILL', 'KILLING' ] } }",
	  "process.capabilities.ceiling[1]", "no such capability" },
	{ "'process': { 'capabilities': { 'ceiling': [ 3 ] } }",
	  "process.capabilities.ceiling[0]", "no such capability" },
	{ "'process': { 'capabilities': { 'ambient': 'drop' } }",
	  "process.capabilities.ambient", "drop" },
	{ "'process': { 'user': { 'root': 'maybe' } }", "process.user.root", "maybe" },
	{ "'process': { 'user': { 'minUid': -1 } }", "process.user.minUid", "" },
	{ "'process': { 'rlimits': { 'RLIMIT_FILES': {} } }", "process.rlimits.RLIMIT_FILES",
	  "no such limit" },
	{ "'process': { 'rlimits': { 'RLIMIT_CORE': 0 } }", "process.rlimits.RLIMIT_CORE",
	  "must be an object" },
	{ "'process': { 'rlimits': { 'RLIMIT_CORE': { 'min': 0 } } }",
	  "process.rlimits.RLIMIT_CORE.min", "has this field" },
	{ "'process': { 'oomScoreAdj': { 'min': 1.5 } }", "process.oomScoreAdj.min", "" },
	{ "'seccomp': { 'abis': [ 'SCMP_ARCH_Z80' ] }", "seccomp.abis[0]", "SCMP_ARCH_Z80" },
	{ "'seccomp': { 'abis': [ 7 ] }", "seccomp.abis[0]", "must be a string" },
	{ "'seccomp': { 'deny': [ { 'names': [] } ] }", "seccomp.deny", "names no call" },
	{ "'seccomp': { 'deny': [ {} ] }", "seccomp.deny[0]", "names" },
	{ "'seccomp': { 'deny': [ { 'names': [ 'bpf' ], 'errno': 'EVIL' } ] }",
	  "seccomp.deny[0].errno", "is no errno" },
	{ "'seccomp': { 'deny': [ { 'names': [ 'bpf' ], 'args': [ { 'index': 6, 'value': 1, "
	  "'op': 'SCMP_CMP_EQ' } ] } ] }",
	  "seccomp.deny", "arguments 0 to 5" },
	{ "'seccomp': { 'deny': [ { 'names': [ 'bpf' ], 'args': [ { 'index': 0, 'value': 1, "
	  "'op': 'EQ' } ] } ] }",
	  "seccomp.deny[0].args[0].op", "EQ" },
	{ "'seccomp': { 'reportFile': 'denied.log' }", "seccomp.reportFile", "absolute path" },
	{ "'seccomp': { 'reportFile': '/var/log/' }", "seccomp.reportFile",
	  "slash at its end" },
	{ "'seccomp': { 'listeners': [ '/run//a.sock' ] }", "seccomp.listeners[0]",
	  "absolute path" },
	{ "'seccomp': { 'listeners': [ 1 ] }", "seccomp.listeners[0]", "must be" },
	{ "'landlock': { 'scoped': [ 'sockets' ] }", "landlock.scoped[0]", "sockets" },
	{ "'landlock': { 'scoped': [ 1 ] }", "landlock.scoped[0]", "must be a string" },
	{ "'landlock': { 'scoped': [ {} ] }", "landlock.scoped[0]", "must be a string" },
	{ "'landlock': { 'write': [ 'data' ] }", "landlock.write[0]", "absolute path" },
	{ "'namespaces': { 'require': [ 'net' ] }", "namespaces.require[0]", "net" },
	{ "'namespaces': { 'require': [ {} ] }", "namespaces.require[0]", "must be a string" },
	{ "'userNamespace': { 'maxSize': '1000' }", "userNamespace.maxSize", "must be" },
	{ "'mounts': { 'bindFlags': [ 'rw' ] }", "mounts.bindFlags[0]", "rw" },
	{ "'mounts': { 'bindFlags': [ true ] }", "mounts.bindFlags[0]", "must be a string" },
	{ "'mounts': { 'propagation': 'rshared' }", "mounts.propagation", "rshared" },
	{ "'paths': { 'masked': [ '/proc/./kcore' ] }", "paths.masked[0]", "absolute path" },
	{ "'sysctl': { 'allow': [ 'net/../kernel' ] }", "sysctl.allow[0]",
	  "no name of a sysctl" },
	{ "'devices': { 'allow': [ 'c 1:3' ] }", "devices.allow[0]", "must be a device" },
	{ "'devices': { 'allow': [ 'd 1:3 r' ] }", "devices.allow[0]", "must be a device" },
	{ "'devices': { 'allow': [ 'c 1:3 rx' ] }", "devices.allow[0]", "must be a device" },
	{ "'devices': { 'allow': [ 'c -1:3 r' ] }", "devices.allow[0]", "must be a device" },
	{ "'devices': { 'allow': [ 'c 1-3 rwm' ] }", "devices.allow[0]", "must be a device" },
	{ "'devices': { 'allow': [ 'c 99999999999999999999:3 r' ] }", "devices.allow[0]",
	  "must be a device" },
	{ "'devices': { 'allow': [ 1 ] }", "devices.allow[0]", "must be a device" },
	{ "'hooks': { 'allow': [ {} ] }", "hooks.allow[0]", "path" },
	{ "'hooks': { 'allow': [ { 'path': 'ldconfig' } ] }", "hooks.allow", "absolute path" },
	{ "'hooks': { 'allow': [ { 'path': '' } ] }", "hooks.allow[0].path",
	  "must not be empty" },
	{ "'hooks': { 'allow': [ { 'path': '/a', 'sha256': 'ABCD' } ] }", "hooks.allow",
	  "sha256 of 64" },
	{ "'hooks': { 'allow': [ { 'path': '/a', 'stages': [ 'late' ] } ] }",
	  "hooks.allow[0].stages[0]", "late" },
	{ "'resources': { 'memory': { 'max': '8Q' } }", "resources.memory.max",
	  "number of bytes" },
	{ "'resources': { 'memory': { 'max': '8GB' } }", "resources.memory.max",
	  "number of bytes" },
	{ "'resources': { 'memory': { 'max': '' } }", "resources.memory.max",
	  "number of bytes" },
	{ "'resources': { 'memory': { 'max': '-1' } }", "resources.memory.max",
	  "number of bytes" },
	{ "'resources': { 'memory': { 'max': '0' } }", "resources.memory.max",
	  "without memory" },
	{ "'resources': { 'memory': { 'max': '99999999T' } }", "resources.memory.max",
	  "too large" },
	{ "'resources': { 'memory': { 'max': '99999999999999999999' } }",
	  "resources.memory.max", "too large" },
	{ "'resources': { 'memory': { 'max': 512 } }", "resources.memory.max",
	  "must be a string" },
	{ "'resources': { 'cpu': { 'max': '50' } }", "resources.cpu.max", "part of one CPU" },
	{ "'resources': { 'cpu': { 'max': '0%' } }", "resources.cpu.max", "part of one CPU" },
	{ "'resources': { 'cpu': { 'max': 'x5%' } }", "resources.cpu.max", "part of one CPU" },
	{ "'resources': { 'io': { 'disks': { 'sda': {} } } }", "resources.io.disks.sda",
	  "must be a disk" },
	{ "'resources': { 'io': { 'disks': { '8:0': 1 } } }", "resources.io.disks[\"8:0\"]",
	  "must be an object" },
	{ "'resources': { 'io': { 'disks': { '*': { 'riops': { 'max': 0 } } } } }",
	  "resources.io.disks[\"*\"]", "no limit at all" },
	{ "'exec': { 'sameAsContainer': true, 'sameAsContainer': false }",
	  "exec.sameAsContainer", "" },
};

static int parse(struct arena *a, const char *rule, struct error *e)
{
	struct policy *p = arena_alloc(a, sizeof(*p));
	char *text = arena_printf(a,
				  "{ 'schema': '" POLICY_SCHEMA "', 'name': 'p', 'rules': [ { "
				  "'name': 'r', %s } ] }",
				  rule);

	assert_true(p && text);
	for (char *at = text; (at = strchr(at, '\'')); at++)
		*at = '"';
	return policy_parse(a, "p.json", text, strlen(text), p, e);
}

static void a_wrong_value_is_refused_by_its_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		const struct wrong *w = &wrongs[i];
		struct error e = ERROR_INIT;
		struct arena a;
		char path[128];

		arena_init(&a, 1u << 20);
		assert_int_equal(str_format(path, sizeof(path), "rules[0].%s", w->path), 0);
		if (parse(&a, w->rule, &e) != -EINVAL)
			fail_msg("%s is taken", w->rule);
		if (!strstr(e.text, "p.json") || !strstr(e.text, path) ||
		    !strstr(e.text, w->text))
			fail_msg("%s: %s", w->rule, e.text);
		arena_done(&a);
	}
}

static void units_devices_and_disks_are_read_as_they_are_written(void **state)
{
	static const char *const rights[] = {
		"'resources': { 'memory': { 'max': '65536', 'default': '8388607T' } }",
		"'resources': { 'cpu': { 'max': '400%' }, 'hugetlb': { 'max': '0' } }",
		"'resources': { 'io': { 'disks': { '*': { 'rbps': { 'max': '1M' } }, '8:16': {} } } }",
		"'devices': { 'allow': [ 'c 1:3 rwm', 'b 8:* r', 'c *:* m' ] }",
		"'sysctl': { 'allow': [ 'net.ipv4.ip_forward', 'kernel/shm_rmid_forced' ] }",
		"'hooks': { 'allow': [ { 'path': '/usr/bin/hook', 'stages': [ 'prestart' ] } ] }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		struct error e = ERROR_INIT;
		struct arena a;

		arena_init(&a, 1u << 20);
		if (parse(&a, rights[i], &e) < 0)
			fail_msg("%s: %s", rights[i], e.text);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_value_is_refused_by_its_path),
		cmocka_unit_test(units_devices_and_disks_are_read_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
