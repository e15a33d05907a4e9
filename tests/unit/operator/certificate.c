// SPDX-License-Identifier: Apache-2.0
#include "certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "observed.h"

#define NOW 1800000000
#define DAY 86400

static void an_authority_signs_what_lasts_no_longer_than_itself(void **state)
{
	json_auto_t *names = json_pack("[s, s, s]", "db-rw", "*.db-pods", "10.0.0.1");
	autocertificate authority = { 0 }, server = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(certificate_make_authority("ours", NOW, 100 * DAY, &authority, &e), 0);
	assert_int_equal(certificate_not_after(authority.text), NOW + 100 * DAY);
	assert_int_equal(certificate_issue(&authority, names, NOW, 90 * DAY, &server, &e), 0);
	assert_int_equal(certificate_not_after(server.text), NOW + 90 * DAY);
	assert_int_equal(certificate_issue(&authority, names, NOW, 900 * DAY, &server, &e), 0);
	assert_int_equal(certificate_not_after(server.text), NOW + 100 * DAY);
	assert_true(str_starts(server.key, "-----BEGIN PRIVATE KEY-----"));
}

static void an_authority_that_is_renewed_is_the_same_one(void **state)
{
	autocertificate authority = { 0 }, other = { 0 };
	struct error e = ERROR_INIT;
	uint64_t identity;

	(void)state;
	assert_int_equal(certificate_make_authority("ours", NOW, DAY, &authority, &e), 0);
	identity = certificate_identity(authority.text);
	assert_int_not_equal(identity, 0);
	assert_int_equal(certificate_make_authority("ours", NOW, 9 * DAY, &authority, &e), 0);
	assert_int_equal(certificate_not_after(authority.text), NOW + 9 * DAY);
	assert_true(certificate_identity(authority.text) == identity);
	assert_int_equal(certificate_make_authority("ours", NOW, DAY, &other, &e), 0);
	assert_true(certificate_identity(other.text) != identity);
}

static void what_is_no_authority_signs_nothing(void **state)
{
	json_auto_t *names = json_pack("[s]", "db-rw");
	autocertificate one = { 0 }, two = { 0 }, made = { 0 };
	struct error e = ERROR_INIT;
	struct certificate mixed, bad = { (char *)"no certificate", (char *)"no key" };

	(void)state;
	assert_int_equal(certificate_make_authority("one", NOW, DAY, &one, &e), 0);
	assert_int_equal(certificate_make_authority("two", NOW, DAY, &two, &e), 0);
	mixed = (struct certificate){ one.text, two.key };
	assert_int_equal(certificate_issue(&mixed, names, NOW, DAY, &made, &e), -EINVAL);
	assert_int_equal(certificate_issue(&bad, names, NOW, DAY, &made, &e), -EINVAL);
	assert_null(made.text);
	assert_int_equal(certificate_not_after("no certificate"), 0);
	assert_int_equal(certificate_not_after(NULL), 0);
	assert_int_equal(certificate_identity(NULL), 0);
}

static void what_stands_in_the_annotation_is_read_back(void **state)
{
	struct seen_certificate c = { NOW, 0x123456789abcdef0, 7 }, read;
	char text[SEEN_CERTIFICATE_MAX];

	(void)state;
	assert_string_equal(seen_certificate_text(&c, text),
			    "2027-01-15T08:00:00Z 123456789abcdef0 0000000000000007");
	read = seen_certificate_read(text);
	assert_memory_equal(&read, &c, sizeof(c));
	assert_int_equal(seen_certificate_read(NULL).not_after, 0);
	assert_int_equal(seen_certificate_read("2027-01-15T08:00:00Z x y").not_after, 0);
	assert_int_equal(seen_certificate_read("soon").not_after, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_authority_signs_what_lasts_no_longer_than_itself),
		cmocka_unit_test(an_authority_that_is_renewed_is_the_same_one),
		cmocka_unit_test(what_is_no_authority_signs_nothing),
		cmocka_unit_test(what_stands_in_the_annotation_is_read_back),
	};

	return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
