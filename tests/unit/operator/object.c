// SPDX-License-Identifier: Apache-2.0
#include "api/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char wanted_text[] =
	"{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"x\","
	"\"namespace\":\"n\",\"labels\":{\"a\":\"1\"}},\"spec\":{\"replicas\":2,\"template\":"
	"{\"ports\":[{\"containerPort\":1,\"protocol\":\"TCP\"}]},\"claims\":[{\"spec\":{\"s\":1}}],"
	"\"finalizers\":[\"f\"]}}";

/* What a server would hold: defaults, a status, others' fields, and who owns what. */
static const char observed_text[] =
	"{\"metadata\":{\"name\":\"x\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"5\","
	"\"labels\":{\"a\":\"1\",\"theirs\":\"2\"},\"managedFields\":["
	"{\"manager\":\"other\",\"operation\":\"Update\",\"fieldsV1\":{\"f:metadata\":{}}},"
	"{\"manager\":\"databases.example.com\",\"operation\":\"Apply\",\"fieldsV1\":{"
	"\"f:metadata\":{\"f:labels\":{\"f:a\":{}}},\"f:spec\":{\"f:replicas\":{},\"f:template\":"
	"{\"f:ports\":{\"k:{\\\"containerPort\\\":1,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},"
	"\"f:containerPort\":{},\"f:protocol\":{}}}},\"f:claims\":{},\"f:finalizers\":{\"v:\\\"f\\\"\":{}}}}}]},"
	"\"spec\":{\"finalizers\":[\"g\",\"f\"],\"policy\":\"Default\",\"replicas\":2,\"template\":{\"dns\":\"x\","
	"\"ports\":[{\"containerPort\":9,\"protocol\":\"TCP\"},{\"containerPort\":1,\"protocol\":\"TCP\","
	"\"name\":\"added\"}]},\"claims\":[{\"spec\":{\"s\":1},\"status\":{\"phase\":\"Pending\"}}]},"
	"\"status\":{\"replicas\":1}}";

static json_t *load(const char *text)
{
	json_t *tree = json_loads(text, 0, NULL);

	assert_non_null(tree);
	return tree;
}

static void what_was_applied_and_left_alone_has_the_same_digest(void **state)
{
	json_t *wanted = load(wanted_text), *observed = load(observed_text);

	(void)state;
	assert_int_equal(object_owned_digest(observed, OBJECT_MANAGER),
			 object_wanted_digest(wanted));
	json_decref(wanted);
	json_decref(observed);
}

static void a_value_that_was_changed_changes_the_digest(void **state)
{
	json_t *observed = load(observed_text);
	uint64_t before = object_owned_digest(observed, OBJECT_MANAGER);

	(void)state;
	tree_set(tree_get(observed, "spec"), "replicas", json_integer(3));
	assert_int_not_equal(object_owned_digest(observed, OBJECT_MANAGER), before);
	json_decref(observed);
}

static void a_field_that_another_took_changes_the_digest(void **state)
{
	json_t *observed = load(observed_text);
	json_t *entry = json_array_get(tree_get(observed, "metadata.managedFields"), 1);
	uint64_t before = object_owned_digest(observed, OBJECT_MANAGER);

	(void)state;
	json_object_del(tree_get(entry, "fieldsV1.f:spec"), "f:replicas");
	assert_int_not_equal(object_owned_digest(observed, OBJECT_MANAGER), before);
	json_decref(observed);
}

static void what_others_add_makes_no_difference(void **state)
{
	json_t *observed = load(observed_text);
	uint64_t before = object_owned_digest(observed, OBJECT_MANAGER);

	(void)state;
	tree_set_string(tree_get(observed, "metadata.labels"), "more", "x");
	tree_set(tree_get(observed, "spec"), "more", json_true());
	assert_int_equal(object_owned_digest(observed, OBJECT_MANAGER), before);
	json_decref(observed);
}

static void an_object_that_was_never_applied_is_not_owned(void **state)
{
	json_t *wanted = load(wanted_text);

	(void)state;
	assert_int_equal(object_owned_digest(wanted, OBJECT_MANAGER), 0);
	assert_int_equal(object_owned_digest(NULL, OBJECT_MANAGER), 0);
	json_decref(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_applied_and_left_alone_has_the_same_digest),
		cmocka_unit_test(a_value_that_was_changed_changes_the_digest),
		cmocka_unit_test(a_field_that_another_took_changes_the_digest),
		cmocka_unit_test(what_others_add_makes_no_difference),
		cmocka_unit_test(an_object_that_was_never_applied_is_not_owned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
