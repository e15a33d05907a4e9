/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/check.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "spec/parse.h"
#include "spec/spec.h"

/*
 * Every case is a document that is fine but for what stands on its second line; of a repeated key
 * the last one counts, so that line replaces what it names.
 */
#define BASE                                                        \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"}," \
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"},"            \
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"uts\"}]},\n"

#define PROCESS(more)   "\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"," more "}"
#define LINUX(ns, more) "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}" ns "]," more "}"
#define NS(type)        ",{\"type\":\"" type "\"}"
#define MAP(more)       "[{\"containerID\":0,\"hostID\":1000,\"size\":1000}" more "]"
#define USERNS          LINUX(NS("user"), "\"uidMappings\":" MAP("") ",\"gidMappings\":" MAP(""))
#define MOUNT(more)     "\"mounts\":[" more "]"

struct refused {
	const char *line;
	const char *text; /* behind "config.json:2: " */
};

static int check_text(const char *text, struct error *e)
{
	struct spec s = { 0 };
	int r;

	r = spec_parse("config.json", text, strlen(text), &s, e);
	if (r < 0)
		fail_msg("%s: %s", text, e->text);
	r = spec_check(&s, e);
	spec_done(&s);
	return r;
}

static void check_line(const char *line, struct error *e, int want)
{
	autobuf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(buf_addf(&b, "%s%s}", BASE, line), 0);
	*e = ERROR_INIT;
	if (check_text(b.data, e) != want)
		fail_msg("%s: %s", line, e->errnum ? e->text : "accepted");
}

static void assert_accepted(const char *line)
{
	struct error e;

	check_line(line, &e, 0);
	assert_int_equal(e.errnum, 0);
}

static void assert_refused(const char *line, const char *text, int errnum)
{
	static const char where[] = "config.json:2: ";
	struct error e;

	check_line(line, &e, -errnum);
	assert_int_equal(e.errnum, errnum);
	assert_string_equal(e.step, "config");
	if (strncmp(e.text, where, strlen(where)) != 0)
		fail_msg("%s", e.text);
	assert_string_equal(e.text + strlen(where), text);
}

#define ASSERT_REFUSED(cases)                             \
	for (size_t i_ = 0; i_ < ARRAY_SIZE(cases); i_++) \
	assert_refused((cases)[i_].line, (cases)[i_].text, EINVAL)

static void test_full_document(void **state)
{
	struct error e = ERROR_INIT;
	struct spec s = { 0 };
	autobuf b = { 0 };

	(void)state;
	assert_int_equal(
		file_read(AT_FDCWD, "tests/fixtures/full.json", SPEC_MAX_BYTES, &b, &e), 0);
	assert_int_equal(spec_parse("full.json", b.data, b.len, &s, &e), 0);

	/* Two values of the fixture are there to be read; the rules have a word on them. */
	assert_int_equal(spec_check(&s, &e), -EINVAL);
	assert_string_equal(e.text,
			    "full.json:41: process.scheduler.priority: is for SCHED_FIFO "
			    "and SCHED_RR, not SCHED_DEADLINE");
	s.process.scheduler.priority = 0;
	e = ERROR_INIT;
	if (spec_check(&s, &e) < 0)
		fail_msg("%s", e.text);
	spec_done(&s);
}

static void test_top(void **state)
{
	static const struct refused cases[] = {
		{ "\"ociVersion\":null",
		  "ociVersion: is missing; this runtime implements 1.0 to 1.3" },
		{ "\"ociVersion\":\"2.0.0\"",
		  "ociVersion: \"2.0.0\" is no version 1.x of the runtime-spec" },
		{ "\"ociVersion\":\"1.\"",
		  "ociVersion: \"1.\" is no version 1.x of the runtime-spec" },
		{ "\"ociVersion\":\"10.0\"",
		  "ociVersion: \"10.0\" is no version 1.x of the runtime-spec" },
		{ "\"root\":{}",
		  "root.path: is missing; the usual value of root.path is \"rootfs\"" },
		{ "\"process\":null", "process: is missing: there is nothing to run" },
		{ "\"hostname\":\"a\\nb\"", "hostname: \"a?b\" holds a control character" },
		{ "\"hostname\":\"01234567890123456789012345678901234567890123456789012345678901234\"",
		  "hostname: 65 bytes are too long, at most 64" },
		{ "\"hostname\":\"a\"," LINUX("", "\"x\":1"),
		  "hostname: would change the host's name: linux.namespaces lacks \"uts\"" },
		{ "\"domainname\":\"a\"," LINUX("", "\"x\":1"),
		  "domainname: would change the host's name: linux.namespaces lacks \"uts\"" },
		{ "\"hooks\":{\"createRuntime\":[{\"path\":\"/ok\"},{\"path\":\"bin/x\"}]}",
		  "hooks.createRuntime[1].path: \"bin/x\" is no absolute path" },
	};
	struct error e = ERROR_INIT;

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted("\"ociVersion\":\"1.0.2-dev\"");
	assert_accepted("\"hostname\":\"h\",\"domainname\":\"d\"");
	assert_accepted("\"hooks\":{\"poststop\":[{\"path\":\"/x\",\"timeout\":1}]}");

	assert_int_equal(check_text("{\"ociVersion\":\"1.0.0\"}", &e), -EINVAL);
	assert_string_equal(e.text,
			    "config.json:1: root: is missing; the usual value of root.path is "
			    "\"rootfs\"");
}

