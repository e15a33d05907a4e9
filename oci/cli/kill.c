/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/mem.h"
#include "base/proc.h"
#include "cli/cli.h"

struct kill_options {
	bool all;
	bool regex;
	int signum;
};

static const struct option_row rows[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct kill_options, all), NULL,
	  "to every process of the container" },
	{ "regex", 'r', OPTION_FLAG, offsetof(struct kill_options, regex), NULL,
	  "to all containers in whose id this extended regular expression is found" },
};

const struct option_table kill_table = {
	.usage = "kill [--all] [--regex] ID [SIGNAL]",
	.about = "Sends SIGNAL (a name or a number, TERM where none is given) to a container.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 2,
};

static int kill_one(struct cli *cli, const char *id, const void *arg)
{
	const struct kill_options *opt = arg;

	return oci_kill(&cli->rt, id, opt->signum, opt->all, &cli->error);
}

int verb_kill(struct cli *cli, int argc, char **argv)
{
	struct kill_options opt = { .signum = SIGTERM };
	int first, r;

	r = options_read(&kill_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (first + 1 < argc) {
		opt.signum = proc_signal_from_name(argv[first + 1]);
		if (opt.signum < 0) {
			error_say(&cli->error, EINVAL, "unknown signal \"%s\"",
				  argv[first + 1]);
			error_hint(&cli->error,
				   "give a name (TERM, SIGKILL, RTMIN+3) or a number");
			return -EINVAL;
		}
	}
	if (opt.regex)
		return matching_each(cli, argv[first], kill_one, &opt);
	return kill_one(cli, argv[first], &opt);
}
