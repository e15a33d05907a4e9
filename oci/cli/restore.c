/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

struct restore_options {
	struct oci_create_options create;
	struct oci_criu_options criu;
	struct option_list empty_ns;
	bool detach;
	bool no_subreaper;
};

#define ROW(name, letter, kind, field, value, help)                                      \
	{                                                                                \
		name, letter, kind, offsetof(struct restore_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("bundle", 'b', OPTION_STRING, create.bundle, "DIR", "the bundle's folder [.]"),
	ROW("config", 'f', OPTION_STRING, create.config, "FILE",
	    "instead of the bundle's config.json"),
	ROW("image-path", 0, OPTION_STRING, criu.image, "DIR",
	    "where the image is [checkpoint]"),
	ROW("work-path", 0, OPTION_STRING, criu.work, "DIR",
	    "where CRIU's log goes [the image's]"),
	ROW("console-socket", 0, OPTION_STRING, create.console_socket, "SOCKET",
	    "send the terminal's master there"),
	ROW("detach", 'd', OPTION_FLAG, detach, NULL, "leave the container running"),
	ROW("pid-file", 0, OPTION_STRING, create.pid_file, "FILE",
	    "write the process's number to FILE"),
	ROW("pidfd-socket", 0, OPTION_STRING, create.pidfd_socket, "SOCKET",
	    "send the process's pidfd there"),
	ROW("no-subreaper", 0, OPTION_FLAG, no_subreaper, NULL,
	    "leave orphans of the container to init"),
	ROW("no-pivot", 0, OPTION_FLAG, create.no_pivot, NULL,
	    "has no effect: CRIU changes the root by its own means"),
	ROW("tcp-established", 0, OPTION_FLAG, criu.tcp_established, NULL,
	    "restore open TCP connections"),
	ROW("tcp-close", 0, OPTION_FLAG, criu.tcp_close, NULL,
	    "restore TCP connections as closed ones"),
	ROW("ext-unix-sk", 0, OPTION_FLAG, criu.ext_unix_sk, NULL,
	    "allow unix sockets to the outside"),
	ROW("shell-job", 0, OPTION_FLAG, criu.shell_job, NULL,
	    "allow a terminal that is the caller's"),
	ROW("file-locks", 0, OPTION_FLAG, criu.file_locks, NULL, "restore file locks"),
	ROW("lazy-pages", 0, OPTION_FLAG, criu.lazy_pages, NULL,
	    "fetch memory when it is needed, from `criu lazy-pages`"),
	ROW("manage-cgroups-mode", 0, OPTION_STRING, criu.cgroups_mode,
	    "soft|full|strict|ignore", "what CRIU does about cgroups [soft]"),
	ROW("network-lock", 0, OPTION_STRING, criu.network_lock, "iptables|nftables|skip",
	    "how connections have been held up [iptables]"),
	ROW("empty-ns", 0, OPTION_LIST, empty_ns, "network",
	    "do not restore what this namespace held (never is)"),
	ROW("auto-dedup", 0, OPTION_FLAG, criu.auto_dedup, NULL,
	    "punch out of the image what has been read"),
	ROW("lsm-profile", 0, OPTION_STRING, criu.lsm_profile, "TYPE:NAME",
	    "instead of the profile or label that was saved (apparmor:..., selinux:...)"),
	ROW("lsm-mount-context", 0, OPTION_STRING, criu.lsm_mount_context, "LABEL",
	    "instead of the label of mounts that was saved"),
};

const struct option_table restore_table = {
	.usage = "restore [options] ID",
	.about =
		"Makes a container from its bundle and what `checkpoint` has saved, waits for it and "
		"deletes it. Exits as it did. Needs criu.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

static int restore_begin(struct cli *cli, struct restore_options *opt, int pair[2])
{
	int r = foreground_begin(cli);

	if (r < 0 || opt->detach || !str_empty(opt->create.console_socket))
		return r;
	return foreground_console_pair(pair, &cli->error);
}

int verb_restore(struct cli *cli, int argc, char **argv)
{
	struct restore_options opt = {
		.create = { .console_fd = -1, .stdio = { -1, -1, -1 } },
		.criu = { .image = "checkpoint", .status_fd = -1 },
	};
	autoclose int ours = -1, theirs = -1, master_fd = -1, pid_fd = -1;
	int first, r, pair[2] = { -1, -1 };
	struct oci_process p;
	struct oci_run *run;

	r = options_read(&restore_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	opt.create.id = argv[first];
	opt.criu.empty_ns = opt.empty_ns.v;
	r = restore_begin(cli, &opt, pair);
	if (r < 0)
		return r;
	ours = pair[0];
	opt.create.console_fd = theirs = pair[1];
	if (!opt.detach && !opt.no_subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	r = oci_restore(&cli->rt, &opt.create, &opt.criu, &p, &run, &cli->error);
	if (r < 0)
		return r;
	pid_fd = p.pid_fd;
	if (opt.detach) {
		oci_run_free(run);
		return 0;
	}
	mem_closep(&theirs);
	theirs = -1;
	if (ours >= 0)
		master_fd = foreground_console_take(ours, NULL);
	r = foreground_wait(cli, &p, master_fd, run);
	run_end(run, false);
	return r;
}
