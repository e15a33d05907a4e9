// SPDX-License-Identifier: Apache-2.0
#include "engine/postgresql_objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "api/database.h"
#include "api/problem.h"

static json_t *files_of(const char *text, uint64_t *ret_digest)
{
	json_auto_t *spec = json_loads(text, 0, NULL);
	json_t *files = json_object();
	struct problems p;
	struct database d;

	assert_non_null(spec);
	problems_init(&p);
	assert_int_equal(database_read(&d, "ns", "db", "uid", 1, spec, &p), 0);
	assert_string_equal(problems_text(&p), "");
	objects_add_files(&d, files);
	*ret_digest = objects_digest(&d);
	database_done(&d);
	problems_done(&p);
	return files;
}

static const char *file(const json_t *files, const char *name)
{
	return json_string_value(json_object_get(files, name));
}

static void what_takes_a_grant_back_is_written_down_privilege_by_privilege(void **state)
{
	uint64_t digest;
	json_auto_t *files = files_of(
		"{\"users\":[{\"name\":\"r\",\"roles\":[\"m\"]}],\"databases\":[{\"name\":\"shop\","
		"\"grants\":[{\"role\":\"r\",\"privileges\":[\"SELECT\",\"INSERT\"]},{\"role\":"
		"\"r\",\"privileges\":[\"ALL\"],\"on\":\"Schema\",\"schema\":\"s\"}]}]}",
		&digest);

	(void)state;
	assert_string_equal(
		file(files, "granted"),
		"postgres\tr\tREVOKE \"m\" FROM \"r\"\n"
		"shop\tr\tREVOKE SELECT ON ALL TABLES IN SCHEMA \"public\" FROM \"r\"\n"
		"shop\tr\tALTER DEFAULT PRIVILEGES FOR ROLE \"app\" IN SCHEMA \"public\" REVOKE "
		"SELECT ON TABLES FROM \"r\"\n"
		"shop\tr\tREVOKE INSERT ON ALL TABLES IN SCHEMA \"public\" FROM \"r\"\n"
		"shop\tr\tALTER DEFAULT PRIVILEGES FOR ROLE \"app\" IN SCHEMA \"public\" REVOKE "
		"INSERT ON TABLES FROM \"r\"\n"
		"shop\tr\tREVOKE CREATE ON SCHEMA \"s\" FROM \"r\"\n"
		"shop\tr\tREVOKE USAGE ON SCHEMA \"s\" FROM \"r\"\n");
	assert_int_not_equal(digest, 0);
	assert_int_equal(strtoull(file(files, "declared"), NULL, 16), digest);
}

static void what_is_to_be_absent_comes_last_databases_before_roles(void **state)
{
	uint64_t digest;
	json_auto_t *files =
		files_of("{\"users\":[{\"name\":\"r\",\"ensure\":\"Absent\"}],\"databases\":[{"
			 "\"name\":\"shop\",\"ensure\":\"Absent\"},{\"name\":\"depot\","
			 "\"extensions\":[{\"name\":\"hstore\",\"ensure\":\"Absent\"}]}]}",
			 &digest);

	(void)state;
	assert_string_equal(file(files, "absent.sql"),
			    "/* databases \"shop\" */ DROP DATABASE IF EXISTS \"shop\";\n"
			    "/* users \"r\" */ DROP ROLE IF EXISTS \"r\";\n");
	assert_string_equal(file(files, "database.depot.sql"),
			    "/* databases \"depot\" extensions \"hstore\" */ DROP EXTENSION IF "
			    "EXISTS \"hstore\";\n");
	assert_null(file(files, "database.shop.sql"));
	assert_null(strstr(file(files, "objects.sql"), "shop"));
}

static void nothing_declared_is_digest_0(void **state)
{
	uint64_t digest;
	json_auto_t *files = files_of("{}", &digest);

	(void)state;
	assert_int_equal(digest, 0);
	assert_string_equal(file(files, "granted"), "");
}

static bool outcome(const char *log, char **ret_failed)
{
	return objects_outcome(log, strlen(log), 0xabc, ret_failed);
}

static void the_last_whole_word_on_what_is_asked_for_counts(void **state)
{
	char *failed = NULL;

	(void)state;
	assert_false(outcome("", &failed));
	assert_false(outcome("declared 0000000000000abd: made\n", &failed));
	assert_false(outcome("declared 0000000000000abc: made", &failed));
	assert_false(outcome("x declared 0000000000000abc: made\n", &failed));
	assert_true(outcome("x\ndeclared 0000000000000abc: made\ny\n", &failed));
	assert_null(failed);
	assert_true(outcome("declared 0000000000000abc: made\n"
			    "declared 0000000000000abc: failed: users \"a\": why\n"
			    "declared 0000000000000abc: ma",
			    &failed));
	assert_string_equal(failed, "users \"a\": why");
	free(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_takes_a_grant_back_is_written_down_privilege_by_privilege),
		cmocka_unit_test(what_is_to_be_absent_comes_last_databases_before_roles),
		cmocka_unit_test(nothing_declared_is_digest_0),
		cmocka_unit_test(the_last_whole_word_on_what_is_asked_for_counts),
	};

	return cmocka_run_group_tests_name("postgresql_statements", tests, NULL, NULL);
}
