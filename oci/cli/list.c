/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct list_options, format), "table|json",
	  "what to print [table]" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct list_options, quiet), NULL, "only ids" },
};

const struct option_table list_table = {
	.usage = "list [options]",
	.about = "Lists the containers below --root.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

struct list {
	struct cli *cli;
	struct list_options opt;
	struct json_writer *json; /* or NULL: a table */
};

static void list_print_state(struct list *l, const struct oci_state *s)
{
	char owner[OUTPUT_OWNER_SIZE];

	if (l->json)
		output_state(l->json, s);
	else
		printf("%-28s %-10d %-10s %-40s %-31s %s\n", s->id, (int)s->pid,
		       oci_status_name(s->status), s->bundle, s->created,
		       output_owner(owner, s));
}

static int list_print(void *arg, const char *id)
{
	struct list *l = arg;
	struct error e = ERROR_INIT;
	struct oci_state s;
	struct arena a;
	int r;

	if (l->opt.quiet) {
		printf("%s\n", id);
		return 0;
	}
	arena_init(&a, 64u << 20);
	r = oci_state(&l->cli->rt, id, &a, &s, &e);
	if (r == 0)
		list_print_state(l, &s);
	else if (r != -ENOENT) /* deleted meanwhile */
		log_error(&e);
	arena_done(&a);
	return 0;
}

int verb_list(struct cli *cli, int argc, char **argv)
{
	struct list l = { .cli = cli };
	autojson *w = NULL;
	int first, r;

	r = options_read(&list_table, argc, argv, &l.opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (str_eq(l.opt.format, "json") && !l.opt.quiet) {
		w = l.json = json_writer_new(false);
		if (!w)
			return error_set(&cli->error, ENOMEM, "list");
		json_write_array(w);
	} else if (l.opt.format && !str_eq(l.opt.format, "table") &&
		   !str_eq(l.opt.format, "json")) {
		return error_say(&cli->error, EINVAL, "--format is table or json, not \"%s\"",
				 l.opt.format);
	} else if (!l.opt.quiet) {
		printf("%-28s %-10s %-10s %-40s %-31s %s\n", "ID", "PID", "STATUS", "BUNDLE",
		       "CREATED", "OWNER");
	}
	r = oci_list(&cli->rt, list_print, &l, &cli->error);
	if (r == 0 && w) {
		json_write_end(w);
		r = output_json(w, &cli->error);
	}
	return r;
}
