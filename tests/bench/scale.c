/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures how `run` grows: with mounts, masked paths, environment, the size of config.json, and
 * with containers started at once. What grows with a number should grow in step with it: the time
 * for each item is printed beside the time for all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "bench.h"
#include "bundle.h"

#define MOUNTS_MAX 300
#define MASKED_MAX 1000
#define AT_ONCE    16

/* Sixteen containers leave more behind than one. */
#define SCALE_SETTLE_MS 50

static const struct load {
	const char *name, *key;
	unsigned int items; /* what the time is divided by; 0: nothing to divide by */
	unsigned int mounts, masked;
	size_t environment, annotations;
	unsigned int at_once;
} loads[] = {
	{ .name = "nothing more", .key = "base" },
	{ .name = "10 bind mounts", .key = "mounts", .items = 10, .mounts = 10 },
	{ .name = "30 bind mounts", .key = "mounts", .items = 30, .mounts = 30 },
	{ .name = "100 bind mounts", .key = "mounts", .items = 100, .mounts = 100 },
	{ .name = "300 bind mounts", .key = "mounts", .items = 300, .mounts = MOUNTS_MAX },
	{ .name = "10 masked paths", .key = "masked", .items = 10, .masked = 10 },
	{ .name = "100 masked paths", .key = "masked", .items = 100, .masked = 100 },
	{ .name = "300 masked paths", .key = "masked", .items = 300, .masked = 300 },
	{ .name = "1000 masked paths", .key = "masked", .items = 1000, .masked = MASKED_MAX },
	{ .name = "1 MiB of environment", .key = "environment", .environment = 1 << 20 },
	{ .name = "5 MiB of config.json", .key = "config", .annotations = 5 << 20 },
	{ .name = "16 at once", .key = "at_once", .items = AT_ONCE, .at_once = AT_ONCE },
};

#define LOADS ARRAY_SIZE(loads)

struct growth {
	struct bench *bench;
	struct series series[LOADS][CONTENDER_MAX];
	struct summary summary[LOADS][CONTENDER_MAX];
	bool failed[LOADS][CONTENDER_MAX];
};

static void bundle_name(const struct growth *g, size_t load, size_t contender,
			unsigned int number, char dst[128])
{
	str_format(dst, 128, "%s/%s-%zu-%u", g->bench->dir,
		   g->bench->contenders[contender].name, load, number);
}

static int write_bundles(struct growth *g, size_t load, size_t contender, struct error *e)
{
	static const char *const args[] = { "/bin/true", NULL };
	const struct load *l = &loads[load];
	char dir[128], source[96], cgroups_path[128];
	struct bundle bundle = {
		.rootfs = g->bench->rootfs,
		.args = args,
		.cgroups_path = cgroups_path,
		.mounts = l->mounts,
		.source = source,
		.masked = l->masked,
		.environment = l->environment,
		.annotations = l->annotations,
	};
	unsigned int i;
	int r = 0;

	str_format(source, sizeof(source), "%s/etc", g->bench->rootfs);
	for (i = 0; r == 0 && (i == 0 || i < l->at_once); i++) {
		bundle_name(g, load, contender, i, dir);
		str_format(cgroups_path, sizeof(cgroups_path), "%s%s", g->bench->cgroup,
			   strrchr(dir, '/'));
		r = bundle_write(dir, &bundle, e);
	}
	return r;
}

static int run_one(struct growth *g, size_t load, size_t contender, struct sample *ret,
		   struct error *e)
{
	char state[96], dir[128];

	str_format(state, sizeof(state), "%s/state", g->bench->dir);
	bundle_name(g, load, contender, 0, dir);
	return bench_run(g->bench, &g->bench->contenders[contender], CGROUP_FS, state, dir, ret,
			 e);
}

/* From the start of the first to the end of the last. */
static int run_at_once(struct growth *g, size_t load, size_t contender, struct sample *ret,
		       struct error *e)
{
	struct sampler *sampler = &g->bench->sampler;
	const struct contender *c = &g->bench->contenders[contender];
	char state[96], dirs[AT_ONCE][128], ids[AT_ONCE][BENCH_ID_SIZE];
	const char *argv[AT_ONCE][CONTENDER_ARGS];
	int pids[AT_ONCE], r = 0, one;
	unsigned int i, started;
	uint64_t start;

	str_format(state, sizeof(state), "%s/state", g->bench->dir);
	for (i = 0; i < AT_ONCE; i++) {
		bench_id(ids[i]);
		bundle_name(g, load, contender, i, dirs[i]);
		contender_command(c, CGROUP_FS, state, argv[i], "run", "--bundle", dirs[i],
				  ids[i], NULL);
	}
	start = proc_now_ns();
	for (started = 0; started < AT_ONCE; started++) {
		r = sampler_start(sampler, argv[started], &pids[started], e);
		if (r < 0)
			break;
	}
	for (i = 0; i < started; i++) {
		one = sampler_wait(sampler, pids[i], argv[i], ret, r < 0 ? NULL : e);
		if (r == 0)
			r = one;
	}
	ret->wall_ns = proc_now_ns() - start;
	return r;
}

static void measure(struct growth *g, size_t load, size_t contender, bool keep)
{
	struct error e = ERROR_INIT;
	struct sample sample = { 0 };
	int r;

	if (g->failed[load][contender])
		return;
	r = loads[load].at_once ? run_at_once(g, load, contender, &sample, &e)
				: run_one(g, load, contender, &sample, &e);
	if (bench_stopped())
		return;
	if (r < 0) {
		fprintf(stderr, "bench: %s: %s\n", loads[load].name, e.text);
		g->failed[load][contender] = true;
	} else if (keep && series_add(&g->series[load][contender], &sample) < 0) {
		fprintf(stderr, "bench: out of memory\n");
		g->failed[load][contender] = true;
	}
}

