/* SPDX-License-Identifier: Apache-2.0 */
#include "run/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#include "../seccomp/profile_same.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "oci.h"
#include "spec/check.h"
#include "spec/parse.h"

/* Whatever is known or not, what comes out is what comes of reading the whole text. */

struct fixture {
	char root[64];
	struct oci_runtime rt;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->root, "/tmp/strake-config-XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	f->rt.root = f->root;
	*state = f;
	return 0;
}

static size_t count_known(const struct fixture *f, bool empty)
{
	char path[96];
	struct dirent *d;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/.seccomp", f->root);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		n++;
		if (empty)
			unlinkat(dirfd(dir), d->d_name, 0);
	}
	if (dir)
		closedir(dir);
	if (empty)
		rmdir(path);
	return n;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	count_known(f, true);
	rmdir(f->root);
	free(f);
	return 0;
}

/* A filter that is worth keeping; `first` is what it allows first. */
static const char *profile(const char *first)
{
	static char text[4][4096];
	static unsigned int next;
	char *to = text[next++ % 4];
	int n = snprintf(to, 4096,
			 "{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [\n"
			 "  { \"names\": [ \"%s\"",
			 first);

	for (int i = 0; i < 100; i++)
		n += snprintf(to + n, 4096 - (size_t)n, ",\n    \"no_such_call_%d\"", i);
	snprintf(to + n, 4096 - (size_t)n, " ], \"action\": \"SCMP_ACT_ALLOW\" } ] }");
	return to;
}

#define BEFORE \
	"{ \"ociVersion\": \"1.2.0\", \"root\": { \"path\": \"r\" },\n \"process\": { \"cwd\": \"/\", \"args\": [ \"x\" ] },\n"

#define LINUX \
	"\"linux\": { \"namespaces\": [ { \"type\": \"mount\" }, { \"type\": \"uts\" }, { \"type\": \"network\" } ],"

static int read_whole(const char *text, size_t len, struct spec *s, struct error *e)
{
	int r = spec_parse("config.json", text, len, s, e);

	return r < 0 ? r : spec_check(s, e);
}

static void spec_same(const struct spec *a, const struct spec *b)
{
	profile_same(&a->linux_.seccomp, &b->linux_.seccomp);
	assert_int_equal(a->n_mounts, b->n_mounts);
	assert_int_equal(a->linux_.n_net_devices, b->linux_.n_net_devices);
	assert_int_equal(a->annotations.n, b->annotations.n);
	text_same(a->hostname, b->hostname);
	text_same(a->root_path, b->root_path);
	assert_int_equal(a->warnings.n, b->warnings.n);
	for (size_t i = 0; i < a->warnings.n; i++)
		text_same(a->warnings.v[i], b->warnings.v[i]);
}

/* Returns what reading it returns. */
static int check_same(struct fixture *f, const char *text, size_t len)
{
	struct error e = ERROR_INIT, e_whole = ERROR_INIT, e_again = ERROR_INIT;
	struct spec s = { 0 }, whole = { 0 }, again = { 0 };
	int r_whole = read_whole(text, len, &whole, &e_whole);
	int r = config_read(&f->rt, "config.json", text, len, &s, &e);

	assert_int_equal(r, r_whole);
	assert_string_equal(e.text, e_whole.text);
	if (r == 0) {
		spec_same(&whole, &s);
		r = config_read_again(&f->rt, "config.json", text, len, &again, &e_again);
		assert_int_equal(r, 0);
		spec_same(&whole, &again);
	}
	spec_done(&s);
	spec_done(&whole);
	spec_done(&again);
	return r;
}

static int same(struct fixture *f, const char *text)
{
	int r = check_same(f, text, strlen(text));

	assert_int_equal(check_same(f, text, strlen(text)), r);
	return r;
}

