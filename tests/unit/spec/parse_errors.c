/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "spec/spec.h"

struct refused {
	const char *member; /* stands on the second line of the document */
	const char *text;   /* behind "config.json:2: " */
};

static int parse(const char *text, struct error *e)
{
	struct spec s;
	int r;

	memset(&s, 0x5a, sizeof(s));
	r = spec_parse("config.json", text, strlen(text), &s, e);
	if (r < 0)
		assert_int_equal(((unsigned char *)&s)[sizeof(s) - 1], 0x5a);
	else
		spec_done(&s);
	return r;
}

static void assert_refused(const char *member, const char *text)
{
	static const char where[] = "config.json:2: ";
	struct error e = ERROR_INIT;
	autobuf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(buf_addf(&b, "{\n%s}", member), 0);
	if (parse(b.data, &e) != -EINVAL)
		fail_msg("%s: %s", member, e.errnum ? e.text : "accepted");
	assert_string_equal(e.step, "config");
	if (strncmp(e.text, where, strlen(where)) != 0)
		fail_msg("%s", e.text);
	assert_string_equal(e.text + strlen(where), text);
}

#define ASSERT_REFUSED(cases)                             \
	for (size_t i_ = 0; i_ < ARRAY_SIZE(cases); i_++) \
	assert_refused((cases)[i_].member, (cases)[i_].text)

static void test_document(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(parse("[]", &e), -EINVAL);
	assert_string_equal(e.text,
			    "config.json:1: the document must be an object, not an array");
	assert_int_equal(parse("\n\"x\"", &e), -EINVAL);
	assert_string_equal(e.text,
			    "config.json:2: the document must be an object, not a string");
	assert_int_equal(parse("{\n \"process\": {,}}", &e), -EINVAL);
	assert_string_equal(e.text, "config.json:2:14: invalid object key (must be a string)");
	assert_int_equal(parse("", &e), -EINVAL);
	assert_string_equal(e.text, "config.json:1:1: the document ends too early");
}