static bool is_measured(const struct bench *b, size_t contender)
{
	return !b->contenders[contender].is_floor;
}

static void measure_round(struct growth *g, unsigned int round, bool keep)
{
	size_t load, i, contender;

	for (load = 0; load < LOADS; load++) {
		for (i = 0; i < g->bench->count && !bench_stopped(); i++) {
			contender = (i + round) % g->bench->count;
			if (!is_measured(g->bench, contender))
				continue;
			bench_settle(SCALE_SETTLE_MS);
			measure(g, load, contender, keep);
		}
	}
}

/* --- what is shown ------------------------------------------------------------------------ */

/* What one item costs over the start without any; at once: one container's share. */
static double per_item(const struct growth *g, size_t load, size_t contender)
{
	double all = g->summary[load][contender].median;

	if (!loads[load].at_once)
		all -= g->summary[0][contender].median;
	return all / loads[load].items;
}

static void print_table(const struct growth *g)
{
	const struct bench *b = g->bench;
	char text[64];
	size_t load, i;

	printf("\nrun with a cgroup, median of %u, ms (ms for each item)\n  %-22s", b->runs,
	       "");
	for (i = 0; i < b->count; i++) {
		if (is_measured(b, i))
			printf(" %20s", b->contenders[i].name);
	}
	printf("\n");
	for (load = 0; load < LOADS; load++) {
		printf("  %-22s", loads[load].name);
		for (i = 0; i < b->count; i++) {
			if (!is_measured(b, i))
				continue;
			if (g->failed[load][i])
				str_format(text, sizeof(text), "failed");
			else if (loads[load].items)
				str_format(text, sizeof(text), "%.2f (%.4f)",
					   g->summary[load][i].median, per_item(g, load, i));
			else
				str_format(text, sizeof(text), "%.2f",
					   g->summary[load][i].median);
			printf(" %20s", text);
		}
		printf("\n");
	}
}

static void put_decimal(struct json_writer *w, const char *key, double value)
{
	char text[64];

	str_format(text, sizeof(text), "%.4f", value);
	json_write_key(w, key);
	json_write_number(w, text, strlen(text));
}

static void write_result(struct json_writer *w, const struct growth *g, size_t load,
			 size_t contender)
{
	const struct summary *s = &g->summary[load][contender];

	json_write_object(w);
	json_put_string(w, "contender", g->bench->contenders[contender].name);
	json_put_string(w, "load", loads[load].key);
	json_put_u64(w, "items", loads[load].items);
	json_put_bool(w, "failed", g->failed[load][contender]);
	if (!g->failed[load][contender]) {
		put_decimal(w, "min_ms", s->min);
		put_decimal(w, "p10_ms", s->p10);
		put_decimal(w, "median_ms", s->median);
		put_decimal(w, "p90_ms", s->p90);
		put_decimal(w, "cpu_ms", s->cpu);
		if (loads[load].items)
			put_decimal(w, "item_ms", per_item(g, load, contender));
	}
	json_write_end(w);
}

static int write_json(const struct growth *g, struct error *e)
{
	autojson *w = json_writer_new(true);
	autobuf text = { 0 };
	struct utsname system;
	size_t load, i;
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s", g->bench->output);
	uname(&system);
	json_write_object(w);
	json_put_u64(w, "format", 1);
	json_put_string(w, "kernel", system.release);
	json_put_i64(w, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_put_string(w, "scheduler", g->bench->fifo ? "fifo" : "other");
	json_put_u64(w, "runs", g->bench->runs);
	json_write_key(w, "results");
	json_write_array(w);
	for (load = 0; load < LOADS; load++) {
		for (i = 0; i < g->bench->count; i++) {
			if (is_measured(g->bench, i))
				write_result(w, g, load, i);
		}
	}
	json_write_end(w);
	json_write_end(w);
	buf_init(&text, JSON_MAX_BYTES);
	r = json_writer_end(w, &text);
	if (r < 0)
		return error_set(e, -r, "%s", g->bench->output);
	return file_replace(AT_FDCWD, g->bench->output, text.data, text.len, 0644, e);
}

static int show(struct growth *g, struct error *e)
{
	size_t load, i, failed = 0;
	int r;

	for (load = 0; load < LOADS; load++) {
		for (i = 0; i < g->bench->count; i++) {
			if (g->failed[load][i])
				failed++;
			else if (is_measured(g->bench, i))
				series_summarise(&g->series[load][i], &g->summary[load][i]);
		}
	}
	print_table(g);
	r = g->bench->output ? write_json(g, e) : 0;
	if (r == 0 && failed > 0)
		r = error_say(e, EIO, "%zu could not be measured: see above", failed);
	return r;
}

static int work(struct bench *b, struct error *e)
{
	static struct growth growth; /* too large for a stack */
	size_t load, i;
	unsigned int round;
	int r;

	growth.bench = b;
	r = bundle_make_root(b->rootfs, b->true_path, b->busybox, MOUNTS_MAX, MASKED_MAX, e);
	for (load = 0; load < LOADS; load++) {
		for (i = 0; r == 0 && i < b->count; i++)
			r = is_measured(b, i) ? write_bundles(&growth, load, i, e) : 0;
	}
	if (r < 0)
		return r;
	measure_round(&growth, 0, false);
	for (round = 0; round < b->runs && !bench_stopped(); round++)
		measure_round(&growth, round, true);
	if (!bench_stopped())
		r = show(&growth, e);
	for (load = 0; load < LOADS; load++) {
		for (i = 0; i < b->count; i++)
			series_done(&growth.series[load][i]);
	}
	return r;
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, "scale", 10, work);
}
