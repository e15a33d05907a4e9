/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures what a container engine asks of a runtime, in turn on each of them, so that whatever
 * drifts on the machine meets all alike. Prints a table and writes JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/proc.h"
#include "base/str.h"
#include "bench.h"
#include "bundle.h"
#include "report.h"

#define EXIT_TIMEOUT_MS 10000
#define MEMORY_RUNS     3

/* What the container of a bundle does. Each has its own cgroup, so they are alive side by side. */
enum payload {
	PAYLOAD_TRUE,
	PAYLOAD_SLEEP,  /* exec goes there */
	PAYLOAD_VICTIM, /* sleeps until it is deleted */
	PAYLOAD_COUNT,
};

static const char *const payload_names[] = { "true", "sleep", "victim" };

struct cell {
	struct bench *bench;
	struct result *result;
	const struct contender *contender;
	char state[96];
	char bundles[PAYLOAD_COUNT][128];
	char sleeper[BENCH_ID_SIZE]; /* empty: none yet */
};

struct plan {
	struct cell *cells;
	struct result *results;
	size_t count; /* what is to be compared stands side by side: the same for each contender */
};

static bool cell_is_possible(const struct bench *b, const struct contender *c,
			     enum action action, bool seccomp, enum cgroup_mode mode)
{
	if (!c->cgroup_option[mode] || (seccomp && !b->seccomp))
		return false;
	if (mode == (b->systemd ? CGROUP_DISABLED : CGROUP_SYSTEMD))
		return false;
	if (action == ACTION_RUN_COLD && !seccomp)
		return false;
	return !c->is_floor || action == ACTION_RUN;
}

static int cell_write_bundle(struct cell *cell, enum payload payload, struct error *e)
{
	static const char *const run_true[] = { "/bin/true", NULL };
	static const char *const run_sleep[] = { "/bin/sleep", "3600", NULL };
	const struct result *result = cell->result;
	char name[96], cgroups_path[128];
	struct bundle bundle = {
		.rootfs = cell->bench->rootfs,
		.args = payload == PAYLOAD_TRUE ? run_true : run_sleep,
		.seccomp = result->seccomp ? cell->bench->seccomp : NULL,
	};

	str_format(name, sizeof(name), "%s-%d-%d-%s", cell->contender->name, result->seccomp,
		   (int)result->cgroup, payload_names[payload]);
	str_format(cgroups_path, sizeof(cgroups_path), "%s/%s", cell->bench->cgroup, name);
	str_format(cell->bundles[payload], sizeof(cell->bundles[payload]), "%s/%s",
		   cell->bench->dir, name);
	if (result->cgroup == CGROUP_SYSTEMD)
		str_format(cgroups_path, sizeof(cgroups_path), "system.slice:bench:%s", name);
	if (result->cgroup != CGROUP_DISABLED)
		bundle.cgroups_path = cgroups_path;
	return bundle_write(cell->bundles[payload], &bundle, e);
}

static int cell_init(struct cell *cell, struct error *e)
{
	enum payload payload;
	int r = 0;

	str_format(cell->state, sizeof(cell->state), "%s/state-%s", cell->bench->dir,
		   cell->contender->name);
	if (cell->contender->is_floor) {
		if (cell->result->seccomp)
			str_copy(cell->bundles[PAYLOAD_TRUE], sizeof(cell->bundles[0]),
				 cell->bench->filter);
		return 0;
	}
	for (payload = 0; r == 0 && payload < PAYLOAD_COUNT; payload++)
		r = cell_write_bundle(cell, payload, e);
	return r;
}

/* --- one measurement of each kind --------------------------------------------------------- */

static int measure_run(struct cell *cell, struct sample *ret, struct error *e)
{
	return bench_run(cell->bench, cell->contender, cell->result->cgroup, cell->state,
			 cell->bundles[PAYLOAD_TRUE], ret, e);
}

static int measure_run_cold(struct cell *cell, struct sample *ret, struct error *e)
{
	char state[128];
	int r, removed;

	str_format(state, sizeof(state), "%s-cold", cell->state);
	r = bench_run(cell->bench, cell->contender, cell->result->cgroup, state,
		      cell->bundles[PAYLOAD_TRUE], ret, e);
	removed = bundle_remove_tree(state, r < 0 ? NULL : e);
	return r < 0 ? r : removed;
}

