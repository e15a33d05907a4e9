/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static const struct option_table table = {
	.usage = "spec [options]",
	.about = "Writes a config.json to start from.",
};

int verb_spec(struct cli *cli, int argc, char **argv)
{
	int first, r;

	r = options_read(&table, argc, argv, NULL, &first, &cli->error);
	return r > 0 ? 0 : r;
}
