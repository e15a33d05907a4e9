/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"

const struct option_table wait_table = {
	.usage = "wait ID",
	.about =
		"Waits until a container ends, and prints its exit status; 128 and more: a signal.",
	.min_args = 1,
	.max_args = 1,
};

int verb_wait(struct cli *cli, int argc, char **argv)
{
	int first, status, r;

	r = options_read(&wait_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	r = oci_wait(&cli->rt, argv[first], &status, &cli->error);
	if (r < 0)
		return r;
	printf("%d\n", status);
	return 0;
}