static void test_process(void **state)
{
	static const struct refused cases[] = {
		{ "\"process\":{\"cwd\":\"/\"}",
		  "process.args: is empty: there is nothing to run" },
		{ "\"process\":{\"args\":[],\"cwd\":\"/\"}",
		  "process.args: is empty: there is nothing to run" },
		{ "\"process\":{\"args\":[\"\",\"x\"],\"cwd\":\"/\"}",
		  "process.args[0]: must name the program to run" },
		{ "\"process\":{\"args\":[\"sh\"]}", "process.cwd: is missing; \"/\" will do" },
		{ "\"process\":{\"args\":[\"sh\"],\"cwd\":\"srv\"}",
		  "process.cwd: \"srv\" is no absolute path" },
		{ PROCESS("\"env\":[\"A=1\",\"=2\"]"),
		  "process.env[1]: \"=2\" has no name: write NAME=value" },
		{ PROCESS("\"env\":[\"\"]"),
		  "process.env[0]: \"\" has no name: write NAME=value" },
		{ PROCESS("\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_FLY\"]}"),
		  "process.capabilities: no capability \"CAP_FLY\"" },
		{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},"
			  "{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]"),
		  "process.rlimits[1]: RLIMIT_CPU is limited twice" },
		{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]"),
		  "process.rlimits[0]: the soft limit of RLIMIT_CPU is above the hard one: 2, 1" },
		{ PROCESS("\"oomScoreAdj\":1001"),
		  "process.oomScoreAdj: 1001 is out of range: -1000 to 1000" },
		{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}"),
		  "process.ioPriority.priority: 8 is out of range: 0 to 7" },
		{ PROCESS("\"execCPUAffinity\":{\"initial\":\"0-\"}"),
		  "process.execCPUAffinity.initial: \"0-\" is no list of CPUs like 0-3,7" },
		{ PROCESS("\"execCPUAffinity\":{\"final\":\"3-1\"}"),
		  "process.execCPUAffinity.final: \"3-1\" is no list of CPUs like 0-3,7" },
		{ PROCESS("\"apparmorProfile\":\"a\\nb\""),
		  "process.apparmorProfile: \"a?b\" holds a control character" },
		{ PROCESS("\"selinuxLabel\":\"a\\u007f\""),
		  "process.selinuxLabel: \"a?\" holds a control character" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(PROCESS("\"env\":[\"NAKED\",\"A=\",\"B=x\\ny\"]"));
	assert_accepted(PROCESS("\"execCPUAffinity\":{\"initial\":\"0-3,7\",\"final\":\"0\"}"));
	assert_accepted(PROCESS("\"capabilities\":{\"ambient\":[\"kill\",\"CAP_KILL\"]}"));
}

static void test_hints(void **state)
{
	struct error e;

	(void)state;
	check_line(LINUX(NS("user"), "\"x\":1"), &e, -EINVAL);
	assert_non_null(strstr(e.hint, "map root at least"));
	check_line(PROCESS("\"capabilities\":{\"bounding\":[\"CAP_FLY\"]}"), &e, -EINVAL);
	assert_non_null(strstr(e.hint, "capabilities(7)"));
}

#define SCHEDULER(more) PROCESS("\"scheduler\":{" more "}")

static void test_scheduler(void **state)
{
	static const struct refused cases[] = {
		{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"nice\":20"),
		  "process.scheduler.nice: 20 is out of range: -20 to 19" },
		{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"priority\":1"),
		  "process.scheduler.priority: is for SCHED_FIFO and SCHED_RR, not SCHED_OTHER" },
		{ SCHEDULER("\"policy\":\"SCHED_FIFO\""),
		  "process.scheduler.priority: 0 is out of range for SCHED_FIFO: 1 to 99" },
		{ SCHEDULER("\"policy\":\"SCHED_RR\",\"priority\":100"),
		  "process.scheduler.priority: 100 is out of range for SCHED_RR: 1 to 99" },
		{ SCHEDULER("\"policy\":\"SCHED_BATCH\",\"period\":1"),
		  "process.scheduler: runtime, deadline and period are for SCHED_DEADLINE, not "
		  "SCHED_BATCH" },
		{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"deadline\":5"),
		  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period" },
		{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":6,\"deadline\":5"),
		  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period" },
		{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":5,\"deadline\":5,"
			    "\"period\":4"),
		  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_refused(SCHEDULER("\"policy\":\"SCHED_ISO\""),
		       "process.scheduler.policy: no Linux has SCHED_ISO", ENOTSUP);
	assert_accepted(SCHEDULER("\"policy\":\"SCHED_RR\",\"priority\":99"));
	assert_accepted(SCHEDULER("\"policy\":\"SCHED_IDLE\""));
	assert_accepted(
		SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":1"));
}

