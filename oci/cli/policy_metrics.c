/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/policy.h"

/*
 * Reports of denied calls as counters that a node exporter reads from a file. The lines of a report are the
 * state: whoever moves it away lets the counters begin anew, which Prometheus expects of counters.
 */
#define METRICS_MAX (256u << 20)
#define ROWS_MAX    4096

struct row {
	const char *policy, *rule, *name, *errnum;
	uint64_t count;
};

struct metrics {
	struct arena arena;
	size_t n;
	struct row *rows;
};

static int row_add(struct metrics *m, const struct json *j, const char *file, struct error *e)
{
	const struct json *count = json_get(j, "count");
	struct row row = {
		.policy = json_get_string(j, "policy") ?: "",
		.rule = json_get_string(j, "rule") ?: "",
		.name = json_get_string(j, "name") ?: "",
		.errnum = json_get_string(j, "errno") ?: "",
	};
	size_t i;

	if (!count || json_to_u64(count, &row.count) < 0)
		return error_say(e, EINVAL, "%s: a line is no report of a denied call", file);
	for (i = 0; i < m->n; i++) {
		struct row *r = &m->rows[i];

		if (str_eq(r->policy, row.policy) && str_eq(r->rule, row.rule) &&
		    str_eq(r->name, row.name) && str_eq(r->errnum, row.errnum)) {
			r->count += row.count;
			return 0;
		}
	}
	if (m->n == ROWS_MAX)
		return error_say(e, E2BIG, "%s: more than %d kinds of denied calls", file,
				 ROWS_MAX);
	row.policy = arena_strdup(&m->arena, row.policy);
	row.rule = arena_strdup(&m->arena, row.rule);
	row.name = arena_strdup(&m->arena, row.name);
	row.errnum = arena_strdup(&m->arena, row.errnum);
	if (!row.policy || !row.rule || !row.name || !row.errnum)
		return error_set(e, ENOMEM, "%s", file);
	m->rows[m->n++] = row;
	return 0;
}

/* A reporter may be writing: what stands behind the last newline is for the next time. */
static int file_add(struct metrics *m, const char *path, struct error *e)
{
	autobuf text = { 0 };
	char *line, *end;
	int r = file_read(AT_FDCWD, path, METRICS_MAX, &text, e);

	for (line = text.data; r == 0 && line && (end = strchr(line, '\n')); line = end + 1) {
		struct json *doc = NULL;
		struct arena a;

		arena_init(&a, 1u << 20);
		r = json_parse(&a, path, line, (size_t)(end - line), &doc, e);
		if (r == 0)
			r = row_add(m, doc, path, e);
		arena_done(&a);
	}
	return r;
}

/* The words of a label: what Prometheus would take for an end of them is escaped. */
static int put_label(struct buf *b, const char *key, const char *value)
{
	int r = buf_addf(b, "%s=\"", key);

	for (; r == 0 && *value; value++) {
		if (*value == '\n')
			r = buf_adds(b, "\\n");
		else if (*value == '"' || *value == '\\')
			r = buf_addf(b, "\\%c", *value);
		else
			r = buf_addc(b, *value);
	}
	return r == 0 ? buf_addc(b, '"') : r;
}

static int put_row(struct buf *b, const struct row *row)
{
	int r = buf_adds(b, "strake_policy_violations_total{kind=\"seccomp\",");

	if (r == 0)
		r = put_label(b, "policy", row->policy);
	if (r == 0)
		r = buf_addc(b, ',');
	if (r == 0)
		r = put_label(b, "rule", row->rule);
	if (r == 0)
		r = buf_addc(b, ',');
	if (r == 0)
		r = put_label(b, "name", row->name);
	if (r == 0)
		r = buf_addc(b, ',');
	if (r == 0)
		r = put_label(b, "errno", row->errnum);
	return r == 0 ? buf_addf(b, "} %" PRIu64 "\n", row->count) : r;
}

static int metrics_write(const struct metrics *m, const char *output, struct error *e)
{
	autobuf text = { .max = 16u << 20 };
	size_t i;
	int r = buf_adds(
		&text,
		"# HELP strake_policy_violations_total System calls denied in containers.\n"
		"# TYPE strake_policy_violations_total counter\n");

	for (i = 0; r == 0 && i < m->n; i++)
		r = put_row(&text, &m->rows[i]);
	if (r < 0)
		return error_set(e, -r, "policy metrics");
	/* Replaced whole: who reads it sees all of it, or what was there before. */
	if (output)
		return file_replace(AT_FDCWD, output, text.data, text.len, 0644, e);
	return fwrite(text.data, 1, text.len, stdout) == text.len
		       ? 0
		       : error_set(e, EIO, "write to stdout");
}

int policy_metrics(struct cli *cli, const struct policy_options *opt)
{
	struct metrics m = { 0 };
	int i, r = 0;

	arena_init(&m.arena, 64u << 20);
	m.rows = arena_array(&m.arena, ROWS_MAX, sizeof(*m.rows));
	if (!m.rows)
		r = error_set(&cli->error, ENOMEM, "policy metrics");
	for (i = 0; r == 0 && i < opt->argc; i++)
		r = file_add(&m, opt->argv[i], &cli->error);
	if (r == 0)
		r = metrics_write(&m, opt->output, &cli->error);
	arena_done(&m.arena);
	return r;
}
