/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "bench.h"

static const char *const action_names[] = {
	[ACTION_RUN] = "run",
	[ACTION_RUN_COLD] = "run, no cache",
	[ACTION_LIFE] = "create+start+delete",
	[ACTION_EXEC] = "exec",
	[ACTION_DELETE] = "delete -f",
};

static const char *const action_keys[] = {
	[ACTION_RUN] = "run",   [ACTION_RUN_COLD] = "run_cold", [ACTION_LIFE] = "life",
	[ACTION_EXEC] = "exec", [ACTION_DELETE] = "delete",
};

static const struct result *find(const struct bench *b, const struct result *results,
				 size_t count, const char *name, enum action action,
				 bool seccomp, enum cgroup_mode mode)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct result *r = &results[i];

		if (r->action == action && r->seccomp == seccomp && r->cgroup == mode &&
		    str_eq(b->contenders[r->contender].name, name))
			return r;
	}
	return NULL;
}

/* A result that has figures. */
static bool is_good(const struct result *r)
{
	return r && !r->failed;
}

static bool is_measured(const struct result *results, size_t count, enum action action,
			bool seccomp, enum cgroup_mode mode)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (results[i].action == action && results[i].seccomp == seccomp &&
		    results[i].cgroup == mode)
			return true;
	}
	return false;
}

/* --- the table ---------------------------------------------------------------------------- */

static void print_heading(const struct bench *b)
{
	struct utsname system;
	size_t i;

	uname(&system);
	printf("Linux %s, %ld CPUs, %s; %u runs of each, in turn\n", system.release,
	       sysconf(_SC_NPROCESSORS_ONLN), b->fifo ? "SCHED_FIFO" : "SCHED_OTHER", b->runs);
	for (i = 0; i < b->count; i++) {
		const struct contender *c = &b->contenders[i];

		printf("  %-7s %-14s %8.2f MiB", c->name, c->version,
		       (double)c->bytes / 1048576);
		if (c->bytes_with_libraries > c->bytes)
			printf(", %.2f MiB with its libraries",
			       (double)c->bytes_with_libraries / 1048576);
		printf("\n");
	}
}

enum shown {
	SHOW_WALL,
	SHOW_CPU,
	SHOW_MEMORY,
};

static void print_value(const struct result *r, enum shown shown)
{
	char text[64];

	if (!r)
		str_format(text, sizeof(text), "n/a");
	else if (r->failed)
		str_format(text, sizeof(text), "failed");
	else if (shown == SHOW_WALL)
		str_format(text, sizeof(text), "%.2f (%.2f %.2f)", r->summary.median,
			   r->summary.p10, r->summary.p90);
	else if (shown == SHOW_CPU)
		str_format(text, sizeof(text), "%.2f", r->summary.cpu);
	else
		str_format(text, sizeof(text), "%.1f", (double)r->series.rss_kib / 1024);
	printf(" %20s", text);
}

static void print_ratio(const struct result *ours, const struct result *theirs)
{
	if (is_good(ours) && is_good(theirs))
		printf(" %8.2f", ours->summary.median / theirs->summary.median);
	else
		printf(" %8s", "");
}

static void print_row(const struct bench *b, const struct result *results, size_t count,
		      enum action action, bool seccomp, enum cgroup_mode mode, enum shown shown)
{
	const struct result *ours, *r;
	size_t i;

	if (!is_measured(results, count, action, seccomp, mode))
		return;
	printf("  %-20s", action_names[action]);
	ours = find(b, results, count, "strake", action, seccomp, mode);
	for (i = 0; i < b->count; i++) {
		r = find(b, results, count, b->contenders[i].name, action, seccomp, mode);
		print_value(r, shown);
	}
	for (i = 0; ours && shown == SHOW_WALL && i < b->count; i++) {
		if (str_eq(b->contenders[i].name, "strake"))
			continue;
		r = find(b, results, count, b->contenders[i].name, action, seccomp, mode);
		print_ratio(ours, r);
	}
	printf("\n");
}

static void print_section(const struct bench *b, const struct result *results, size_t count,
			  bool seccomp, enum cgroup_mode mode, enum shown shown)
{
	static const char *const units[] = { "ms: median (p10 p90)", "ms of CPU", "peak MiB" };
	bool with_us = find(b, results, count, "strake", ACTION_RUN, seccomp, mode) != NULL;
	enum action action;
	size_t i;

	if (!is_measured(results, count, ACTION_RUN, seccomp, mode))
		return;
	printf("\ncgroup %s, %s: %s\n  %-20s", cgroup_mode_name(mode),
	       seccomp ? "default seccomp profile" : "no seccomp", units[shown], "");
	for (i = 0; i < b->count; i++)
		printf(" %20s", b->contenders[i].name);
	for (i = 0; with_us && shown == SHOW_WALL && i < b->count; i++) {
		if (!str_eq(b->contenders[i].name, "strake"))
			printf(" %3s%-5s", "/", b->contenders[i].name);
	}
	printf("\n");
	for (action = 0; action < ACTION_COUNT; action++)
		print_row(b, results, count, action, seccomp, mode, shown);
}