/* What the kernel would refuse late, and what would map ids twice or past the end. */
static void test_user_namespace(void **state)
{
	static const struct refused cases[] = {
		{ LINUX("", "\"uidMappings\":" MAP("")),
		  "linux.uidMappings: is for a user namespace, which linux.namespaces lacks" },
		{ LINUX("", "\"gidMappings\":" MAP("")),
		  "linux.gidMappings: is for a user namespace, which linux.namespaces lacks" },
		{ LINUX(NS("user"), "\"uidMappings\":" MAP("")),
		  "linux.gidMappings: is missing: nobody would exist in the user namespace" },
		{ LINUX(NS("user"), "\"x\":1"),
		  "linux.uidMappings: is missing: nobody would exist in the user namespace" },
		{ LINUX(NS("user"),
			"\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":0}],"
			"\"gidMappings\":" MAP("")),
		  "linux.uidMappings[0]: a size of 0 maps nothing" },
		{ LINUX(NS("user"),
			"\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":4294967295}],"
			"\"gidMappings\":" MAP("")),
		  "linux.uidMappings[0]: 4294967295 ids from 0 and 1 on go past the last id, "
		  "4294967294" },
		{ LINUX(NS("user"), "\"uidMappings\":" MAP(
					    "") ",\"gidMappings\":[{\"containerID\":4294967290,"
						"\"hostID\":0,\"size\":6}]"),
		  "linux.gidMappings[0]: 6 ids from 4294967290 and 0 on go past the last id, "
		  "4294967294" },
		{ LINUX(NS("user"),
			"\"uidMappings\":" MAP(",{\"containerID\":999,\"hostID\":5000,\"size\":1}") ",\"gidMappings\":" MAP(
				"")),
		  "linux.uidMappings[1]: overlaps [0] inside the container" },
		{ LINUX(NS("user"),
			"\"uidMappings\":" MAP("") ",\"gidMappings\":" MAP(
				",{\"containerID\":1000,\"hostID\":1,\"size\":1000}")),
		  "linux.gidMappings[1]: overlaps [0] on the host" },
		{ "\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":{\"uid\":1000}}," USERNS,
		  "process.user.uid: 1000 has no mapping in linux.uidMappings" },
		{ "\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":{\"gid\":1000}}," USERNS,
		  "process.user.gid: 1000 has no mapping in linux.gidMappings" },
		{ "\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"user\":{\"additionalGids\":[0,999,1000]}"
		  "}," USERNS,
		  "process.user.additionalGids[2]: 1000 has no mapping in linux.gidMappings" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(USERNS);
	assert_accepted("\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
			"{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}]}");
	assert_accepted(LINUX(
		NS("user"),
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":4294967295}],"
		"\"gidMappings\":" MAP(",{\"containerID\":1000,\"hostID\":2000,\"size\":1}")));
}

static void mappings_doc(struct buf *b, int n)
{
	int i;

	buf_addf(b,
		 "%s\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
		 "\"gidMappings\":" MAP("") ",\"uidMappings\":[",
		 BASE);
	for (i = 0; i < n; i++)
		buf_addf(b, "%s{\"containerID\":%d,\"hostID\":%d,\"size\":1}", i ? "," : "", i,
			 i + 7);
	buf_adds(b, "]}}");
}

static void test_many_mappings(void **state)
{
	struct error e = ERROR_INIT;
	autobuf few, many;

	(void)state;
	buf_init(&few, 1 << 20);
	buf_init(&many, 1 << 20);
	mappings_doc(&few, 340);
	mappings_doc(&many, 341);
	assert_int_equal(check_text(few.data, &e), 0);
	assert_int_equal(check_text(many.data, &e), -EINVAL);
	assert_string_equal(e.text,
			    "config.json:2: linux.uidMappings: 341 mappings are too many "
			    "for the kernel, at most 340");
}

static void test_namespaces(void **state)
{
	static const struct refused cases[] = {
		{ "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
		  "{\"type\":\"pid\",\"path\":\"proc/1/ns/pid\"}]}",
		  "linux.namespaces: the path \"proc/1/ns/pid\" of the pid namespace is not "
		  "absolute" },
		{ LINUX("", "\"timeOffsets\":{\"monotonic\":{\"secs\":1}}"),
		  "linux.timeOffsets.monotonic: is for a new time namespace, which linux.namespaces lacks" },
		{ LINUX(",{\"type\":\"time\",\"path\":\"/x\"}",
			"\"timeOffsets\":{\"boottime\":{\"secs\":1}}"),
		  "linux.timeOffsets.boottime: is for a new time namespace, which linux.namespaces lacks" },
		{ LINUX(NS("time"), "\"timeOffsets\":{\"boottime\":{\"nanosecs\":1000000000}}"),
		  "linux.timeOffsets.boottime: 1000000000 nanoseconds are a second or more" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(
		LINUX(NS("time"), "\"timeOffsets\":{\"boottime\":{\"nanosecs\":999999999}}"));
}

/* Of a type that is not listed the container has the runtime's own. */
static void test_no_mount_namespace(void **state)
{
#define SHARED \
	"linux.rootfsPropagation: is for a mount namespace, which linux.namespaces lacks: the "
	static const struct refused cases[] = {
		{ "\"linux\":{\"namespaces\":[{\"type\":\"user\"}],\"uidMappings\":" MAP(
			  "") ",\"gidMappings\":" MAP("") "}",
		  "linux.namespaces: a container with a user namespace can mount nothing in the mount "
		  "namespace of the runtime" },
		{ "\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":\"/proc/9/ns/user\"}]}",
		  "linux.namespaces: a container with a user namespace can mount nothing in the mount "
		  "namespace of the runtime" },
		{ "\"linux\":{\"namespaces\":[],\"rootfsPropagation\":\"shared\"}",
		  SHARED "root is private in the runtime's own" },
		{ "\"linux\":{\"rootfsPropagation\":\"rprivate\"}",
		  SHARED "root is private in the runtime's own" },
	};
	struct error e;

	(void)state;
	ASSERT_REFUSED(cases);
	check_line(cases[0].line, &e, -EINVAL);
	assert_string_equal(e.hint, "list \"mount\", too, or leave \"user\" out");
	check_line(cases[2].line, &e, -EINVAL);
	assert_string_equal(e.hint, "list \"mount\" in linux.namespaces, or leave this out");
	assert_accepted("\"linux\":{}");
	assert_accepted("\"linux\":{\"namespaces\":[]}");
	assert_accepted(
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\"}],\"maskedPaths\":[\"/proc/kcore\"]}," MOUNT(
			"{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/x\","
			"\"options\":[\"rbind\",\"rshared\"]}"));
	assert_accepted("\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],"
			"\"rootfsPropagation\":\"shared\"}");
#undef SHARED
}

static void test_net_devices(void **state)
{
	static const struct refused cases[] = {
		{ LINUX("", "\"netDevices\":{\"eth0\":{}}"),
		  "linux.netDevices: is for a network namespace, which linux.namespaces lacks" },
		{ LINUX(NS("network"), "\"netDevices\":{\"a/b\":{}}"),
		  "linux.netDevices[\"a/b\"]: \"a/b\" is no name of a network device" },
		{ LINUX(NS("network"), "\"netDevices\":{\"..\":{}}"),
		  "linux.netDevices[\"..\"]: \"..\" is no name of a network device" },
		{ LINUX(NS("network"), "\"netDevices\":{\"0123456789abcdef\":{}}"),
		  "linux.netDevices[\"0123456789abcdef\"]: \"0123456789abcdef\" is no name of a "
		  "network device" },
		{ LINUX(NS("network"), "\"netDevices\":{\"eth0\":{\"name\":\"a b\"}}"),
		  "linux.netDevices[\"eth0\"].name: \"a b\" is no name of a network device" },
		{ LINUX(NS("network"),
			"\"netDevices\":{\"eth0\":{\"name\":\"eth1\"},\"eth1\":{}}"),
		  "linux.netDevices: two devices would be \"eth1\" in the container" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(LINUX(NS("network"), "\"netDevices\":{\"eth0\":{\"name\":\"n%d\"},"
					     "\"eth1\":{\"name\":\"n%d\"},\"eth2\":{}}"));
}

static void test_mounts(void **state)
{
	static const struct refused cases[] = {
		{ MOUNT("{\"destination\":\"/\",\"type\":\"tmpfs\"}"),
		  "mounts[0].destination: \"/\" is what root.path says" },
		{ MOUNT("{\"destination\":\"/a/..\",\"type\":\"tmpfs\"}"),
		  "mounts[0].destination: \"/\" is what root.path says" },
		{ MOUNT("{\"destination\":\"/x\",\"options\":[\"rbind\"]}"),
		  "mounts[0].source: is missing: a bind mount needs one" },
		{ MOUNT("{\"destination\":\"/x\",\"source\":\"/y\"}"),
		  "mounts[0].type: is missing, and no option says \"bind\" or \"rbind\"" },
		{ MOUNT("{\"destination\":\"/x\",\"type\":\"proc\",\"options\":[\"tmpcopyup\"]}"),
		  "mounts[0].options: \"tmpcopyup\" is for type \"tmpfs\" only" },
		{ MOUNT("{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"idmap\"]}"),
		  "mounts[0].options: \"idmap\" without uidMappings takes those of the user "
		  "namespace, and there is none" },
		{ MOUNT("{\"destination\":\"/x\",\"type\":\"tmpfs\",\"uidMappings\":" MAP(
			  "") "}"),
		  "mounts[0]: uidMappings and gidMappings go together, gidMappings is missing" },
		{ MOUNT("{\"destination\":\"/x\",\"type\":\"tmpfs\",\"gidMappings\":" MAP(
			  "") "}"),
		  "mounts[0]: uidMappings and gidMappings go together, uidMappings is missing" },
		{ MOUNT("{\"destination\":\"/x\",\"type\":\"tmpfs\",\"uidMappings\":" MAP(
			  ",{\"containerID\":5,\"hostID\":1,\"size\":1}") ",\"gidMappings\":" MAP("") "}"),
		  "mounts[0].uidMappings[1]: overlaps [0] inside the container" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(
		MOUNT("{\"destination\":\"/a\",\"type\":\"tmpfs\"},"
		      "{\"destination\":\"/a\",\"type\":\"tmpfs\"},"
		      "{\"destination\":\"/a\",\"source\":\"/s\",\"options\":[\"bind\"]},"
		      "{\"destination\":\"/a\",\"source\":\"/s\",\"options\":[\"bind\"]}"));
	assert_accepted(
		MOUNT("{\"destination\":\"/a\",\"type\":\"tmpfs\"},"
		      "{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"remount\"]},"
		      "{\"destination\":\"/a\",\"options\":[\"remount\",\"ro\"]},"
		      "{\"destination\":\"/a\",\"options\":[\"remount\",\"ro\"]}"));
	assert_accepted(MOUNT("{\"destination\":\"/a\",\"source\":\"/s\","
			      "\"options\":[\"bind\",\"idmap\"]}") "," USERNS);
}

#define IDMAP_OPTION(text) \
	MOUNT("{\"destination\":\"/a\",\"source\":\"/s\",\"options\":[\"bind\",\"" text "\"]}")

static void test_idmap_option(void **state)
{
	static const struct refused cases[] = {
		{ IDMAP_OPTION("idmap=uids=0-1;gids=0-1-2"),
		  "mounts[0].options: \"idmap=uids=0-1;gids=0-1-2\" is no mapping like "
		  "idmap=uids=0-1000-1;gids=0-1000-1" },
		{ IDMAP_OPTION("ridmap=both=0-1-2"),
		  "mounts[0].options: \"ridmap=both=0-1-2\" is no mapping like "
		  "idmap=uids=0-1000-1;gids=0-1000-1" },
		{ IDMAP_OPTION("idmap=uids=0-1-2"),
		  "mounts[0]: uidMappings and gidMappings go together, gidMappings is missing" },
		{ IDMAP_OPTION("idmap=uids=0-1-2#1-9-1;gids=0-1-2"),
		  "mounts[0].uidMappings[1]: overlaps [0] inside the container" },
		{ MOUNT("{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"idmap\"]}") "," USERNS,
		  "mounts[0].options: an id map is for bind mounts only" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(IDMAP_OPTION("idmap=uids=0-1-2#@9-9-1;gids=0-1-2"));
}

static void test_proc_mounts(void **state)
{
	static const struct refused cases[] = {
		{ MOUNT("{\"destination\":\"/proc\",\"source\":\"/proc\"}"),
		  "mounts[0].type: is missing, and no option says \"bind\" or \"rbind\"" },
		{ MOUNT("{\"destination\":\"/proc\",\"type\":\"tmpfs\"}"),
		  "mounts[0].destination: a file system of type \"tmpfs\" on /proc would hide "
		  "procfs" },
		{ MOUNT("{\"destination\":\"/proc/self/attr\",\"type\":\"tmpfs\"}"),
		  "mounts[0].destination: \"/proc/self/attr\" is inside /proc, where only a few "
		  "files may be covered" },
		{ MOUNT("{\"destination\":\"/x/../proc//sys/\",\"source\":\"/s\","
			"\"options\":[\"bind\"]}"),
		  "mounts[0].destination: \"/proc/sys\" is inside /proc, where only a few files "
		  "may be covered" },
		{ MOUNT("{\"destination\":\"proc/1\",\"source\":\"/s\",\"options\":[\"bind\"]}"),
		  "mounts[0].destination: \"/proc/1\" is inside /proc, where only a few files may "
		  "be covered" },
		{ MOUNT("{\"destination\":\"/proc/cpuinfo2\",\"source\":\"/s\","
			"\"options\":[\"bind\"]}"),
		  "mounts[0].destination: \"/proc/cpuinfo2\" is inside /proc, where only a few "
		  "files may be covered" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(MOUNT("{\"destination\":\"/proc\",\"type\":\"proc\"}"));
	assert_accepted(MOUNT("{\"destination\":\"/proc\",\"source\":\"/proc\","
			      "\"options\":[\"rbind\"]}"));
	assert_accepted(
		MOUNT("{\"destination\":\"/proc/cpuinfo\",\"source\":\"/lxcfs/cpuinfo\","
		      "\"options\":[\"bind\"]}"));
	assert_accepted(MOUNT("{\"destination\":\"/procfs\",\"type\":\"tmpfs\"}"));
}

/* CVE-2022-0811: a name or a value that smuggles a second setting, one that changes the host. */
static void test_sysctls(void **state)
{
	static const struct refused cases[] = {
		{ LINUX(NS("ipc"), "\"sysctl\":{\"kernel.shm_rmid_forced\":\"1\","
				   "\"kernel.shm_rmid_forced=1+kernel.core_pattern\":\"x\"}"),
		  "linux.sysctl[\"kernel.shm_rmid_forced=1+kernel.core_pattern\"]: "
		  "\"kernel.shm_rmid_forced=1+kernel.core_pattern\" is no name of a sysctl" },
		{ LINUX(NS("ipc"),
			"\"sysctl\":{\"kernel.shmmax\":\"1\\nkernel.core_pattern=x\"}"),
		  "linux.sysctl[\"kernel.shmmax\"]: the value \"1?kernel.core_pattern=x\" holds a "
		  "control character" },
		{ LINUX(NS("network"), "\"sysctl\":{\"net/../kernel/core_pattern\":\"x\"}"),
		  "linux.sysctl[\"net/../kernel/core_pattern\"]: \"net/../kernel/core_pattern\" is "
		  "no name of a sysctl" },
		{ LINUX(NS("network"), "\"sysctl\":{\"net.//.kernel\":\"x\"}"),
		  "linux.sysctl[\"net.//.kernel\"]: \"net.//.kernel\" is no name of a sysctl" },
		{ LINUX(NS("network"), "\"sysctl\":{\"net..ipv4\":\"x\"}"),
		  "linux.sysctl[\"net..ipv4\"]: \"net..ipv4\" is no name of a sysctl" },
		{ LINUX(NS("network"), "\"sysctl\":{\"/net/ipv4\":\"x\"}"),
		  "linux.sysctl[\"/net/ipv4\"]: \"/net/ipv4\" is no name of a sysctl" },
		{ LINUX(NS("network"), "\"sysctl\":{\"net.ipv4\\n.x\":\"x\"}"),
		  "linux.sysctl[\"net.ipv4?.x\"]: \"net.ipv4?.x\" is no name of a sysctl" },
		{ LINUX(NS("network"), "\"sysctl\":{\"\":\"x\"}"),
		  "linux.sysctl[\"\"]: \"\" is no name of a sysctl" },
		{ LINUX("", "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}"),
		  "linux.sysctl[\"net.ipv4.ip_forward\"]: \"net.ipv4.ip_forward\" would change the "
		  "host: linux.namespaces lacks \"network\"" },
		{ LINUX("", "\"sysctl\":{\"fs/mqueue/msg_max\":\"1\"}"),
		  "linux.sysctl[\"fs/mqueue/msg_max\"]: \"fs/mqueue/msg_max\" would change the "
		  "host: linux.namespaces lacks \"ipc\"" },
		{ LINUX(NS("ipc"), "\"sysctl\":{\"kernel.core_pattern\":\"x\"}"),
		  "linux.sysctl[\"kernel.core_pattern\"]: \"kernel.core_pattern\" belongs to no "
		  "namespace: it would change the host" },
		{ LINUX(NS("ipc"), "\"sysctl\":{\"kernel.msgmaximum\":\"1\"}"),
		  "linux.sysctl[\"kernel.msgmaximum\"]: \"kernel.msgmaximum\" belongs to no "
		  "namespace: it would change the host" },
		{ LINUX(NS("uts"), "\"sysctl\":{\"kernel.hostname\":\"x\"}"),
		  "linux.sysctl[\"kernel.hostname\"]: the container's name is what hostname says" },
		{ "\"domainname\":\"a\"," LINUX(NS("uts"),
						"\"sysctl\":{\"kernel.domainname\":\"b\"}"),
		  "linux.sysctl[\"kernel.domainname\"]: domainname says \"a\"" },
		{ LINUX("", "\"sysctl\":{\"user.max_user_namespaces\":\"1\"}"),
		  "linux.sysctl[\"user.max_user_namespaces\"]: \"user.max_user_namespaces\" would "
		  "change the host: linux.namespaces lacks \"user\"" },
		{ LINUX(NS("network"), "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\","
				       "\"net/ipv4/ip_forward\":\"0\"}"),
		  "linux.sysctl: \"net/ipv4/ip_forward\" is set twice, by two spellings of its "
		  "name" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(
		LINUX(NS("network") NS("ipc") NS("uts"),
		      "\"sysctl\":{\"net.ipv4.conf.eth0/1.forwarding\":\"1\","
		      "\"net/ipv4/conf/eth0.2/forwarding\":\"1\","
		      "\"kernel.sem\":\"250\\t32000 32 128\",\"kernel.domainname\":\"d\","
		      "\"fs.mqueue.msg_max\":\"5\",\"kernel/shmall\":\"5\"}"));
	assert_accepted("\"domainname\":\"d\"," LINUX(
		NS("uts"), "\"sysctl\":{\"kernel.domainname\":\"d\"}"));
}

static void test_many_sysctls(void **state)
{
	struct error e;
	autobuf b;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\"}],"
		     "\"sysctl\":{\"net.a\":\"1\"");
	for (i = 0; i < 1024; i++)
		buf_addf(&b, ",\"net.x%d\":\"1\"", i);
	buf_adds(&b, "}}");
	check_line(b.data, &e, -EINVAL);
	assert_string_equal(
		e.text,
		"config.json:2: linux.sysctl: 1025 settings are too many, at most 1024");
}

static void test_linux(void **state)
{
	static const struct refused cases[] = {
		{ LINUX("", "\"devices\":[{\"type\":\"p\",\"path\":\"dev/x\"}]"),
		  "linux.devices[0].path: \"dev/x\" is no absolute path" },
		{ LINUX("",
			"\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":4096}]"),
		  "linux.devices[0].major: 4096 is out of range: 0 to 4095" },
		{ LINUX("", "\"devices\":[{\"type\":\"b\",\"path\":\"/dev/x\",\"minor\":-1}]"),
		  "linux.devices[0].minor: -1 is out of range: 0 to 1048575" },
		{ LINUX("", "\"maskedPaths\":[\"/ok\",\"proc/kcore\"]"),
		  "linux.maskedPaths[1]: \"proc/kcore\" is no absolute path" },
		{ LINUX("", "\"readonlyPaths\":[\"\"]"),
		  "linux.readonlyPaths[0]: \"\" is no absolute path" },
		{ LINUX("", "\"mountLabel\":\"a\\nb\""),
		  "linux.mountLabel: \"a?b\" holds a control character" },
		{ LINUX("", "\"intelRdt\":{\"closID\":\"../x\"}"),
		  "linux.intelRdt.closID: \"../x\" is no name of a class" },
		{ LINUX("", "\"intelRdt\":{\"closID\":\"..\"}"),
		  "linux.intelRdt.closID: \"..\" is no name of a class" },
		{ LINUX("", "\"intelRdt\":{\"closID\":\"mon_groups\"}"),
		  "linux.intelRdt.closID: \"mon_groups\" is no name of a class" },
		{ LINUX("", "\"intelRdt\":{\"l3CacheSchema\":\"L3:0=f\\nMB:0=1\"}"),
		  "linux.intelRdt.l3CacheSchema: \"L3:0=f?MB:0=1\" holds a control character" },
		{ LINUX("", "\"intelRdt\":{\"memBwSchema\":\"0=1\"}"),
		  "linux.intelRdt.memBwSchema: \"0=1\" must begin with MB:" },
		{ LINUX("", "\"intelRdt\":{\"memBwSchema\":\"MB:0=1\\n\"}"),
		  "linux.intelRdt.memBwSchema: \"MB:0=1?\" holds a control character" },
		{ LINUX("", "\"intelRdt\":{\"schemata\":[\"L3:0=f\",\"a\\nb\"]}"),
		  "linux.intelRdt.schemata[1]: \"a?b\" holds a control character" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(
		LINUX("", "\"intelRdt\":{\"closID\":\"/\",\"memBwSchema\":\"MB:0=1\"}"));
	assert_accepted(
		LINUX("", "\"devices\":[{\"type\":\"p\",\"path\":\"/x\",\"major\":-1}]"));
}

#define POLICY(more) LINUX("", "\"memoryPolicy\":{" more "}")

static void test_memory_policy(void **state)
{
	static const struct refused cases[] = {
		{ POLICY("\"mode\":\"MPOL_BIND\",\"nodes\":\"0,\""),
		  "linux.memoryPolicy.nodes: \"0,\" is no list of nodes like 0-3,7" },
		{ POLICY("\"mode\":\"MPOL_DEFAULT\",\"nodes\":\"0\""),
		  "linux.memoryPolicy.nodes: MPOL_DEFAULT takes no nodes" },
		{ POLICY("\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\""),
		  "linux.memoryPolicy.nodes: MPOL_LOCAL takes no nodes" },
		{ POLICY("\"mode\":\"MPOL_INTERLEAVE\""),
		  "linux.memoryPolicy.nodes: is missing: MPOL_INTERLEAVE needs nodes" },
		{ POLICY("\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":"
			 "[\"MPOL_F_STATIC_NODES\",\"MPOL_F_RELATIVE_NODES\"]"),
		  "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
		  "each other" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(POLICY("\"mode\":\"MPOL_DEFAULT\""));
	assert_accepted(POLICY("\"mode\":\"MPOL_PREFERRED\""));
	assert_accepted(POLICY("\"mode\":\"MPOL_LOCAL\",\"nodes\":\"\""));
}

static void test_cgroups_path(void **state)
{
	static const struct refused cases[] = {
		{ LINUX("", "\"cgroupsPath\":\"../../x\""),
		  "linux.cgroupsPath: \"../../x\" climbs out by \"..\"" },
		{ LINUX("", "\"cgroupsPath\":\"/a/b/..\""),
		  "linux.cgroupsPath: \"/a/b/..\" climbs out by \"..\"" },
		{ LINUX("", "\"cgroupsPath\":\"system.slice:..:x\""),
		  "linux.cgroupsPath: \"system.slice:..:x\" climbs out by \"..\"" },
		{ LINUX("", "\"cgroupsPath\":\"a\\nb\""),
		  "linux.cgroupsPath: \"a?b\" holds a control character" },
	};
	char part[300], line[8192];
	struct error e;
	size_t i;

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(LINUX("", "\"cgroupsPath\":\"//a/./b..c/...\""));
	assert_accepted(LINUX("", "\"cgroupsPath\":\"user.slice:prefix:a\\\\x2eb\""));

	memset(part, 'x', sizeof(part));
	part[256] = '\0';
	snprintf(line, sizeof(line), LINUX("", "\"cgroupsPath\":\"/a/%s\""), part);
	check_line(line, &e, -EINVAL);
	assert_non_null(strstr(e.text, "a part of 256 bytes is too long, at most 255"));

	strcpy(line, "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"cgroupsPath\":\"");
	for (i = 0; i < 2048; i++)
		strcat(line, "/a");
	strcat(line, "\"}");
	check_line(line, &e, -EINVAL);
	assert_non_null(strstr(e.text, "4096 bytes are too long, at most 4095"));
}

#define RESOURCES(more) LINUX("", "\"resources\":{" more "}")

static void test_resources(void **state)
{
	static const struct refused cases[] = {
		{ RESOURCES("\"memory\":{\"limit\":-2}"),
		  "linux.resources.memory.limit: -2 is no limit; -1 says there is none" },
		{ RESOURCES("\"pids\":{\"limit\":-5}"),
		  "linux.resources.pids.limit: -5 is no limit; -1 says there is none" },
		{ RESOURCES("\"memory\":{\"limit\":100,\"swap\":50}"),
		  "linux.resources.memory.swap: 50 is memory and swap together, below "
		  "memory.limit, 100" },
		{ RESOURCES("\"memory\":{\"swappiness\":101}"),
		  "linux.resources.memory.swappiness: 101 is out of range: 0 to 100" },
		{ RESOURCES("\"cpu\":{\"period\":999}"),
		  "linux.resources.cpu.period: 999 is out of range: 1000 to 1000000" },
		{ RESOURCES("\"cpu\":{\"quota\":1000,\"burst\":1001}"),
		  "linux.resources.cpu.burst: 1001 is more than cpu.quota, 1000" },
		{ RESOURCES("\"cpu\":{\"idle\":2}"),
		  "linux.resources.cpu.idle: 2 is neither 0 nor 1" },
		{ RESOURCES("\"cpu\":{\"cpus\":\"0\\n1\"}"),
		  "linux.resources.cpu.cpus: \"0?1\" is no list like 0-3,7" },
		{ RESOURCES("\"cpu\":{\"mems\":\"all\"}"),
		  "linux.resources.cpu.mems: \"all\" is no list like 0-3,7" },
		{ RESOURCES("\"blockIO\":{\"weight\":9}"),
		  "linux.resources.blockIO.weight: 9 is out of range: 10 to 1000" },
		{ RESOURCES("\"blockIO\":{\"leafWeight\":1001}"),
		  "linux.resources.blockIO.leafWeight: 1001 is out of range: 10 to 1000" },
		{ RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}"),
		  "linux.resources.blockIO.weightDevice[0]: has neither weight nor leafWeight" },
		{ RESOURCES(
			  "\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":5}]}"),
		  "linux.resources.blockIO.weightDevice[0]: 5 is out of range: 10 to 1000" },
		{ RESOURCES("\"blockIO\":{\"throttleReadIOPSDevice\":"
			    "[{\"major\":-8,\"minor\":0,\"rate\":1}]}"),
		  "linux.resources.blockIO.throttleReadIOPSDevice[0]: -8:0 is no device" },
		{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":1}]"),
		  "linux.resources.hugepageLimits[0].pageSize: \"../x\" is no size like 64KB, 2MB "
		  "or 1GB" },
		{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2M\",\"limit\":1}]"),
		  "linux.resources.hugepageLimits[0].pageSize: \"2M\" is no size like 64KB, 2MB or "
		  "1GB" },
		{ RESOURCES("\"rdma\":{\"mlx\":{}}"),
		  "linux.resources.rdma[\"mlx\"]: has neither hcaHandles nor hcaObjects" },
		{ RESOURCES("\"rdma\":{\"a b\":{\"hcaHandles\":1}}"),
		  "linux.resources.rdma[\"a b\"]: \"a b\" is no name of a device" },
		{ RESOURCES("\"unified\":{\"../memory.max\":\"1\"}"),
		  "linux.resources.unified[\"../memory.max\"]: \"../memory.max\" is no name of a "
		  "cgroup's file" },
		{ RESOURCES("\"unified\":{\"memory\":\"1\"}"),
		  "linux.resources.unified[\"memory\"]: \"memory\" is no name of a cgroup's file" },
		{ RESOURCES("\"unified\":{\"cgroup.procs\":\"1\"}"),
		  "linux.resources.unified[\"cgroup.procs\"]: \"cgroup.procs\" is the runtime's "
		  "own" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(
		RESOURCES("\"pids\":{\"limit\":0},\"memory\":{\"limit\":-1,\"swap\":-1},"
			  "\"cpu\":{\"quota\":-1,\"burst\":5,\"period\":0,\"cpus\":\"0-3,7\"},"
			  "\"unified\":{\"memory.high\":\"1\",\"cgroup.max.depth\":\"3\"},"
			  "\"blockIO\":{\"weight\":0}"));
}

static void test_resources_alone(void **state)
{
	struct spec_resources r = { .pids_limit = { true, -2 } };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(spec_check_resources(&r, "resources", &e), -EINVAL);
	assert_string_equal(e.text,
			    "resources.pids.limit: -2 is no limit; -1 says there is none");
	r.pids_limit.value = 7;
	assert_int_equal(spec_check_resources(&r, "resources", &e), 0);
}

#define SECCOMP(more) LINUX("", "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\"," more "}")
#define RULE(more)    SECCOMP("\"syscalls\":[{\"names\":[\"read\"]," more "}]")

/* What would be ignored, or read as another rule than the one that was meant. */
static void test_seccomp(void **state)
{
	static const struct refused cases[] = {
		{ LINUX("",
			"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_KILL\",\"defaultErrnoRet\":1}"),
		  "linux.seccomp.defaultErrnoRet: SCMP_ACT_KILL_THREAD takes no errno" },
		{ LINUX("",
			"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":0}"),
		  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno" },
		{ RULE("\"action\":\"SCMP_ACT_KILL_PROCESS\",\"errnoRet\":1"),
		  "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_KILL_PROCESS takes no errno" },
		{ RULE("\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":4096"),
		  "linux.seccomp.syscalls[0].errnoRet: 4096 is out of range for SCMP_ACT_ERRNO: 0 "
		  "to 4095" },
		{ RULE("\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65536"),
		  "linux.seccomp.syscalls[0].errnoRet: 65536 is out of range for SCMP_ACT_TRACE: 0 "
		  "to 65535" },
		{ SECCOMP("\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}]"),
		  "linux.seccomp.syscalls[0].names: is empty: a rule names at least one system "
		  "call" },
		{ SECCOMP("\"syscalls\":[{\"names\":[\"read\",\"\"],\"action\":\"SCMP_ACT_ALLOW\"}]"),
		  "linux.seccomp.syscalls[0].names[1]: is empty" },
		{ RULE("\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":5,\"value\":1,\"op\":"
		       "\"SCMP_CMP_EQ\"},{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]"),
		  "linux.seccomp.syscalls[0].args[1].index: 6 is out of range: 0 to 5" },
		{ SECCOMP("\"listenerMetadata\":\"x\""),
		  "linux.seccomp.listenerMetadata: must not be set without listenerPath" },
		{ SECCOMP("\"listenerPath\":\"x\""),
		  "linux.seccomp.listenerPath: \"x\" is no absolute path" },
		{ RULE("\"action\":\"SCMP_ACT_NOTIFY\""),
		  "linux.seccomp.listenerPath: is missing: SCMP_ACT_NOTIFY needs somebody to "
		  "answer" },
	};

	(void)state;
	ASSERT_REFUSED(cases);
	assert_accepted(SECCOMP("\"defaultErrnoRet\":38"));
	assert_accepted(RULE("\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535"));
	assert_accepted(SECCOMP("\"listenerPath\":\"/x\",\"listenerMetadata\":\"m\","
				"\"syscalls\":[{\"names\":[\"read\"],"
				"\"action\":\"SCMP_ACT_NOTIFY\"}]"));
}

static void test_ids(void **state)
{
	static const char *const bad[] = {
		"",     ".",        "..",   ".hidden", "a/b", "../x", "/abs", "a b",
		"a\nb", "\xc3\xa9", "a\\b", "a:b",     "a*",  "a%2e", "@x",
	};
	static const char *const good[] = {
		"a", "0", "-", "_", "+", "a.b..c", "A-Z_0+9.", "-rf"
	};
	char id[1026];
	struct error e = ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(spec_check_id(bad[i], &e), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(spec_check_id(good[i], &e), 0);
	assert_int_equal(spec_check_id("a/b", &e), -EINVAL);
	assert_string_equal(
		e.text, "invalid character \"/\" in the container ID \"a/b\": letters, digits "
			"and _ + - . are valid, but no . at its beginning");

	memset(id, 'a', sizeof(id));
	id[1025] = '\0';
	assert_int_equal(spec_check_id(id, &e), -EINVAL);
	assert_string_equal(e.text, "a container id of 1025 bytes is too long, at most 1024");
	id[1024] = '\0';
	assert_int_equal(spec_check_id(id, &e), 0);
}

static void test_exec_process(void **state)
{
	static const char text[] = BASE USERNS "}";
	char ls[] = "ls", *args[] = { ls, NULL };
	struct spec_process p = { .present = true, .args = { 1, args }, .cwd = "here" };
	struct error e = ERROR_INIT;
	struct spec s;

	(void)state;
	assert_int_equal(spec_check_process(NULL, &p, "process", &e), -EINVAL);
	assert_string_equal(e.text, "process.cwd: \"here\" is no absolute path");

	p.cwd = "/";
	p.user.uid = 1000;
	assert_int_equal(spec_check_process(NULL, &p, "process", &e), 0);
	assert_int_equal(spec_parse("config.json", text, strlen(text), &s, &e), 0);
	assert_int_equal(spec_check_process(&s, &p, "exec", &e), -EINVAL);
	assert_string_equal(e.text, "exec.user.uid: 1000 has no mapping in linux.uidMappings");
	spec_done(&s);
}

/* The same in a document that spreads over lines, and without the document. */
static void test_lines(void **state)
{
	static const char text[] =
		"{\n\"ociVersion\": \"1.0.0\",\n\"root\": {\"path\": \"r\"},\n"
		"\"process\": {\n \"cwd\": \"/\",\n \"args\": [\"sh\"],\n"
		" \"env\": [\n  \"A=1\",\n  \"B=2\",\n  \"=\"\n ]\n},\n"
		"\"linux\": {\"namespaces\": [{\"type\": \"mount\"}]}}";
	struct error e = ERROR_INIT;
	struct spec s;

	(void)state;
	assert_int_equal(spec_parse("c.json", text, strlen(text), &s, &e), 0);
	assert_int_equal(spec_check(&s, &e), -EINVAL);
	assert_string_equal(e.text,
			    "c.json:10: process.env[2]: \"=\" has no name: write NAME=value");
	s.doc = NULL;
	assert_int_equal(spec_check(&s, &e), -EINVAL);
	assert_string_equal(e.text,
			    "c.json: process.env[2]: \"=\" has no name: write NAME=value");
	assert_int_equal(spec_check(&s, NULL), -EINVAL);
	spec_done(&s);
}

/* Repetitions are found in n log n: 200,000 network devices are not 200,000 squared. */
static void test_many_net_devices(void **state)
{
	struct error e = ERROR_INIT;
	autobuf b;
	int i;

	(void)state;
	buf_init(&b, 16u << 20);
	buf_adds(&b,
		 BASE "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\"}],"
		      "\"netDevices\":{\"first\":{\"name\":\"m0\"}");
	for (i = 0; i < 200000; i++)
		buf_addf(&b, ",\"m%d\":{}", i ^ 1);
	buf_adds(&b, "}}}");
	assert_int_equal(check_text(b.data, &e), -EINVAL);
	assert_string_equal(
		e.text,
		"config.json:2: linux.netDevices: two devices would be \"m0\" in the container");
}

int main(void)
{
#define TEST(name, f)                     \
	{                                 \
		name, f, NULL, NULL, NULL \
	}
	const struct CMUnitTest tests[] = {
		TEST("a document with every field passes", test_full_document),
		TEST("the top of the document has rules", test_top),
		TEST("a process has rules", test_process),
		TEST("some refusals come with advice", test_hints),
		TEST("a scheduler's values belong to its policy", test_scheduler),
		TEST("ids are mapped once and inside their range", test_user_namespace),
		TEST("the kernel takes 340 mappings", test_many_mappings),
		TEST("namespaces have rules", test_namespaces),
		TEST("what needs a mount namespace says so where there is none",
		     test_no_mount_namespace),
		TEST("network devices have names", test_net_devices),
		TEST("mounts have rules", test_mounts),
		TEST("mappings in an option are whole, and of a bind mount", test_idmap_option),
		TEST("procfs is not covered", test_proc_mounts),
		TEST("a sysctl is one clean name in a namespace of its own", test_sysctls),
		TEST("sysctls are bounded in number", test_many_sysctls),
		TEST("linux has rules", test_linux),
		TEST("memory policies have rules", test_memory_policy),
		TEST("a cgroup path does not climb", test_cgroups_path),
		TEST("resources have rules", test_resources),
		TEST("resources are judged on their own too", test_resources_alone),
		TEST("seccomp says what it cannot do", test_seccomp),
		TEST("a container id is a plain name", test_ids),
		TEST("a process to exec is judged by its container", test_exec_process),
		TEST("messages name the line where the document is known", test_lines),
		TEST("many network devices are compared in time", test_many_net_devices),
	};

	return cmocka_run_group_tests_name("spec/check", tests, NULL, NULL);
}