static char *document(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *document(const char *fmt, ...)
{
	static char text[1 << 15];
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(text, sizeof(text), fmt, ap) < (int)sizeof(text));
	va_end(ap);
	return text;
}

static void a_profile_is_kept_once_and_known_in_another_config(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s } }", profile("read"))),
			 0);
	assert_int_equal(count_known(f, false), 1);
	assert_int_equal(same(f, document(BEFORE "\"hostname\": \"h\", " LINUX
						 "\"seccomp\" :\n\n%s} }\n",
					  profile("read"))),
			 0);
	assert_int_equal(count_known(f, false), 1);
	assert_int_equal(
		same(f, document(BEFORE LINUX "\"seccomp\": %s } }", profile("write"))), 0);
	assert_int_equal(count_known(f, false), 2);
}

static void quotes_and_braces_in_its_strings_do_not_end_it(void **state)
{
	struct fixture *f = *state;
	const char *words = "a } { \\\" } \\\\";

	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s } }", profile(words))),
			 0);
	assert_int_equal(count_known(f, false), 1);
}

static void what_is_known_is_really_used(void **state)
{
	struct fixture *f = *state;
	const char *text = document(BEFORE LINUX "\"seccomp\": %s } }", profile("read"));
	struct error e = ERROR_INIT;
	struct spec s = { 0 };

	assert_int_equal(same(f, text), 0);
	/* Read whole, the document is a tree; with a hole it has nothing in the profile's place. */
	assert_int_equal(config_read(&f->rt, "c", text, strlen(text), &s, &e), 0);
	assert_int_equal(json_get(json_get(s.doc, "linux"), "seccomp")->len, 0);
	assert_int_equal(s.linux_.seccomp.rules[0].names.n, 101);
	spec_done(&s);
}

static void without_a_folder_all_is_read_and_none_is_made(void **state)
{
	struct fixture *f = *state;
	const char *text = document(BEFORE LINUX "\"seccomp\": %s } }", profile("read"));
	struct spec s = { 0 };

	assert_int_equal(config_read(NULL, "c", text, strlen(text), &s, NULL), 0);
	spec_done(&s);
	assert_int_equal(config_read_again(&f->rt, "c", text, strlen(text), &s, NULL), 0);
	spec_done(&s);
	assert_int_equal(count_known(f, false), 0);
}

static void short_profiles_are_not_worth_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(same(f, BEFORE LINUX
			      "\"seccomp\": { \"defaultAction\": \"SCMP_ACT_LOG\" } } }"),
			 0);
	assert_int_equal(count_known(f, false), 0);
}

static void an_object_of_that_name_elsewhere_is_not_taken_for_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s } }", profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE "\"x\": { \"seccomp\": %s }," LINUX
						 "\"seccomp\": null } }",
					  profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE "\"x\": { \"seccomp\": %s },\n" LINUX
						 "\"seccomp\": %s } }",
					  profile("read"), profile("write"))),
			 0);
	assert_int_equal(same(f,
			      document(BEFORE LINUX "\"netDevices\": { \"seccomp\": %s } } }",
				       profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE "\"annotations\": { \"seccomp\": %s } }",
					  profile("read"))),
			 -EINVAL);
	assert_int_equal(same(f, document(BEFORE "\"seccomp\": %s, " LINUX "\"seccomp\": "
						 "{ } } }",
					  profile("read"))),
			 -EINVAL);
	assert_int_equal(same(f, document("{ \"seccomp\": %s }", profile("read"))), -EINVAL);
}

static void of_a_repeated_key_the_last_one_counts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s,"
						       "\"seccomp\": %s } }",
					  profile("read"), profile("write"))),
			 0);
	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s }," LINUX
						       "\"seccomp\": null } }",
					  profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": null }," LINUX
						       "\"s\\u0065ccomp\": %s } }",
					  profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": null,"
						       "\"seccomp\": %s } }",
					  profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s,"
						       "\"seccomp\": null } }",
					  profile("read"))),
			 0);
}

