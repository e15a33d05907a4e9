/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "cli/cli.h"

struct delete_options {
	bool force;
	bool regex;
};

static const struct option_row rows[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct delete_options, force), NULL,
	  "kill it first if it runs; a missing container is no error" },
	{ "regex", 'r', OPTION_FLAG, offsetof(struct delete_options, regex), NULL,
	  "all containers in whose id this extended regular expression is found" },
};

const struct option_table delete_table = {
	.usage = "delete [--force] [--regex] ID",
	.about =
		"Removes a container that is stopped, or was never started, its cgroup and its state.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

static int delete_one(struct cli *cli, const char *id, const void *arg)
{
	const struct delete_options *opt = arg;
	int r = oci_delete(&cli->rt, id, opt->force, &cli->error);

	return r == -ENOENT && opt->force ? 0 : r;
}

int verb_delete(struct cli *cli, int argc, char **argv)
{
	struct delete_options opt = { 0 };
	int first, r;

	r = options_read(&delete_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (opt.regex)
		return matching_each(cli, argv[first], delete_one, &opt);
	return delete_one(cli, argv[first], &opt);
}
