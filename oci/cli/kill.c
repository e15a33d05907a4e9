/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/mem.h"
#include "base/proc.h"
#include "cli/cli.h"

struct kill_options {
	bool all;
};

static const struct option_row rows[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct kill_options, all), NULL,
	  "to every process of the container" },
};

const struct option_table kill_table = {
	.usage = "kill [--all] ID [SIGNAL]",
	.about = "Sends SIGNAL (a name or a number, TERM where none is given) to a container.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 2,
};

int verb_kill(struct cli *cli, int argc, char **argv)
{
	struct kill_options opt = { 0 };
	int first, r, signum = SIGTERM;

	r = options_read(&kill_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (first + 1 < argc) {
		signum = proc_signal_from_name(argv[first + 1]);
		if (signum < 0) {
			error_say(&cli->error, EINVAL, "unknown signal \"%s\"",
				  argv[first + 1]);
			error_hint(&cli->error,
				   "give a name (TERM, SIGKILL, RTMIN+3) or a number");
			return -EINVAL;
		}
	}
	return oci_kill(&cli->rt, argv[first], signum, opt.all, &cli->error);
}