void report_table(const struct bench *b, const struct result *results, size_t count)
{
	enum cgroup_mode mode;
	int seccomp;

	print_heading(b);
	for (mode = 0; mode < CGROUP_MODES; mode++)
		for (seccomp = 0; seccomp < 2; seccomp++)
			print_section(b, results, count, seccomp, mode, SHOW_WALL);
	for (seccomp = 0; seccomp < 2; seccomp++) {
		print_section(b, results, count, seccomp, CGROUP_FS, SHOW_CPU);
		print_section(b, results, count, seccomp, CGROUP_FS, SHOW_MEMORY);
	}
}

/* --- the bars ----------------------------------------------------------------------------- */

struct bar {
	char text[96];
	double value;
	double limit;
	const char *unit;
};

#define BAR_MAX 32

struct bars {
	struct bar bar[BAR_MAX];
	size_t count;
};

static void add_bar(struct bars *bars, double value, double limit, const char *unit,
		    const char *what, bool seccomp, enum cgroup_mode mode)
{
	struct bar *bar = &bars->bar[bars->count];

	if (bars->count == BAR_MAX)
		return;
	bars->count++;
	*bar = (struct bar){ .value = value, .limit = limit, .unit = unit };
	str_format(bar->text, sizeof(bar->text), "%s, cgroup %s%s", what,
		   cgroup_mode_name(mode), seccomp ? ", seccomp" : "");
}

static void add_ratio(struct bars *bars, const struct result *ours, const struct result *theirs,
		      double limit, const char *what)
{
	if (is_good(ours) && is_good(theirs))
		add_bar(bars, ours->summary.median / theirs->summary.median, limit, "", what,
			ours->seccomp, ours->cgroup);
}

static void add_difference(struct bars *bars, const struct result *more,
			   const struct result *less, double limit, const char *what)
{
	if (is_good(more) && is_good(less))
		add_bar(bars, more->summary.median - less->summary.median, limit, " ms", what,
			true, more->cgroup);
}

