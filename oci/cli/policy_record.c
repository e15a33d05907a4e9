/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/policy.h"

/* A `run` in which every call is seen. */
int policy_record(struct cli *cli, const struct policy_options *opt)
{
	char bundle[] = "--bundle", config[] = "--config", verb[] = "run", here[] = ".", id[32];
	char *argv[8] = { verb, bundle, (char *)(opt->bundle ?: here) };
	int argc = 3, r;

	if (str_empty(opt->output)) {
		error_say(&cli->error, EINVAL, "policy record: --output names no file");
		error_hint(&cli->error, "strake policy record --bundle DIR --output FILE");
		return -EINVAL;
	}
	snprintf(id, sizeof(id), "record-%d", (int)getpid());
	if (opt->config) {
		argv[argc++] = config;
		argv[argc++] = (char *)opt->config;
	}
	argv[argc++] = (char *)(opt->id ?: id);
	cli->rt.record = opt->output;
	r = verb_run(cli, argc, argv);
	if (r >= 0)
		fprintf(stderr,
			"strake: %s allows the calls that were made; which capabilities were used "
			"cannot be told by them, and files of the image decide which calls come next\n",
			opt->output);
	return r;
}
