// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "base/mem.h"

/* A cluster in a struct: what the plan says is done to it, until there is nothing more to do. */
struct world {
	struct database d;
	struct observed o;
	struct seen_pod pods[5];
	struct seen_claim claims[5];
	uint64_t wanted[CHILD_MAX];
	struct plan_input in;
	struct plan plan;
};

#define UID 42

static void world_read(struct world *w, const char *text)
{
	json_t *spec = json_loads(text, 0, NULL);
	struct problems p;

	assert_non_null(spec);
	problems_init(&p);
	database_done(&w->d);
	assert_int_equal(database_read(&w->d, "ns", "db", "uid", 1, spec, &p), 0);
	assert_int_equal(p.count, 0);
	problems_done(&p);
	json_decref(spec);
	w->in = (struct plan_input){ .database = &w->d, .observed = &w->o, .uid = UID };
}

static void world_plan(struct world *w)
{
	w->in.at.size = plan_size(&w->d, &w->o);
	plan_wanted(&w->d, &w->in.at, w->wanted);
	w->in.wanted = w->wanted;
	plan_make(&w->in, &w->plan);
}

static void do_child(struct world *w, const struct action *a)
{
	struct seen *s = &w->o.children[a->child];
	json_t *tree;
	struct quantity size;

	if (a->type == ACTION_DELETE || a->type == ACTION_ORPHAN) {
		*s = (struct seen){ 0 };
		return;
	}
	s->present = true;
	s->owned = w->wanted[a->child];
	s->owner = UID;
	if (a->type == ACTION_ISSUE)
		w->o.certificate = (struct seen_certificate){
			.not_after = w->in.now + w->d.tls_days * 86400,
			.made_from = db_certificate_digest(&w->d),
			.authority = w->o.authority.authority,
		};
	if (a->child != CHILD_STATEFULSET)
		return;
	tree = db_statefulset(&w->d, &w->plan.size);
	w->o.statefulset.fixed = db_statefulset_fixed(tree, &size);
	w->o.statefulset.size = quantity_units(&size);
	w->o.statefulset.current = true;
	w->o.statefulset.revision = 1;
	json_decref(tree);
}

static void world_do(struct world *w)
{
	for (unsigned i = 0; i < w->plan.n; i++) {
		const struct action *a = &w->plan.actions[i];

		if (a->child < CHILD_MAX)
			do_child(w, a);
		else if (a->type == ACTION_GROW)
			w->claims[a->ordinal].requested = quantity_units(&w->plan.size);
		else if (a->type == ACTION_FINALIZER)
			w->in.finalizer = a->wanted;
		else if (a->type == ACTION_ROLE)
			w->pods[a->ordinal].role = (uint8_t)a->role;
		else if (a->type == ACTION_RESTART)
			w->pods[a->ordinal].revision = w->o.statefulset.revision;
	}
}

static unsigned world_settle(struct world *w)
{
	unsigned passes = 0;

	for (world_plan(w); w->plan.n; world_plan(w)) {
		assert_true(++passes < 20);
		world_do(w);
	}
	return passes;
}

static void world_pods(struct world *w, int n, uint64_t revision)
{
	for (int i = 0; i < n; i++) {
		w->pods[i] = (struct seen_pod){ .next = i + 1 < n ? &w->pods[i + 1] : NULL,
						.ordinal = (int16_t)i,
						.ready = true,
						.revision = revision };
		w->claims[i] =
			(struct seen_claim){ .next = i + 1 < n ? &w->claims[i + 1] : NULL,
					     .ordinal = (int16_t)i,
					     .bound = true,
					     .requested = 1 << 30,
					     .capacity = 1 << 30 };
	}
	w->o.pods = w->pods;
	w->o.claims = w->claims;
}

static bool has(const struct plan *p, enum action_type type, enum child child)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->actions[i].type == type && p->actions[i].child == child)
			return true;
	return false;
}

static void what_makes_pods_comes_after_what_pods_need(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{}");
	world_plan(&w);
	assert_false(has(&w.plan, ACTION_CREATE, CHILD_STATEFULSET));
	assert_true(has(&w.plan, ACTION_CREATE, CHILD_CONFIG));
	assert_int_equal(world_settle(&w), 4);
	assert_true(w.o.children[CHILD_STATEFULSET].present);
	assert_false(w.o.children[CHILD_BUDGET].present);
	database_done(&w.d);
}

static void a_plan_made_twice_of_the_same_is_the_same(void **state)
{
	struct world w = { 0 };
	struct plan first;

	(void)state;
	world_read(&w, "{\"replicas\":3,\"backup\":{\"schedule\":\"@daily\"}}");
	world_plan(&w);
	first = w.plan;
	world_plan(&w);
	assert_memory_equal(&first, &w.plan, sizeof(first));
	database_done(&w.d);
}

