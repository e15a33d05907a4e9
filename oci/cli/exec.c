/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

struct exec_options {
	struct oci_exec_options exec;
	struct option_list env;
	struct option_list caps;
	struct option_list gids;
	bool detach;
};

#define ROW(name, letter, kind, field, value, help)                                   \
	{                                                                             \
		name, letter, kind, offsetof(struct exec_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("process", 'p', OPTION_STRING, exec.process, "FILE",
	    "read the process object from FILE"),
	ROW("cwd", 0, OPTION_STRING, exec.cwd, "DIR", "working directory [the container's]"),
	ROW("env", 'e', OPTION_LIST, env, "NAME=VALUE", "add to the environment"),
	ROW("user", 'u', OPTION_STRING, exec.user, "UID[:GID]", "run as this user"),
	ROW("additional-gids", 'g', OPTION_LIST, gids, "GID", "one more group"),
	ROW("cap", 'c', OPTION_LIST, caps, "NAME", "one more capability"),
	ROW("tty", 't', OPTION_FLAG, exec.tty, NULL, "give it a terminal"),
	ROW("detach", 'd', OPTION_FLAG, detach, NULL, "do not wait for it"),
	ROW("pid-file", 0, OPTION_STRING, exec.pid_file, "FILE", "write its number to FILE"),
	ROW("pidfd-socket", 0, OPTION_STRING, exec.pidfd_socket, "SOCKET",
	    "send its pidfd there"),
	ROW("console-socket", 0, OPTION_STRING, exec.console_socket, "SOCKET",
	    "send the terminal's master there"),
	ROW("apparmor", 0, OPTION_STRING, exec.apparmor_profile, "PROFILE", "AppArmor profile"),
	ROW("process-label", 0, OPTION_STRING, exec.selinux_label, "LABEL", "SELinux label"),
	ROW("no-new-privs", 0, OPTION_FLAG, exec.no_new_privs, NULL, "set no_new_privs"),
	ROW("preserve-fds", 0, OPTION_NUMBER, exec.preserve_fds, "N",
	    "pass on those of the fds 3 to 3+N-1 that are open"),
	ROW("cgroup", 0, OPTION_STRING, exec.cgroup, "PATH", "run in a sub-cgroup"),
	ROW("ignore-paused", 0, OPTION_FLAG, exec.ignore_paused, NULL,
	    "also in a paused container: it runs when that is resumed"),
};

const struct option_table exec_table = {
	.usage = "exec [options] ID COMMAND [arguments]",
	.about = "Runs COMMAND in a running container, waits for it and exits as it did.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = -1,
	.stop_at_first = true,
};

/* "1", "2,3": urfave/cli splits lists at commas, and engines rely on it. */
static int exec_read_gids(const struct option_list *l, uint32_t *gids, size_t max, size_t *n,
			  struct error *e)
{
	size_t i;

	*n = 0;
	for (i = 0; i < l->n; i++) {
		char *save = NULL, *word;

		for (word = strtok_r(l->v[i], ",", &save); word;
		     word = strtok_r(NULL, ",", &save)) {
			if (*n == max)
				return error_say(e, E2BIG,
						 "--additional-gids: too many groups");
			if (str_to_u32(word, &gids[*n]) < 0 || gids[*n] == UINT32_MAX)
				return error_say(e, EINVAL,
						 "--additional-gids: \"%s\" is no group number",
						 word);
			(*n)++;
		}
	}
	return 0;
}

static int exec_wait(struct cli *cli, const struct exec_options *opt,
		     const struct oci_process *p, int ours)
{
	autoclose int master_fd = -1;

	if (opt->detach)
		return 0;
	if (ours >= 0)
		master_fd = foreground_console_take(ours, NULL);
	return foreground_wait(cli, p, master_fd, NULL);
}

int verb_exec(struct cli *cli, int argc, char **argv)
{
	struct exec_options opt = { .exec = { .console_fd = -1, .stdio = { -1, -1, -1 } } };
	autoclose int ours = -1, theirs = -1, pid_fd = -1;
	int first, r, pair[2] = { -1, -1 };
	struct oci_process p;
	uint32_t gids[1024];

	r = options_read(&exec_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	opt.exec.id = argv[first];
	opt.exec.args = argv + first + 1;
	opt.exec.env = opt.env.v;
	opt.exec.caps = opt.caps.v;
	opt.exec.additional_gids = gids;
	r = exec_read_gids(&opt.gids, gids, ARRAY_SIZE(gids), &opt.exec.n_additional_gids,
			   &cli->error);
	if (r == 0)
		r = inherit_check(cli, &INHERITANCE(&opt.exec), &cli->error);
	if (r == 0)
		r = foreground_begin(cli);
	/* Offered in any case: whether there is a terminal, a --process file may decide. */
	if (r == 0 && !opt.detach && str_empty(opt.exec.console_socket)) {
		foreground_console_size(&opt.exec.rows, &opt.exec.columns);
		r = foreground_console_pair(pair, &cli->error);
	}
	if (r < 0)
		return r;
	ours = pair[0];
	opt.exec.console_fd = theirs = pair[1];

	r = oci_exec(&cli->rt, &opt.exec, &p, &cli->error);
	if (r < 0)
		return r;
	pid_fd = p.pid_fd;
	return exec_wait(cli, &opt, &p, ours);
}
