/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

const struct option_table start_table = {
	.usage = "start ID",
	.about = "Runs the process of a container that was created.",
	.min_args = 1,
	.max_args = 1,
};

int verb_start(struct cli *cli, int argc, char **argv)
{
	int first, r;

	r = options_read(&start_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	return oci_start(&cli->rt, argv[first], &cli->error);
}