static void a_child_that_differs_is_applied_and_nothing_else(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{}");
	world_settle(&w);
	for (int c = 0; c < CHILD_MAX; c++) {
		if (!w.o.children[c].present)
			continue;
		w.o.children[c].owned ^= 1;
		world_plan(&w);
		assert_int_equal(w.plan.n, 1);
		assert_true(has(&w.plan, ACTION_APPLY, (enum child)c));
		world_settle(&w);
	}
	database_done(&w.d);
}

static void the_servers_own_spelling_is_no_difference(void **state)
{
	struct world w = { 0 };
	struct seen *s = &w.o.children[CHILD_CONFIG];

	(void)state;
	world_read(&w, "{}");
	world_settle(&w);
	s->owned = 99;
	s->wanted = w.wanted[CHILD_CONFIG];
	s->accepted = 99;
	world_plan(&w);
	assert_int_equal(w.plan.n, 0);
	s->owned = 100;
	world_plan(&w);
	assert_int_equal(w.plan.n, 1);
	database_done(&w.d);
}

static void quantities_that_people_add_are_spelled_as_the_server_does(void **state)
{
	struct world w = { 0 };
	json_t *tree, *containers;

	(void)state;
	world_read(
		&w,
		"{\"podTemplate\":{\"sidecars\":[{\"name\":\"s\",\"image\":\"i\",\"resources\":{"
		"\"limits\":{\"cpu\":\"1000m\",\"memory\":\"1024Mi\",\"x\":3}}}],\"volumes\":[{"
		"\"name\":\"v\",\"emptyDir\":{\"sizeLimit\":\"2048Ki\"}}]}}");
	tree = db_statefulset(&w.d, &w.d.size);
	containers = tree_get(tree, "spec.template.spec.containers");
	assert_string_equal(tree_string(json_array_get(containers, 1), "resources.limits.cpu"),
			    "1");
	assert_string_equal(
		tree_string(json_array_get(containers, 1), "resources.limits.memory"), "1Gi");
	assert_string_equal(tree_string(json_array_get(containers, 1), "resources.limits.x"),
			    "3");
	assert_string_equal(
		tree_string(json_array_get(tree_get(tree, "spec.template.spec.volumes"), 7),
			    "emptyDir.sizeLimit"),
		"2Mi");
	json_decref(tree);
	database_done(&w.d);
}

static void what_belongs_to_another_is_never_written(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{}");
	w.o.children[CHILD_CONFIG] = (struct seen){ .present = true };
	world_plan(&w);
	for (unsigned i = 0; i < w.plan.n; i++)
		assert_int_not_equal(w.plan.actions[i].child, CHILD_CONFIG);
	assert_int_equal(w.plan.conflicts, 1 << CHILD_CONFIG);
	w.o.children[CHILD_CONFIG].owner = 7;
	world_plan(&w);
	assert_true(w.plan.old_children);
	for (unsigned i = 0; i < w.plan.n; i++)
		assert_int_not_equal(w.plan.actions[i].child, CHILD_CONFIG);
	database_done(&w.d);
}

static void claims_grow_before_the_StatefulSet_is_made_anew(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{\"replicas\":2}");
	world_settle(&w);
	world_pods(&w, 2, 1);
	world_settle(&w);
	world_read(&w, "{\"replicas\":2,\"storage\":{\"size\":\"2Gi\"}}");
	world_plan(&w);
	assert_int_equal(w.plan.n, 2);
	assert_int_equal(w.plan.actions[0].type, ACTION_GROW);
	world_do(&w);
	world_plan(&w);
	assert_int_equal(w.plan.n, 1);
	assert_int_equal(w.plan.actions[0].type, ACTION_ORPHAN);
	world_do(&w);
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_CREATE, CHILD_STATEFULSET));
	world_settle(&w);
	assert_int_equal(w.o.statefulset.size, 2ll << 30);
	database_done(&w.d);
}

static void storage_never_shrinks(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{\"storage\":{\"size\":\"2Gi\"}}");
	world_settle(&w);
	world_read(&w, "{\"storage\":{\"size\":\"1Gi\"}}");
	world_plan(&w);
	assert_true(w.plan.shrink);
	assert_int_equal(w.plan.n, 0);
	assert_int_equal(quantity_units(&w.plan.size), 2ll << 30);
	database_done(&w.d);
}

static void pods_roll_from_the_highest_down_and_the_primary_last(void **state)
{
	static const int order[] = { 2, 1, 0 };
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{\"replicas\":3}");
	world_settle(&w);
	world_pods(&w, 3, 1);
	world_settle(&w);
	w.o.statefulset.revision = 2;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		world_plan(&w);
		assert_int_equal(w.plan.n, 1);
		assert_int_equal(w.plan.actions[0].type, ACTION_RESTART);
		assert_int_equal(w.plan.actions[0].ordinal, order[i]);
		world_do(&w);
		w.pods[order[i]].ready = false;
		world_plan(&w);
		assert_int_equal(w.plan.n, 0);
		w.pods[order[i]].ready = true;
	}
	world_plan(&w);
	assert_int_equal(w.plan.n, 0);
	assert_false(w.plan.outdated);
	database_done(&w.d);
}