static void test_types(void **state)
{
	static const struct refused cases[] = {
		{ "\"ociVersion\":1.0", "ociVersion must be a string, not a number" },
		{ "\"root\":\"rootfs\"", "root must be an object, not a string" },
		{ "\"root\":{\"readonly\":\"yes\"}",
		  "root.readonly must be true or false, not a string" },
		{ "\"root\":{\"readonly\":1}",
		  "root.readonly must be true or false, not a number" },
		{ "\"process\":[]", "process must be an object, not an array" },
		{ "\"process\":{\"args\":5}",
		  "process.args must be an array of strings, not a number" },
		{ "\"process\":{\"args\":\"sh\"}",
		  "process.args must be an array of strings, not a string" },
		{ "\"process\":{\"args\":[\"sh\",5]}",
		  "process.args[1] must be a string, not a number" },
		{ "\"process\":{\"args\":[null]}",
		  "process.args[0] must be a string, not null" },
		{ "\"process\":{\"rlimits\":{}}",
		  "process.rlimits must be an array of objects, not an object" },
		{ "\"process\":{\"rlimits\":[true]}",
		  "process.rlimits[0] must be an object, not true or false" },
		{ "\"process\":{\"capabilities\":[]}",
		  "process.capabilities must be an object, not an array" },
		{ "\"process\":{\"capabilities\":{\"bounding\":\"CAP_KILL\"}}",
		  "process.capabilities.bounding must be an array of strings, not a string" },
		{ "\"process\":{\"capabilities\":{\"ambient\":[7]}}",
		  "process.capabilities.ambient[0] must be a string, not a number" },
		{ "\"process\":{\"user\":{\"additionalGids\":[1,\"2\"]}}",
		  "process.user.additionalGids[1] must be an integer, not a string" },
		{ "\"mounts\":{}", "mounts must be an array of objects, not an object" },
		{ "\"mounts\":[{\"destination\":\"/a\"},[]]",
		  "mounts[1] must be an object, not an array" },
		{ "\"hooks\":{\"poststop\":[\"/bin/x\"]}",
		  "hooks.poststop[0] must be an object, not a string" },
		{ "\"annotations\":{\"a.b\":1}",
		  "annotations[\"a.b\"] must be a string, not a number" },
		{ "\"annotations\":[]",
		  "annotations must be an object of strings, not an array" },
		{ "\"linux\":{\"sysctl\":{\"net.x\":1}}",
		  "linux.sysctl[\"net.x\"] must be a string, not a number" },
		{ "\"linux\":{\"netDevices\":{\"eth0\":\"eth1\"}}",
		  "linux.netDevices.eth0 must be an object, not a string" },
		{ "\"linux\":{\"resources\":{\"rdma\":{\"m\":1}}}",
		  "linux.resources.rdma.m must be an object, not a number" },
		{ "\"linux\":{\"resources\":{\"devices\":[1]}}",
		  "linux.resources.devices[0] must be an object, not a number" },
		{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\","
		  "\"architectures\":[1]}}",
		  "linux.seccomp.architectures[0] must be a string, not a number" },
		{ "\"linux\":{\"namespaces\":[\"pid\"]}",
		  "linux.namespaces[0] must be an object, not a string" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
}

/* CVE-2024-40635: an id past the last wraps around to root. */
static void test_numbers(void **state)
{
	static const struct refused cases[] = {
		{ "\"process\":{\"user\":{\"uid\":4294967295}}",
		  "process.user.uid: 4294967295 is out of range: 0 to 4294967294" },
		{ "\"process\":{\"user\":{\"uid\":4294967296}}",
		  "process.user.uid: 4294967296 is out of range: 0 to 4294967294" },
		{ "\"process\":{\"user\":{\"uid\":-1}}",
		  "process.user.uid: -1 is out of range: 0 to 4294967294" },
		{ "\"process\":{\"user\":{\"gid\":18446744073709551616}}",
		  "process.user.gid: 18446744073709551616 is out of range: 0 to 4294967294" },
		{ "\"process\":{\"user\":{\"uid\":\"1e3\"}}",
		  "process.user.uid must be an integer, not a string" },
		{ "\"process\":{\"user\":{\"uid\":1e3}}",
		  "process.user.uid: 1e3 is not written as a plain integer" },
		{ "\"process\":{\"user\":{\"uid\":1.0}}",
		  "process.user.uid: 1.0 is not written as a plain integer" },
		{ "\"process\":{\"user\":{\"umask\":512}}",
		  "process.user.umask: 512 is out of range: 0 to 511" },
		{ "\"process\":{\"user\":{\"additionalGids\":[4294967295]}}",
		  "process.user.additionalGids[0]: 4294967295 is out of range: 0 to 4294967294" },
		{ "\"process\":{\"consoleSize\":{\"height\":65536,\"width\":1}}",
		  "process.consoleSize.height: 65536 is out of range: 0 to 65535" },
		{ "\"process\":{\"oomScoreAdj\":9223372036854775808}",
		  "process.oomScoreAdj: 9223372036854775808 is out of range: -9223372036854775808 "
		  "to 9223372036854775807" },
		{ "\"process\":{\"scheduler\":{\"policy\":\"SCHED_RR\",\"nice\":2147483648}}",
		  "process.scheduler.nice: 2147483648 is out of range: -2147483648 to 2147483647" },
		{ "\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":-1,\"hard\":1}]}",
		  "process.rlimits[0].soft: -1 is out of range: 0 to 18446744073709551615" },
		{ "\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"timeout\":0}]}",
		  "hooks.prestart[0].timeout: 0 is out of range: 1 to 2147483647" },
		{ "\"linux\":{\"uidMappings\":[{\"containerID\":4294967295,\"hostID\":0,\"size\":1}]}",
		  "linux.uidMappings[0].containerID: 4294967295 is out of range: 0 to 4294967294" },
		{ "\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":4294967296}]}",
		  "linux.uidMappings[0].size: 4294967296 is out of range: 0 to 4294967295" },
		{ "\"linux\":{\"resources\":{\"blockIO\":{\"weight\":65536}}}",
		  "linux.resources.blockIO.weight: 65536 is out of range: 0 to 65535" },
		{ "\"linux\":{\"resources\":{\"network\":{\"classID\":4294967296}}}",
		  "linux.resources.network.classID: 4294967296 is out of range: 0 to 4294967295" },
		{ "\"linux\":{\"resources\":{\"devices\":[{\"allow\":true,\"major\":-2}]}}",
		  "linux.resources.devices[0].major: -2 is out of range: -1 to 4294967295" },
		{ "\"linux\":{\"resources\":{\"cpu\":{\"shares\":-1}}}",
		  "linux.resources.cpu.shares: -1 is out of range: 0 to 18446744073709551615" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
}

static void test_names(void **state)
{
	static const struct refused cases[] = {
		{ "\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_FOO\",\"soft\":1,\"hard\":1}]}",
		  "process.rlimits[0].type: \"RLIMIT_FOO\" is not known; known are RLIMIT_AS, "
		  "RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, "
		  "RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, "
		  "RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING and RLIMIT_STACK" },
		{ "\"process\":{\"ioPriority\":{\"class\":\"IOPRIO_CLASS_NONE\"}}",
		  "process.ioPriority.class: \"IOPRIO_CLASS_NONE\" is not known; known are "
		  "IOPRIO_CLASS_RT, IOPRIO_CLASS_BE and IOPRIO_CLASS_IDLE" },
		{ "\"process\":{\"scheduler\":{\"policy\":\"SCHED_FOO\"}}",
		  "process.scheduler.policy: \"SCHED_FOO\" is not known; known are SCHED_OTHER, "
		  "SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_ISO, SCHED_IDLE and SCHED_DEADLINE" },
		{ "\"linux\":{\"namespaces\":[{\"type\":\"net\"}]}",
		  "linux.namespaces[0].type: \"net\" is not known; known are pid, network, mount, "
		  "ipc, uts, user, cgroup and time" },
		{ "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\",\"path\":\"/x\"}]}",
		  "linux.namespaces[1]: the pid namespace is listed twice" },
		{ "\"linux\":{\"timeOffsets\":{\"realtime\":{\"secs\":1}}}",
		  "linux.timeOffsets.realtime: no clock \"realtime\"; known are monotonic and "
		  "boottime" },
		{ "\"linux\":{\"rootfsPropagation\":\"public\"}",
		  "linux.rootfsPropagation: \"public\" is not known; known are shared, slave, "
		  "private, unbindable, rshared, rslave, rprivate and runbindable" },
		{ "\"linux\":{\"personality\":{\"domain\":\"BSD\"}}",
		  "linux.personality.domain: \"BSD\" is not known; known are LINUX and LINUX32" },
		{ "\"linux\":{\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"SHORT_INODE\"]}}",
		  "linux.personality.flags[0]: \"SHORT_INODE\" is not known; there are no flags" },
		{ "\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[\"X\"]}}",
		  "linux.memoryPolicy.flags[0]: \"X\" is not known; known are "
		  "MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES" },
		{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_BLOCK\"}}",
		  "linux.seccomp.defaultAction: \"SCMP_ACT_BLOCK\" is not known; known are "
		  "SCMP_ACT_KILL_THREAD, SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_TRAP, "
		  "SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG and "
		  "SCMP_ACT_NOTIFY" },
		{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\",\"flags\":"
		  "[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}}",
		  "linux.seccomp.flags[0]: \"SECCOMP_FILTER_FLAG_NEW_LISTENER\" is not known; known "
		  "are SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG, "
		  "SECCOMP_FILTER_FLAG_SPEC_ALLOW and SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" },
		{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{"
		  "\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":0,"
		  "\"value\":1,\"op\":\"EQ\"}]}]}}",
		  "linux.seccomp.syscalls[0].args[0].op: \"EQ\" is not known; known are "
		  "SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT "
		  "and SCMP_CMP_MASKED_EQ" },
	};
	struct error e = ERROR_INIT;

	(void)state;
	ASSERT_REFUSED(cases);
	assert_int_equal(parse("{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\","
			       "\"architectures\":[\"SCMP_ARCH_VAX\"]}}}",
			       &e),
			 -EINVAL);
	assert_non_null(
		strstr(e.text, "\"SCMP_ARCH_VAX\" is not known; known are SCMP_ARCH_X86, "));
	assert_non_null(strstr(e.text, " and SCMP_ARCH_SHEB"));
}

static void test_missing(void **state)
{
	static const struct refused cases[] = {
		{ "\"process\":{\"rlimits\":[{\"soft\":1,\"hard\":1}]}",
		  "process.rlimits[0].type is missing" },
		{ "\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"hard\":1}]}",
		  "process.rlimits[0].soft is missing" },
		{ "\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1}]}",
		  "process.rlimits[0].hard is missing" },
		{ "\"process\":{\"consoleSize\":{\"height\":1}}",
		  "process.consoleSize.width is missing" },
		{ "\"process\":{\"scheduler\":{}}", "process.scheduler.policy is missing" },
		{ "\"process\":{\"ioPriority\":{\"class\":null}}",
		  "process.ioPriority.class is missing" },
		{ "\"mounts\":[{\"source\":\"x\"}]", "mounts[0].destination is missing" },
		{ "\"mounts\":[{\"destination\":\"\"}]",
		  "mounts[0].destination: must not be empty" },
		{ "\"hooks\":{\"poststart\":[{\"args\":[\"x\"]}]}",
		  "hooks.poststart[0].path is missing" },
		{ "\"hooks\":{\"poststart\":[{\"path\":\"\"}]}",
		  "hooks.poststart[0].path: must not be empty" },
		{ "\"linux\":{\"namespaces\":[{\"path\":\"/x\"}]}",
		  "linux.namespaces[0].type is missing" },
		{ "\"linux\":{\"gidMappings\":[{\"containerID\":0,\"size\":1}]}",
		  "linux.gidMappings[0].hostID is missing" },
		{ "\"linux\":{\"devices\":[{\"path\":\"/dev/x\"}]}",
		  "linux.devices[0].type is missing" },
		{ "\"linux\":{\"devices\":[{\"type\":\"c\"}]}",
		  "linux.devices[0].path is missing" },
		{ "\"linux\":{\"seccomp\":{}}", "linux.seccomp.defaultAction is missing" },
		{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\","
		  "\"syscalls\":[{\"names\":[\"a\"]}]}}",
		  "linux.seccomp.syscalls[0].action is missing" },
		{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\","
		  "\"syscalls\":[{\"action\":\"SCMP_ACT_LOG\"}]}}",
		  "linux.seccomp.syscalls[0].names is missing" },
		{ "\"linux\":{\"personality\":{}}", "linux.personality.domain is missing" },
		{ "\"linux\":{\"memoryPolicy\":{}}", "linux.memoryPolicy.mode is missing" },
		{ "\"linux\":{\"resources\":{\"devices\":[{\"access\":\"rwm\"}]}}",
		  "linux.resources.devices[0].allow is missing" },
		{ "\"linux\":{\"resources\":{\"hugepageLimits\":[{\"limit\":1}]}}",
		  "linux.resources.hugepageLimits[0].pageSize is missing" },
		{ "\"linux\":{\"resources\":{\"blockIO\":{\"throttleReadBpsDevice\":"
		  "[{\"major\":1,\"minor\":1}]}}}",
		  "linux.resources.blockIO.throttleReadBpsDevice[0].rate is missing" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
}

static void test_letters(void **state)
{
	static const struct refused cases[] = {
		{ "\"linux\":{\"devices\":[{\"type\":\"x\",\"path\":\"/dev/x\"}]}",
		  "linux.devices[0].type: \"x\" is none of the letters cbup" },
		{ "\"linux\":{\"devices\":[{\"type\":\"cb\",\"path\":\"/dev/x\"}]}",
		  "linux.devices[0].type: \"cb\" is none of the letters cbup" },
		{ "\"linux\":{\"devices\":[{\"type\":\"\",\"path\":\"/dev/x\"}]}",
		  "linux.devices[0].type: \"\" is none of the letters cbup" },
		{ "\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"type\":\"p\"}]}}",
		  "linux.resources.devices[0].type: \"p\" is none of the letters acb" },
		{ "\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rx\"}]}}",
		  "linux.resources.devices[0].access: \"rx\" has other letters than r, w and m" },
		{ "\"linux\":{\"resources\":{\"devices\":[{\"allow\":true,\"type\":\"c\"}]}}",
		  "linux.resources.devices[0]: allows a device without saying what for: \"access\" "
		  "needs letters of r, w and m" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
}

/* No string ends early, no text goes on for ever, no message carries a terminal's escapes. */
static void test_hostile_text(void **state)
{
	struct error e = ERROR_INIT;
	char path[5000];
	autobuf b;

	(void)state;
	assert_int_equal(parse("{\"process\":{\"cwd\":\"/\\u0000etc\"}}", &e), -EINVAL);
	assert_string_equal(e.text, "config.json:1:21: a string may not hold \\u0000");
	assert_int_equal(parse("{\"process\":{\"rlimits\":[{\"type\":\"\\u001b[2J\\n\"}]}}",
			       &e),
			 -EINVAL);
	assert_non_null(strstr(e.text, "type: \"?[2J?\" is not known"));

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[4999] = '\0';
	buf_init(&b, 1 << 16);
	buf_addf(&b, "{\"mounts\":[{\"destination\":\"%s\"}]}", path);
	assert_int_equal(parse(b.data, &e), -EINVAL);
	assert_string_equal(e.text,
			    "config.json:1: mounts[0].destination: a path of 4999 bytes is "
			    "too long");
}

static void test_oversize(void **state)
{
	struct error e = ERROR_INIT;
	struct spec s;

	(void)state;
	assert_int_equal(spec_parse("config.json", "{}", (size_t)SPEC_MAX_BYTES + 1, &s, &e),
			 -E2BIG);
	assert_string_equal(
		e.text, "config.json: 16777217 bytes are too many, at most 16777216 are read");
	assert_string_equal(e.step, "config");
}

static void assert_bomb(const char *begin, const char *part, const char *end, size_t max,
			int want)
{
	struct error e = ERROR_INIT;
	autobuf b;
	int r;

	buf_init(&b, max);
	buf_adds(&b, begin);
	while (b.len + strlen(part) + strlen(end) < max)
		buf_adds(&b, part);
	buf_adds(&b, end);
	r = parse(b.data, &e);
	if (r != want)
		fail_msg("%s%s...: %d, %s", begin, part, r, e.text);
}

/* Whatever there is many of, it is refused or read, and nothing is left behind. */
static void test_bombs(void **state)
{
	(void)state;
	assert_bomb("{\"mounts\":", "[", "", 5u << 20, -E2BIG);
	assert_bomb("{\"x\":[0", ",0", "]}", 5u << 20, -E2BIG);
	assert_bomb("{\"a\":1", ",\"a\":1", "}", 5u << 20, 0);
	assert_bomb("{\"process\":{\"env\":[\"\"", ",\"\"", "]}}", 5u << 20, -E2BIG);
	assert_bomb("{\"process\":{\"args\":[\"x\"", ",\"abcdefgh\"", "]}}", 5u << 20, 0);
	assert_bomb("{\"annotations\":{\"\":\"\"", ",\"a\":\"b\"", "}}", 5u << 20, 0);
	assert_bomb("{\"mounts\":[{\"destination\":\"/\"}", ",{\"destination\":\"/\"}", "]}",
		    8u << 20, 0);
	assert_bomb("{\"linux\":{\"sysctl\":{\"a\":\"\"", ",\"net.x\":\"1\"", "}}}", 5u << 20,
		    0);
	assert_bomb("{\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}",
		    ",{\"containerID\":0,\"hostID\":0,\"size\":1}", "]}}", 5u << 20, 0);
	assert_bomb("{\"process\":{\"capabilities\":{\"bounding\":[\"X\"", ",\"X\"", "]}}}",
		    3u << 20, 0);
}

static void test_name_without_document(void **state)
{
	struct error e = ERROR_INIT;
	struct spec_process p;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_int_equal(spec_parse_process(&a, "process.json", "{\"args\":7}", 10, &p, &e),
			 -EINVAL);
	assert_string_equal(e.text,
			    "process.json:1: args must be an array of strings, not a number");
	assert_string_equal(e.step, "config");
	arena_done(&a);
}

static const char process_text[] =
	"{\"args\":[\"a\"],\"env\":[\"A=\\n\"],\"user\":{\"additionalGids\":[1]},"
	"\"capabilities\":{\"bounding\":[\"X\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1}]}";

static const char resources_text[] =
	"{\"devices\":[{\"allow\":false}],\"rdma\":{\"m\":{\"hcaHandles\":1}},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}],\"unified\":{\"a\":\"b\"},"
	"\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":1,\"minor\":1,\"rate\":1}]}}";

static const char seccomp_text[] =
	"{\"defaultAction\":\"SCMP_ACT_LOG\",\"architectures\":[\"SCMP_ARCH_X86\"],"
	"\"syscalls\":[{\"names\":[\"a\",\"b\"],\"action\":\"SCMP_ACT_ALLOW\","
	"\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}";

static int parse_process(struct arena *a, struct error *e)
{
	struct spec_process p;

	return spec_parse_process(a, "p", process_text, strlen(process_text), &p, e);
}

static int parse_resources(struct arena *a, struct error *e)
{
	struct spec_resources r;

	return spec_parse_resources(a, "r", resources_text, strlen(resources_text), &r, e);
}

static int parse_seccomp(struct arena *a, struct error *e)
{
	struct spec_seccomp s;

	return spec_parse_seccomp(a, "s", seccomp_text, strlen(seccomp_text), &s, e);
}

/* Every point at which memory can end: an error each time, until there is enough. */
static void assert_memory_errors(int (*part)(struct arena *, struct error *))
{
	size_t ceiling;
	int r = -ENOMEM;

	for (ceiling = 0; r != 0; ceiling += 8) {
		struct error e = ERROR_INIT;
		struct arena a;

		arena_init(&a, ceiling);
		r = part(&a, &e);
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_non_null(strstr(e.text, "not enough memory for this document"));
			assert_string_equal(e.step, "config");
		}
		arena_done(&a);
		assert_true(ceiling < 1 << 16);
	}
	assert_true(ceiling > 512);
}

static void test_memory(void **state)
{
	(void)state;
	assert_memory_errors(parse_process);
	assert_memory_errors(parse_resources);
	assert_memory_errors(parse_seccomp);
}

int main(void)
{
#define TEST(name, f)                     \
	{                                 \
		name, f, NULL, NULL, NULL \
	}
	const struct CMUnitTest tests[] = {
		TEST("the document is an object", test_document),
		TEST("a wrong type names what it must be", test_types),
		TEST("a number is plain and in range", test_numbers),
		TEST("an unknown name lists the known ones", test_names),
		TEST("what is required is missed", test_missing),
		TEST("letters are those there are", test_letters),
		TEST("hostile text stays text", test_hostile_text),
		TEST("an oversize document is not looked at", test_oversize),
		TEST("bombs are refused or read", test_bombs),
		TEST("a part is named by its own file", test_name_without_document),
		TEST("without memory there is an error", test_memory),
	};

	return cmocka_run_group_tests_name("spec/parse_errors", tests, NULL, NULL);
}