static void bars_make(struct bars *bars, const struct bench *b, const struct result *results,
		      size_t count)
{
	static const struct {
		enum action action;
		const char *text;
	} halves[] = {
		{ ACTION_RUN, "run / crun" },
		{ ACTION_EXEC, "exec / crun" },
		{ ACTION_DELETE, "delete -f / crun" },
	};
	enum cgroup_mode mode;
	int seccomp;
	size_t i;

#define FIND(name, action) find(b, results, count, name, action, seccomp, mode)
	for (mode = 0; mode < CGROUP_MODES; mode++) {
		const struct result *plain, *floor_plain;

		for (seccomp = 0; seccomp < 2; seccomp++) {
			for (i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
				add_ratio(bars, FIND("strake", halves[i].action),
					  FIND("crun", halves[i].action),
					  b->systemd ? 0.6 : 0.5, halves[i].text);
			add_ratio(bars, FIND("strake", ACTION_RUN), FIND("floor", ACTION_RUN),
				  1.25, "run / floor");
		}
		seccomp = 0;
		plain = FIND("strake", ACTION_RUN);
		floor_plain = FIND("floor", ACTION_RUN);
		seccomp = 1;
		add_difference(bars, FIND("strake", ACTION_RUN), plain, 0.5,
			       "the profile adds, cached");
		add_difference(bars, FIND("strake", ACTION_RUN_COLD), plain, 2.0,
			       "the profile adds, not cached");
		add_difference(bars, FIND("floor", ACTION_RUN), floor_plain, 0.5,
			       "of which the kernel's (floor)");
	}
#undef FIND
	for (i = 0; i < b->count; i++) {
		struct bar *bar = &bars->bar[bars->count];

		if (!str_eq(b->contenders[i].name, "strake") || bars->count == BAR_MAX)
			continue;
		bars->count++;
		*bar = (struct bar){ .text = "size of the executable",
				     .value = (double)b->contenders[i].bytes / 1048576,
				     .limit = 2,
				     .unit = " MiB" };
	}
}

void report_bars(const struct bench *b, const struct result *results, size_t count)
{
	struct bars bars = { .count = 0 };
	size_t i;

	bars_make(&bars, b, results, count);
	if (bars.count > 0)
		printf("\nwhat we aim at (information: nothing fails on it)\n");
	for (i = 0; i < bars.count; i++) {
		const struct bar *bar = &bars.bar[i];

		printf("  %-7s %6.2f of %.2f%-5s %s\n",
		       bar->value <= bar->limit ? "met" : "missed", bar->value, bar->limit,
		       bar->unit, bar->text);
	}
}

/* --- JSON --------------------------------------------------------------------------------- */

static void put_decimal(struct json_writer *w, const char *key, double value)
{
	char text[64];

	str_format(text, sizeof(text), "%.4f", value);
	json_write_key(w, key);
	json_write_number(w, text, strlen(text));
}

static void write_contender(struct json_writer *w, const struct contender *c)
{
	json_write_object(w);
	json_put_string(w, "name", c->name);
	json_put_string(w, "version", c->version[0] ? c->version : NULL);
	json_put_i64(w, "bytes", c->bytes);
	json_put_i64(w, "bytes_with_libraries", c->bytes_with_libraries);
	json_write_end(w);
}

static void write_result(struct json_writer *w, const struct bench *b, const struct result *r)
{
	json_write_object(w);
	json_put_string(w, "contender", b->contenders[r->contender].name);
	json_put_string(w, "action", action_keys[r->action]);
	json_put_bool(w, "seccomp", r->seccomp);
	json_put_string(w, "cgroup", cgroup_mode_name(r->cgroup));
	json_put_bool(w, "failed", r->failed);
	if (!r->failed) {
		put_decimal(w, "min_ms", r->summary.min);
		put_decimal(w, "p10_ms", r->summary.p10);
		put_decimal(w, "median_ms", r->summary.median);
		put_decimal(w, "p90_ms", r->summary.p90);
		put_decimal(w, "cpu_ms", r->summary.cpu);
		json_put_u64(w, "rss_kib", r->series.rss_kib);
	}
	json_write_end(w);
}

static void write_bars(struct json_writer *w, const struct bench *b,
		       const struct result *results, size_t count)
{
	struct bars bars = { .count = 0 };
	size_t i;

	bars_make(&bars, b, results, count);
	json_write_key(w, "bars");
	json_write_array(w);
	for (i = 0; i < bars.count; i++) {
		json_write_object(w);
		json_put_string(w, "text", bars.bar[i].text);
		put_decimal(w, "value", bars.bar[i].value);
		put_decimal(w, "limit", bars.bar[i].limit);
		json_put_bool(w, "met", bars.bar[i].value <= bars.bar[i].limit);
		json_write_end(w);
	}
	json_write_end(w);
}

/* Ours to theirs, of the medians. */
static void write_ratios(struct json_writer *w, const struct bench *b,
			 const struct result *results, size_t count)
{
	size_t i;

	json_write_key(w, "ratios");
	json_write_array(w);
	for (i = 0; i < count; i++) {
		const struct result *theirs = &results[i];
		const char *name = b->contenders[theirs->contender].name;
		const struct result *ours = find(b, results, count, "strake", theirs->action,
						 theirs->seccomp, theirs->cgroup);

		if (str_eq(name, "strake") || !is_good(ours) || !is_good(theirs))
			continue;
		json_write_object(w);
		json_put_string(w, "to", name);
		json_put_string(w, "action", action_keys[theirs->action]);
		json_put_bool(w, "seccomp", theirs->seccomp);
		json_put_string(w, "cgroup", cgroup_mode_name(theirs->cgroup));
		put_decimal(w, "value", ours->summary.median / theirs->summary.median);
		json_write_end(w);
	}
	json_write_end(w);
}

int report_json(const struct bench *b, const struct result *results, size_t count,
		struct error *e)
{
	autojson *w = json_writer_new(true);
	autobuf text = { 0 };
	struct utsname system;
	size_t i;
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s", b->output);
	uname(&system);
	json_write_object(w);
	json_put_u64(w, "format", 1);
	json_put_string(w, "kernel", system.release);
	json_put_string(w, "machine", system.machine);
	json_put_i64(w, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_put_string(w, "scheduler", b->fifo ? "fifo" : "other");
	json_put_u64(w, "runs", b->runs);
	json_write_key(w, "contenders");
	json_write_array(w);
	for (i = 0; i < b->count; i++)
		write_contender(w, &b->contenders[i]);
	json_write_end(w);
	json_write_key(w, "results");
	json_write_array(w);
	for (i = 0; i < count; i++)
		write_result(w, b, &results[i]);
	json_write_end(w);
	write_ratios(w, b, results, count);
	write_bars(w, b, results, count);
	json_write_end(w);
	buf_init(&text, JSON_MAX_BYTES);
	r = json_writer_end(w, &text);
	if (r < 0)
		return error_set(e, -r, "%s", b->output);
	return file_replace(AT_FDCWD, b->output, text.data, text.len, 0644, e);
}