static void a_broken_old_pod_goes_first_and_does_not_wait(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{\"replicas\":3}");
	world_settle(&w);
	world_pods(&w, 3, 1);
	world_settle(&w);
	w.o.statefulset.revision = 3;
	w.pods[1].revision = 2;
	w.pods[1].ready = false;
	world_plan(&w);
	assert_int_equal(w.plan.n, 1);
	assert_int_equal(w.plan.actions[0].ordinal, 1);
	database_done(&w.d);
}

static void with_Delete_data_go_after_what_uses_them(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{\"deletionPolicy\":\"Delete\"}");
	world_plan(&w);
	assert_int_equal(w.plan.n, 1);
	assert_int_equal(w.plan.actions[0].type, ACTION_FINALIZER);
	world_settle(&w);
	world_pods(&w, 1, 1);
	w.in.deleting = true;
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_DELETE, CHILD_STATEFULSET));
	assert_false(has(&w.plan, ACTION_DROP_CLAIM, CHILD_MAX));
	w.o.children[CHILD_STATEFULSET] = (struct seen){ 0 };
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_DROP_CLAIM, CHILD_MAX));
	assert_false(has(&w.plan, ACTION_FINALIZER, CHILD_MAX));
	w.o.claims = NULL;
	for (int c = 0; c < CHILD_MAX; c++)
		if (child_table[c].kind == KIND_SECRET)
			w.o.children[c] = (struct seen){ 0 };
	world_plan(&w);
	assert_int_equal(w.plan.n, 1);
	assert_int_equal(w.plan.actions[0].type, ACTION_FINALIZER);
	assert_int_equal(w.plan.actions[0].wanted, 0);
	database_done(&w.d);
}

static void Secrets_that_cannot_be_seen_are_made_once(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{}");
	w.in.blind = true;
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_CREATE, CHILD_AUTHORITY));
	assert_false(has(&w.plan, ACTION_CREATE, CHILD_SUPERUSER));
	w.in.made = 1 << CHILD_AUTHORITY;
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_CREATE, CHILD_SUPERUSER));
	assert_false(has(&w.plan, ACTION_ISSUE, CHILD_CERTIFICATE));
	w.in.made |= 1 << CHILD_SUPERUSER | 1 << CHILD_APPLICATION;
	world_plan(&w);
	assert_false(has(&w.plan, ACTION_CREATE, CHILD_SUPERUSER));
	assert_false(has(&w.plan, ACTION_CREATE, CHILD_APPLICATION));
	assert_true(has(&w.plan, ACTION_ISSUE, CHILD_CERTIFICATE));
	database_done(&w.d);
}

static void a_certificate_is_issued_anew_in_time_and_for_what_it_is_made_from(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_read(&w, "{}");
	w.o.authority.authority = 5;
	world_settle(&w);
	w.in.now = 59 * 86400;
	world_plan(&w);
	assert_int_equal(w.plan.n, 0);
	w.in.now = 61 * 86400;
	world_plan(&w);
	assert_int_equal(w.plan.n, 1);
	assert_true(has(&w.plan, ACTION_ISSUE, CHILD_CERTIFICATE));
	world_settle(&w);
	w.o.authority.authority = 6;
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_ISSUE, CHILD_CERTIFICATE));
	world_settle(&w);
	world_read(&w, "{\"tls\":{\"additionalNames\":[\"db.example.org\"]}}");
	w.in.now = 61 * 86400;
	world_plan(&w);
	assert_true(has(&w.plan, ACTION_ISSUE, CHILD_CERTIFICATE));
	world_read(&w, "{\"tls\":{\"mode\":\"Disabled\"}}");
	world_plan(&w);
	assert_false(has(&w.plan, ACTION_ISSUE, CHILD_CERTIFICATE));
	database_done(&w.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_pods_comes_after_what_pods_need),
		cmocka_unit_test(a_plan_made_twice_of_the_same_is_the_same),
		cmocka_unit_test(a_child_that_differs_is_applied_and_nothing_else),
		cmocka_unit_test(the_servers_own_spelling_is_no_difference),
		cmocka_unit_test(quantities_that_people_add_are_spelled_as_the_server_does),
		cmocka_unit_test(what_belongs_to_another_is_never_written),
		cmocka_unit_test(claims_grow_before_the_StatefulSet_is_made_anew),
		cmocka_unit_test(storage_never_shrinks),
		cmocka_unit_test(pods_roll_from_the_highest_down_and_the_primary_last),
		cmocka_unit_test(a_broken_old_pod_goes_first_and_does_not_wait),
		cmocka_unit_test(with_Delete_data_go_after_what_uses_them),
		cmocka_unit_test(Secrets_that_cannot_be_seen_are_made_once),
		cmocka_unit_test(
			a_certificate_is_issued_anew_in_time_and_for_what_it_is_made_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
