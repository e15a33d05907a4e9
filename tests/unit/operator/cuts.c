// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cuts.h"

#define OF_POD                                                                                 \
	"{\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","                \
	"\"io.kubernetes.cri.sandbox-namespace\":\"default\","                                 \
	"\"io.kubernetes.cri.sandbox-name\":\"web\",\"io.kubernetes.cri.sandbox-uid\":\"u1\"," \
	"\"io.kubernetes.cri.container-name\":\"main\"}}"
#define CHANGE(field, asked, has)                                                         \
	"{\"policy\":\"node\",\"rule\":\"floor\",\"mode\":\"enforce\",\"field\":\"" field \
	"\",\"requested\":" asked ",\"effective\":\"" has "\"}"
#define CAPABILITIES(set)                                                         \
	CHANGE("process.capabilities." set, "\"CAP_KILL CAP_SYS_ADMIN CAP_SYS\"", \
	       "CAP_KILL CAP_SYS")

static size_t read_both(struct cuts *c, const char *record, json_t **spec, const char *text)
{
	json_auto_t *tree = tree_load(record, strlen(record));

	assert_non_null(tree);
	*spec = tree_load(text, strlen(text));
	assert_non_null(*spec);
	return cuts_read(c, tree, *spec);
}

static void capabilities_are_told_once_and_by_what_is_missing(void **state)
{
	json_auto_t *spec = NULL;
	autocuts c;

	(void)state;
	assert_int_equal(read_both(&c,
				   "{\"changes\":[" CAPABILITIES("bounding") "," CAPABILITIES(
					   "permitted") "," CAPABILITIES("effective") "]}",
				   &spec, OF_POD),
			 1);
	assert_string_equal(c.pod, "web");
	assert_string_equal(c.uid, "u1");
	assert_string_equal(c.note.data, "container main: without CAP_SYS_ADMIN (node policy "
					 "\"node\", rule \"floor\")");
}

static void what_was_not_asked_for_is_no_cut(void **state)
{
	json_auto_t *spec = NULL;
	autocuts c;

	(void)state;
	assert_int_equal(
		read_both(
			&c,
			"{\"changes\":[" CHANGE("linux.seccomp", "null", "default.json") "," CHANGE(
				"linux.seccomp.architectures", "\"SCMP_ARCH_X86\"",
				"not these") "," CHANGE("process.noNewPrivileges", "\"false\"",
							"true") "," CHANGE("linux.maskedPaths",
									   "null",
									   "/proc/kcore") "]}",
			&spec, OF_POD),
		0);
	assert_int_equal(c.note.len, 0);
}

static void several_are_told_in_one_note_and_what_is_only_looked_at_says_so(void **state)
{
	json_auto_t *spec = NULL;
	autocuts c;

	(void)state;
	assert_int_equal(
		read_both(
			&c,
			"{\"changes\":[" CHANGE(
				"process.rlimits[RLIMIT_NOFILE]", "\"1024:1024\"",
				"256:256") ","
					   "{\"policy\":\"p\",\"rule\":\"r\",\"mode\":\"audit\",\"field\":"
					   "\"process.oomScoreAdj\",\"requested\":\"-5\",\"effective\":\"0\"}]}",
			&spec, OF_POD),
		2);
	assert_string_equal(
		c.note.data,
		"container main: process.rlimits[RLIMIT_NOFILE] 1024:1024 becomes "
		"256:256 (node policy \"node\", rule \"floor\"); process.oomScoreAdj -5 "
		"becomes 0 (node policy \"p\", rule \"r\", audit: it has it still)");
}

static void sandboxes_strangers_and_records_of_another_shape_are_nobodys(void **state)
{
	static const char *const specs[] = {
		"{}",
		"[]",
		"{\"annotations\":7}",
		"{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\","
		"\"io.kubernetes.cri.sandbox-namespace\":\"a\",\"io.kubernetes.cri.sandbox-name\":"
		"\"b\",\"io.kubernetes.cri.sandbox-uid\":\"c\",\"io.kubernetes.cri.container-name\":"
		"\"d\"}}",
	};
	static const char *const records[] = {
		"{}",
		"[]",
		"{\"changes\":{}}",
		"{\"changes\":[7,{},{\"field\":1}]}",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		json_auto_t *spec = NULL, *other = NULL;
		autocuts a, b;

		assert_int_equal(read_both(&a, "{\"changes\":[" CAPABILITIES("bounding") "]}",
					   &spec, specs[i]),
				 0);
		assert_int_equal(read_both(&b, records[i], &other, OF_POD), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_told_once_and_by_what_is_missing),
		cmocka_unit_test(what_was_not_asked_for_is_no_cut),
		cmocka_unit_test(
			several_are_told_in_one_note_and_what_is_only_looked_at_says_so),
		cmocka_unit_test(sandboxes_strangers_and_records_of_another_shape_are_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