static void messages_name_the_lines_of_the_whole_text(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s } }", profile("read"))),
			 0);
	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s },\n"
						       "\"hostname\": 7 }",
					  profile("read"))),
			 -EINVAL);
	assert_int_equal(
		same(f,
		     document(BEFORE LINUX
			      "\"seccomp\": %s }, \"mounts\": "
			      "[\n{ \"type\": \"tmpfs\", \"destination\": \"relative\" } ] }",
			      profile("read"))),
		0);
	assert_int_equal(
		same(f, document(BEFORE LINUX "\"seccomp\": %s }\n oops }", profile("read"))),
		-EINVAL);
	assert_int_equal(same(f, document(BEFORE LINUX "\"seccomp\": %s }", profile("read"))),
			 -EINVAL);
}

static void a_profile_that_is_refused_is_not_kept(void **state)
{
	struct fixture *f = *state;
	char *text, *at;

	text = document(BEFORE LINUX "\"seccomp\": %s } }", profile("read"));
	at = strstr(text, "ACT_ALLOW");
	assert_non_null(at);
	memcpy(at, "ACT_OLLAW", strlen("ACT_OLLAW")); /* by the parser */
	assert_int_equal(same(f, text), -EINVAL);
	text = document(BEFORE LINUX "\"seccomp\": %s } }", profile("")); /* by a rule */
	assert_int_equal(same(f, text), -EINVAL);
	text = document(BEFORE LINUX "\"seccomp\": %s }, \"hostname\": \"\\n\" }",
			profile("read")); /* what stands beside it */
	assert_int_equal(same(f, text), -EINVAL);
	assert_int_equal(count_known(f, false), 0);
}

/* Bytes of a good one replaced, cut out and doubled. */
static void altered_texts_say_what_they_say_when_read_whole(void **state)
{
	static const char bytes[] = "{}[]\",:\\ \n0ae";
	struct fixture *f = *state;
	size_t len, good = 0;
	uint32_t x = 1;
	char *text;

	for (int round = 0; round < 1500; round++) {
		text = document(BEFORE LINUX "\"seccomp\": %s, \"sysctl\": { } },\n"
					     "\"hostname\": \"\\\"a\\\\\" }",
				profile("read"));
		len = strlen(text);
		for (uint32_t n = (x = x * 1664525 + 1013904223) >> 31; n < 3; n++) {
			size_t at, k;

			x = x * 1664525 + 1013904223;
			/* One half of them around the profile's ends. */
			at = (x >> 8) % len;
			if (x & 0x80)
				at = (size_t)(strstr(text, "seccomp") - text) + at % 24;
			else if (x & 0x40)
				at = len - 1 - at % 60;
			x = x * 1664525 + 1013904223;
			k = (x >> 16) % (sizeof(bytes) - 1);
			if (x & 0x8000) {
				text[at] = bytes[k];
			} else if (x & 0x4000) {
				memmove(text + at, text + at + 1, len - at);
				len--;
			} else {
				memmove(text + at + 1, text + at, len - at + 1);
				len++;
			}
			if (!strstr(text, "seccomp"))
				break;
		}
		good += check_same(f, text, len) == 0;
	}
	assert_in_range(good, 50, 1450); /* both were seen */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_profile_is_kept_once_and_known_in_another_config),
		TEST(quotes_and_braces_in_its_strings_do_not_end_it),
		TEST(what_is_known_is_really_used),
		TEST(without_a_folder_all_is_read_and_none_is_made),
		TEST(short_profiles_are_not_worth_it),
		TEST(an_object_of_that_name_elsewhere_is_not_taken_for_it),
		TEST(of_a_repeated_key_the_last_one_counts),
		TEST(messages_name_the_lines_of_the_whole_text),
		TEST(a_profile_that_is_refused_is_not_kept),
		TEST(altered_texts_say_what_they_say_when_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
