/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

struct run_options {
	struct oci_create_options create;
	bool detach;
	bool keep;
	bool no_subreaper;
};

#define ROW(name, letter, kind, field, value, help)                                  \
	{                                                                            \
		name, letter, kind, offsetof(struct run_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("bundle", 'b', OPTION_STRING, create.bundle, "DIR", "the bundle's folder [.]"),
	ROW("config", 'f', OPTION_STRING, create.config, "FILE",
	    "instead of the bundle's config.json"),
	ROW("console-socket", 0, OPTION_STRING, create.console_socket, "SOCKET",
	    "send the terminal's master there"),
	ROW("detach", 'd', OPTION_FLAG, detach, NULL, "leave the container running"),
	ROW("keep", 0, OPTION_FLAG, keep, NULL, "do not delete it when it has ended"),
	ROW("no-subreaper", 0, OPTION_FLAG, no_subreaper, NULL,
	    "leave orphans of the container to init"),
	ROW("pid-file", 0, OPTION_STRING, create.pid_file, "FILE",
	    "write the process's number to FILE"),
	ROW("pidfd-socket", 0, OPTION_STRING, create.pidfd_socket, "SOCKET",
	    "send the process's pidfd there"),
	ROW("no-pivot", 0, OPTION_FLAG, create.no_pivot, NULL,
	    "chroot instead of pivot_root (initramfs)"),
	ROW("no-new-keyring", 0, OPTION_FLAG, create.no_new_keyring, NULL,
	    "keep the caller's session keyring"),
	ROW("preserve-fds", 0, OPTION_NUMBER, create.preserve_fds, "N",
	    "pass on those of the fds 3 to 3+N-1 that are open"),
};

const struct option_table run_table = {
	.usage = "run [options] ID",
	.about =
		"Creates a container, starts it, waits for it and deletes it. Exits as it did.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

/* Without a console socket the terminal is ours to serve; with --detach nobody would. */
static int run_console(struct run_options *opt, int pair[2], struct error *e)
{
	if (opt->detach || !str_empty(opt->create.console_socket))
		return 0;
	foreground_console_size(&opt->create.rows, &opt->create.columns);
	return foreground_console_pair(pair, e);
}

void run_end(struct oci_run *run, bool keep)
{
	struct error e = ERROR_INIT;

	if (keep)
		oci_run_free(run);
	else if (oci_run_delete(run, &e) < 0)
		log_error(&e);
}

/* It runs, whether it says so or not. */
static void run_wait_ready(struct cli *cli, const struct oci_run *run,
			   const struct oci_process *p)
{
	struct error e = ERROR_INIT;

	if (oci_ready_wait(&cli->rt, oci_run_ready_fd(run), p, foreground_service(), &e) < 0)
		log_warning("%s", e.text);
}

int verb_run(struct cli *cli, int argc, char **argv)
{
	struct run_options opt = { .create = { .console_fd = -1, .stdio = { -1, -1, -1 } } };
	autoclose int ours = -1, theirs = -1, master_fd = -1, pid_fd = -1;
	int first, r, pair[2] = { -1, -1 };
	struct oci_process p;
	struct oci_run *run;

	r = options_read(&run_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	opt.create.id = argv[first];
	opt.create.notify = foreground_service() != NULL;
	r = inherit_check(cli, &INHERITANCE(&opt.create), &cli->error);
	if (r == 0)
		r = foreground_begin(cli);
	if (r == 0)
		r = run_console(&opt, pair, &cli->error);
	if (r < 0)
		return r;
	ours = pair[0];
	opt.create.console_fd = theirs = pair[1];

	/* Who stays can be told; who leaves a container alone has to name a file. */
	if (!opt.detach && !cli->rt.report)
		cli->rt.report = "-";
	if (!opt.detach && !opt.no_subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	r = oci_run(&cli->rt, &opt.create, &p, &run, &cli->error);
	if (r < 0)
		return r;
	pid_fd = p.pid_fd;
	mem_closep(&theirs);
	theirs = -1;
	if (ours >= 0 && !opt.detach)
		master_fd = foreground_console_take(ours, NULL);
	if (!opt.detach)
		r = foreground_wait(cli, &p, master_fd, run);
	else if (opt.create.notify)
		run_wait_ready(cli, run, &p);
	run_end(run, opt.detach || opt.keep);
	return r;
}
