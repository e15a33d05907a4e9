// SPDX-License-Identifier: Apache-2.0
#include "api/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "api/problem.h"
#include "base/mem.h"
#include "base/str.h"

static unsigned read_spec(const char *text, struct database *d, struct problems *p)
{
	json_t *spec = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(spec);
	problems_init(p);
	assert_int_equal(database_read(d, "ns", "db", "uid", 1, spec, p), 0);
	json_decref(spec);
	return p->count;
}

static void an_empty_spec_is_a_whole_Database(void **state)
{
	struct database d;
	struct problems p;

	(void)state;
	assert_int_equal(read_spec("{}", &d, &p), 0);
	assert_string_equal(d.version, "17");
	assert_int_equal(d.replicas, 1);
	assert_int_equal(quantity_units(&d.size), 1 << 30);
	assert_string_equal(d.deletion_policy, "Retain");
	assert_true(d.read_only.enabled && !d.any.enabled && d.read_write.enabled);
	assert_int_equal(d.run_as_user, 999);
	problems_done(&p);
	database_done(&d);
}

static void the_short_forms_of_a_minimal_example_are_read(void **state)
{
	struct database d;
	struct problems p;

	(void)state;
	assert_int_equal(read_spec("{\"engine\":\"postgres\",\"version\":16,\"replicas\":2,"
				   "\"storage\":\"2Gi\",\"owner\":\"somebody\"}",
				   &d, &p),
			 0);
	assert_string_equal(d.version, "16");
	assert_int_equal(quantity_units(&d.size), 2ll << 30);
	problems_done(&p);
	database_done(&d);
	assert_int_equal(read_spec("{\"version\":16.4}", &d, &p), 0);
	assert_string_equal(d.version, "16.4");
	problems_done(&p);
	database_done(&d);
}

