/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "contender.h"
#include "sample.h"

struct bench;
struct error;

/* What was measured of the runtimes, and how it is shown. tests/bench/README.md tells the rest. */
enum action {
	ACTION_RUN,
	ACTION_RUN_COLD, /* with an empty state directory, so with an empty cache of filters */
	ACTION_LIFE,     /* create + start + delete */
	ACTION_EXEC,
	ACTION_DELETE, /* delete --force of a container that sleeps */
	ACTION_COUNT,
};

struct result {
	enum action action;
	bool seccomp;
	enum cgroup_mode cgroup;
	size_t contender; /* its index */
	struct series series;
	struct summary summary;
	bool failed;
};

void report_table(const struct bench *b, const struct result *results, size_t count);
void report_bars(const struct bench *b, const struct result *results, size_t count);
int report_json(const struct bench *b, const struct result *results, size_t count,
		struct error *e);