/* What is not to be measured goes into a sample that is thrown away. */
static int create_and_start(struct cell *cell, enum payload payload, const char *id,
			    int *ret_pid_fd, struct sample *ret, struct error *e)
{
	enum cgroup_mode mode = cell->result->cgroup;
	int r;

	r = bench_create(cell->bench, cell->contender, mode, cell->state,
			 cell->bundles[payload], id, ret_pid_fd, ret, e);
	if (r == 0)
		r = bench_start(cell->bench, cell->contender, mode, cell->state, id, ret, e);
	return r;
}

static int delete_by_force(struct cell *cell, const char *id, struct sample *ret,
			   struct error *e)
{
	return bench_delete(cell->bench, cell->contender, cell->result->cgroup, cell->state, id,
			    true, ret, e);
}

/* The time that `true` takes to end after `start` has returned is nobody's. */
static int measure_life(struct cell *cell, struct sample *ret, struct error *e)
{
	struct sample ignored = { 0 };
	autoclose int pid_fd = -1;
	char id[BENCH_ID_SIZE];
	int r;

	bench_id(id);
	r = create_and_start(cell, PAYLOAD_TRUE, id, &pid_fd, ret, e);
	if (r == 0 && proc_wait_exit(pid_fd, EXIT_TIMEOUT_MS) != 1)
		r = error_say(e, ETIMEDOUT, "%s: true has not ended after %d s",
			      cell->contender->name, EXIT_TIMEOUT_MS / 1000);
	if (r == 0)
		r = bench_delete(cell->bench, cell->contender, cell->result->cgroup,
				 cell->state, id, false, ret, e);
	if (r < 0)
		delete_by_force(cell, id, &ignored, NULL);
	return r;
}

static int measure_exec(struct cell *cell, struct sample *ret, struct error *e)
{
	struct sample ignored = { 0 };
	int r = 0;

	if (!cell->sleeper[0]) {
		bench_id(cell->sleeper);
		r = create_and_start(cell, PAYLOAD_SLEEP, cell->sleeper, NULL, &ignored, e);
	}
	if (r < 0)
		return r;
	return bench_exec(cell->bench, cell->contender, cell->result->cgroup, cell->state,
			  cell->sleeper, ret, e);
}

static int measure_delete(struct cell *cell, struct sample *ret, struct error *e)
{
	struct sample ignored = { 0 };
	char id[BENCH_ID_SIZE];
	int r;

	bench_id(id);
	r = create_and_start(cell, PAYLOAD_VICTIM, id, NULL, &ignored, e);
	bench_settle(BENCH_SETTLE_MS);
	if (r < 0)
		delete_by_force(cell, id, &ignored, NULL);
	return r < 0 ? r : delete_by_force(cell, id, ret, e);
}

static int (*const measures[])(struct cell *, struct sample *, struct error *) = {
	[ACTION_RUN] = measure_run,       [ACTION_RUN_COLD] = measure_run_cold,
	[ACTION_LIFE] = measure_life,     [ACTION_EXEC] = measure_exec,
	[ACTION_DELETE] = measure_delete,
};

/* A failure is told once; that cell is not measured any more, the others are. */
static void cell_measure(struct cell *cell, bool keep)
{
	struct error e = ERROR_INIT;
	struct sample sample = { 0 };
	struct result *result = cell->result;
	int r;

	if (result->failed)
		return;
	r = measures[result->action](cell, &sample, &e);
	if (bench_stopped())
		return;
	if (r < 0) {
		fprintf(stderr, "bench: %s\n", e.text);
		result->failed = true;
	} else if (cell->bench->with_memory) {
		if (sample.rss_kib > result->series.rss_kib)
			result->series.rss_kib = sample.rss_kib;
	} else if (keep && series_add(&result->series, &sample) < 0) {
		fprintf(stderr, "bench: out of memory\n");
		result->failed = true;
	}
}

/* --- the plan ----------------------------------------------------------------------------- */

static void plan_add_group(struct plan *plan, struct bench *b, enum action action, bool seccomp,
			   enum cgroup_mode mode)
{
	size_t i;

