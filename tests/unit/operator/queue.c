// SPDX-License-Identifier: Apache-2.0
#include "queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/proc.h"
#include "kube/backoff.h"

static void ready(void *arg)
{
	(*(int *)arg)++;
}

struct world {
	struct loop loop;
	struct queue q;
	struct queue_item items[4];
	int ready;
};

static void world_init(struct world *w)
{
	loop_init(&w->loop);
	w->ready = 0;
	queue_init(&w->q, &w->loop, ready, &w->ready);
	for (int i = 0; i < 4; i++)
		queue_item_init(&w->q, &w->items[i]);
}

static void world_done(struct world *w)
{
	for (int i = 0; i < 4; i++)
		queue_item_done(&w->items[i]);
	loop_done(&w->loop);
}

static void an_item_waits_once_however_often_it_is_added(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 5; i++)
		queue_add(&w.items[0], QUEUE_HIGH);
	assert_int_equal(w.q.depth, 1);
	assert_ptr_equal(queue_take(&w.q), &w.items[0]);
	assert_null(queue_take(&w.q));
	queue_finish(&w.items[0], false, 0);
	world_done(&w);
}

static void an_item_added_at_work_is_done_again_after_and_never_beside(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	queue_add(&w.items[0], QUEUE_LOW);
	assert_non_null(queue_take(&w.q));
	queue_add(&w.items[0], QUEUE_HIGH);
	queue_add(&w.items[0], QUEUE_LOW);
	assert_null(queue_take(&w.q));
	queue_finish(&w.items[0], false, 0);
	assert_int_equal(w.items[0].priority, QUEUE_HIGH);
	assert_ptr_equal(queue_take(&w.q), &w.items[0]);
	queue_finish(&w.items[0], false, 0);
	assert_null(queue_take(&w.q));
	world_done(&w);
}

static void a_change_goes_before_what_is_only_looked_at_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	queue_add(&w.items[0], QUEUE_LOW);
	queue_add(&w.items[1], QUEUE_LOW);
	queue_add(&w.items[2], QUEUE_HIGH);
	queue_add(&w.items[1], QUEUE_HIGH);
	assert_ptr_equal(queue_take(&w.q), &w.items[2]);
	assert_ptr_equal(queue_take(&w.q), &w.items[1]);
	assert_ptr_equal(queue_take(&w.q), &w.items[0]);
	for (int i = 0; i < 3; i++)
		queue_finish(&w.items[i], false, 0);
	world_done(&w);
}

static void failures_wait_longer_each_time_and_success_forgets_them(void **state)
{
	struct world w;
	uint64_t before = 0;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 20; i++) {
		uint64_t wait;

		queue_add(&w.items[0], QUEUE_HIGH);
		assert_non_null(queue_take(&w.q));
		queue_finish(&w.items[0], true, 0);
		assert_true(loop_timer_is_set(&w.items[0].timer));
		wait = w.items[0].timer.due_ms - proc_now_ms();
		assert_true(wait + 5 >= before && wait <= 30000);
		before = wait;
	}
	assert_true(before > 29000);
	queue_add(&w.items[0], QUEUE_HIGH);
	queue_take(&w.q);
	queue_finish(&w.items[0], false, 0);
	assert_int_equal(w.items[0].failures, 0);
	assert_false(loop_timer_is_set(&w.items[0].timer));
	world_done(&w);
}

static void a_failure_waits_at_least_as_long_as_the_server_asked(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	queue_add(&w.items[0], QUEUE_HIGH);
	queue_take(&w.q);
	queue_finish(&w.items[0], true, 5000);
	assert_true(w.items[0].timer.due_ms - proc_now_ms() > 4000);
	/* Not even for news. */
	queue_add(&w.items[0], QUEUE_HIGH);
	assert_null(queue_take(&w.q));
	assert_true(w.items[0].timer.due_ms - proc_now_ms() > 4000);
	world_done(&w);
}

static uint64_t order[64];
static int n_order;

static void note(void *arg)
{
	order[n_order++] = ((struct loop_timer *)arg)->due_ms;
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	struct loop_timer timers[40];
	struct loop l;

	(void)state;
	loop_init(&l);
	for (int i = 0; i < 40; i++) {
		timers[i] = (struct loop_timer){ .fire = note, .arg = &timers[i] };
		loop_timer_set(&l, &timers[i], (uint64_t)(i * 17 % 40) / 2);
	}
	loop_timer_stop(&l, &timers[3]);
	loop_timer_stop(&l, &timers[3]);
	while (n_order < 39)
		assert_int_equal(loop_turn(&l, 100), 0);
	for (int i = 1; i < 39; i++)
		assert_true(order[i - 1] <= order[i]);
	loop_done(&l);
}

static void back_off_doubles_to_its_most_and_obeys_the_server(void **state)
{
	struct backoff b = BACKOFF_WATCH;
	uint64_t wait = 0;

	(void)state;
	assert_in_range(backoff_next(&b, 0), 800, 1600);
	assert_in_range(backoff_next(&b, 0), 1600, 3200);
	for (int i = 0; i < 10; i++)
		wait = backoff_next(&b, 0);
	assert_int_equal(wait, 30000);
	assert_in_range(backoff_next(&b, 60000), 60000, 66001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_item_waits_once_however_often_it_is_added),
		cmocka_unit_test(an_item_added_at_work_is_done_again_after_and_never_beside),
		cmocka_unit_test(a_change_goes_before_what_is_only_looked_at_again),
		cmocka_unit_test(failures_wait_longer_each_time_and_success_forgets_them),
		cmocka_unit_test(a_failure_waits_at_least_as_long_as_the_server_asked),
		cmocka_unit_test(timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(back_off_doubles_to_its_most_and_obeys_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
