/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "cli/cli.h"

struct delete_options {
	bool force;
};

static const struct option_row rows[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct delete_options, force), NULL,
	  "kill it first if it runs; a missing container is no error" },
};

const struct option_table delete_table = {
	.usage = "delete [--force] ID",
	.about =
		"Removes a container that is stopped, or was never started, its cgroup and its state.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

int verb_delete(struct cli *cli, int argc, char **argv)
{
	struct delete_options opt = { 0 };
	int first, r;

	r = options_read(&delete_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	r = oci_delete(&cli->rt, argv[first], opt.force, &cli->error);
	return r == -ENOENT && opt.force ? 0 : r;
}