static void every_wrong_field_is_told_with_its_path(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"replicas\":16}", "spec.replicas: must be from 0 to 15" },
		{ "{\"replicas\":\"two\"}",
		  "spec.replicas: must be a whole number, and is a string" },
		{ "{\"replicas\":1.5}", "spec.replicas" },
		{ "{\"engine\":\"oracle\"}", "spec.engine" },
		{ "{\"engine\":3}", "spec.engine" },
		{ "{\"version\":\"seventeen\"}", "spec.version" },
		{ "{\"version\":\"9\"}", "spec.version" },
		{ "{\"storage\":{\"size\":\"x\"}}", "spec.storage.size: \"x\" is no quantity" },
		{ "{\"storage\":{\"size\":\"-1Gi\"}}", "spec.storage.size" },
		{ "{\"storage\":[]}", "spec.storage: must be an object" },
		{ "{\"services\":7}", "spec.services: must be an object" },
		{ "{\"config\":{\"parameters\":{\"a\":1}}}", "quote it" },
		{ "{\"config\":{\"parameters\":{\"port\":\"1\"}}}", "the operator's to set" },
		{ "{\"config\":{\"parameters\":{\"ssl_key_file\":\"x\"}}}",
		  "the operator's to set" },
		{ "{\"config\":{\"hostBasedAuthentication\":[\"#\",\"host a b c\"]}}",
		  "spec.config.hostBasedAuthentication: [1] \"host\" has no method" },
		{ "{\"tls\":{\"mode\":\"Maybe\"}}", "Disabled, Allowed, Required" },
		{ "{\"tls\":{\"additionalNames\":[\"a.b\",\"A_b\"]}}",
		  "spec.tls.additionalNames: [1] \"A_b\"" },
		{ "{\"tls\":{\"additionalNames\":[\"a\"],\"secretRef\":{\"name\":\"s\"}}}",
		  "spec.tls.additionalNames: is for" },
		{ "{\"image\":\"r:5000/postgres:18-alpine\"}", "is of version 18" },
		{ "{\"restore\":{\"backup\":\"b\"}}", "spec.restore: is not supported yet" },
		{ "{\"databases\":[{\"name\":\"app\",\"ensure\":\"Absent\"}]}",
		  "is bootstrap.database" },
		{ "{\"databases\":[{\"name\":\"a\",\"extensions\":[{\"ensure\":\"Absent\"}]}]}",
		  "extensions[0] is no extension's name" },
		{ "{\"users\":[{\"name\":\"a\",\"ensure\":\"Absent\"},{\"name\":\"b\","
		  "\"roles\":[\"a\"]}]}",
		  "roles[0] \"a\" is to be Absent" },
		{ "{\"config\":{\"parameters\":{\"a\":\"x\\ny\"}}}", "must be one line" },
		{ "{\"podTemplate\":{\"env\":[3]}}",
		  "spec.podTemplate.env: [0] must be an object" },
		{ "{\"podTemplate\":{\"sidecars\":[{\"name\":\"database\"}]}}",
		  "the operator's own" },
		{ "{\"podTemplate\":{\"env\":[{\"name\":\"a\"},{\"name\":\"a\"}]}}", "twice" },
		{ "{\"podTemplate\":{\"labels\":{\"example.com/x\":\"y\"}}}",
		  "the operator's own" },
		{ "{\"resources\":{\"requests\":{\"cpu\":\"much\"}}}",
		  "spec.resources.requests" },
		{ "{\"resources\":{\"requests\":{\"cpu\":\"2\"},\"limits\":{\"cpu\":\"1\"}}}",
		  "above its limit" },
		{ "{\"backup\":{\"schedule\":\"often\"}}", "spec.backup.schedule" },
		{ "{\"backup\":{\"schedule\":\"* * * *\"}}", "spec.backup.schedule" },
		{ "{\"deletionPolicy\":\"Snapshot\"}",
		  "spec.deletionPolicy: must be one of Retain, Delete" },
		{ "{\"bootstrap\":{\"owner\":\"Robert'); --\"}}", "spec.bootstrap.owner" },
		{ "{\"users\":[{\"name\":\"pg_one\"}]}", "spec.users[0]: name must be" },
		{ "{\"users\":[{}]}", "spec.users[0]: name must be" },
		{ "{\"users\":[{\"name\":\"app\"}]}", "\"app\" is bootstrap.owner" },
		{ "{\"users\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
		  "spec.users[1]: \"a\" is there twice" },
		{ "{\"users\":[{\"name\":\"a\",\"roles\":[\"b\\\"\"]}]}",
		  "roles[0] is no role's" },
		{ "{\"users\":[{\"name\":\"a\",\"ensure\":\"Perhaps\"}]}",
		  "Present or Absent" },
		{ "{\"databases\":[{\"name\":\"a;\"}]}", "spec.databases[0]: name must be" },
		{ "{\"databases\":[{\"name\":\"postgres\"}]}", "one of PostgreSQL's own" },
		{ "{\"databases\":[{\"name\":\"a\",\"owner\":\"B\"}]}", "owner is no role's" },
		{ "{\"databases\":[{\"name\":\"a\",\"extensions\":[\"x y\"]}]}",
		  "extensions[0] is no extension's" },
		{ "{\"databases\":[{\"name\":\"a\",\"grants\":[{\"role\":\"b\",\"privileges\":[\"USAGE\"]}]}]}",
		  "spec.databases[0].grants[0]: \"USAGE\" is no privilege on Tables" },
		{ "{\"databases\":[{\"name\":\"a\",\"grants\":[{\"role\":\"b\"}]}]}",
		  "privileges must name one" },
		{ "{\"databases\":[{\"name\":\"a\",\"grants\":[{\"role\":\"b\",\"on\":\"Moon\"}]}]}",
		  "on must be Database" },
		{ "{\"replication\":{\"maximumLagBytes\":-1}}",
		  "spec.replication.maximumLagBytes" },
		{ "{\"pause\":\"yes\"}", "spec.pause: must be true or false" },
		{ "{\"monitoring\":{\"enabled\":true}}", "spec.monitoring.exporterImage" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct database d;
		struct problems p;

		assert_true(read_spec(bad[i][0], &d, &p) > 0);
		if (!strstr(problems_text(&p), bad[i][1]))
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i][0], problems_text(&p),
				 bad[i][1]);
		problems_done(&p);
		database_done(&d);
	}
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	struct database d;
	struct problems p;

	(void)state;
	assert_int_equal(read_spec("{\"replicas\":99,\"version\":\"x\",\"pause\":1}", &d, &p),
			 3);
	problems_done(&p);
	database_done(&d);
}

static void a_spec_that_is_no_object_is_as_good_as_none(void **state)
{
	static const char *const odd[] = { "null", "3", "\"x\"", "[]", "true" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct database d;
		struct problems p;

		assert_int_equal(read_spec(odd[i], &d, &p), 0);
		problems_done(&p);
		database_done(&d);
	}
}

static void schedules_are_known(void **state)
{
	static const char *const good[] = { "0 3 * * *", "*/15 0-6,22 1 1-12/2 0", "@daily",
					    "0 0 * * 7" };
	char text[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct database d;
		struct problems p;

		str_format(text, sizeof(text), "{\"backup\":{\"schedule\":\"%s\"}}", good[i]);
		assert_int_equal(read_spec(text, &d, &p), 0);
		problems_done(&p);
		database_done(&d);
	}
}

static void unknown_members_are_found_for_check(void **state)
{
	json_t *spec = json_loads(
		"{\"replica\":1,\"storage\":{\"siez\":1},\"podTemplate\":{\"env\":[]}}", 0,
		NULL);
	struct problems p;

	(void)state;
	problems_init(&p);
	database_unknown(spec, &p);
	assert_int_equal(p.count, 2);
	assert_non_null(strstr(problems_text(&p), "spec.storage.siez"));
	problems_done(&p);
	json_decref(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_spec_is_a_whole_Database),
		cmocka_unit_test(the_short_forms_of_a_minimal_example_are_read),
		cmocka_unit_test(every_wrong_field_is_told_with_its_path),
		cmocka_unit_test(all_that_is_wrong_is_told_at_once),
		cmocka_unit_test(a_spec_that_is_no_object_is_as_good_as_none),
		cmocka_unit_test(schedules_are_known),
		cmocka_unit_test(unknown_members_are_found_for_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