	for (i = 0; i < b->count; i++) {
		struct cell *cell = &plan->cells[plan->count];

		if (!cell_is_possible(b, &b->contenders[i], action, seccomp, mode))
			continue;
		cell->bench = b;
		cell->contender = &b->contenders[i];
		cell->result = &plan->results[plan->count++];
		*cell->result = (struct result){
			.action = action, .seccomp = seccomp, .cgroup = mode, .contender = i
		};
	}
}

static int plan_make(struct plan *plan, struct bench *b, struct error *e)
{
	size_t room = (size_t)ACTION_COUNT * 2 * CGROUP_MODES * CONTENDER_MAX;
	enum cgroup_mode mode;
	enum action action;
	int seccomp, r = 0;
	size_t i;

	plan->cells = calloc(room, sizeof(*plan->cells));
	plan->results = calloc(room, sizeof(*plan->results));
	if (!plan->cells || !plan->results)
		return error_set(e, ENOMEM, "plan");
	for (mode = 0; mode < CGROUP_MODES; mode++)
		for (seccomp = 0; seccomp < 2; seccomp++)
			for (action = 0; action < ACTION_COUNT; action++)
				plan_add_group(plan, b, action, seccomp, mode);
	for (i = 0; r == 0 && i < plan->count; i++)
		r = cell_init(&plan->cells[i], e);
	return r;
}

static bool same_group(const struct cell *a, const struct cell *b)
{
	return a->result->action == b->result->action &&
	       a->result->seccomp == b->result->seccomp &&
	       a->result->cgroup == b->result->cgroup;
}

/* Everything once. Who comes first in a group changes from round to round. */
static void plan_round(struct plan *plan, unsigned int round, bool keep)
{
	size_t first, count, i;

	for (first = 0; first < plan->count; first += count) {
		for (count = 1; first + count < plan->count; count++) {
			if (!same_group(&plan->cells[first], &plan->cells[first + count]))
				break;
		}
		for (i = 0; i < count && !bench_stopped(); i++) {
			bench_settle(BENCH_SETTLE_MS);
			cell_measure(&plan->cells[first + (i + round) % count], keep);
		}
	}
}

static void plan_done(struct plan *plan)
{
	struct sample ignored = { 0 };
	size_t i;

	for (i = 0; i < plan->count; i++) {
		if (plan->cells[i].sleeper[0])
			delete_by_force(&plan->cells[i], plan->cells[i].sleeper, &ignored,
					NULL);
		series_done(&plan->results[i].series);
	}
	free(plan->cells);
	free(plan->results);
}

static void progress(const char *what, unsigned int done, unsigned int all)
{
	static int percent = -1;

	if (percent != (int)(done * 10 / all)) {
		percent = (int)(done * 10 / all);
		fprintf(stderr, "bench: %s %d %%\n", what, percent * 10);
	}
}

static int plan_execute(struct plan *plan, struct bench *b, struct error *e)
{
	unsigned int i;
	size_t n, failed = 0;

	for (i = 0; i < b->warm_up && !bench_stopped(); i++)
		plan_round(plan, i, false);
	for (i = 0; i < b->runs && !bench_stopped(); i++) {
		plan_round(plan, i, true);
		progress("times", i + 1, b->runs);
	}
	b->with_memory = true;
	for (i = 0; i < MEMORY_RUNS && !bench_stopped(); i++)
		plan_round(plan, i, false);
	b->with_memory = false;
	if (bench_stopped())
		return 0;

	for (n = 0; n < plan->count; n++) {
		if (plan->results[n].failed)
			failed++;
		else
			series_summarise(&plan->results[n].series, &plan->results[n].summary);
	}
	report_table(b, plan->results, plan->count);
	report_bars(b, plan->results, plan->count);
	if (b->output && report_json(b, plan->results, plan->count, e) < 0)
		return -e->errnum;
	return failed ? error_say(e, EIO, "%zu of %zu could not be measured: see above", failed,
				  plan->count)
		      : 0;
}

static int work(struct bench *b, struct error *e)
{
	struct plan plan = { 0 };
	int r;

	r = bundle_make_root(b->rootfs, b->true_path, b->busybox, 0, 0, e);
	if (r == 0)
		r = plan_make(&plan, b, e);
	if (r == 0)
		r = plan_execute(&plan, b, e);
	plan_done(&plan);
	return r;
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, "runtime", 100, work);
}
