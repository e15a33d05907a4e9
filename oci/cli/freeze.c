/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

/* pause and resume: one thing in two directions. */
const struct option_table pause_table = {
	.usage = "pause ID",
	.about = "Freezes all processes of a container; returns when they are.",
	.min_args = 1,
	.max_args = 1,
};

const struct option_table resume_table = {
	.usage = "resume ID",
	.about = "Thaws a paused container.",
	.min_args = 1,
	.max_args = 1,
};

int verb_pause(struct cli *cli, int argc, char **argv)
{
	int first, r;

	r = options_read(&pause_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	return oci_pause(&cli->rt, argv[first], &cli->error);
}

int verb_resume(struct cli *cli, int argc, char **argv)
{
	int first, r;

	r = options_read(&resume_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	return oci_resume(&cli->rt, argv[first], &cli->error);
}
