/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "cli/cli.h"

struct checkpoint_options {
	struct oci_criu_options criu;
	struct option_list empty_ns;
	unsigned int status_fd;
};

#define ROW(name, kind, field, value, help)                                            \
	{                                                                              \
		name, 0, kind, offsetof(struct checkpoint_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("image-path", OPTION_STRING, criu.image, "DIR",
	    "where the image goes [checkpoint]"),
	ROW("work-path", OPTION_STRING, criu.work, "DIR",
	    "where CRIU's log goes [the image's]"),
	ROW("parent-path", OPTION_STRING, criu.parent, "DIR",
	    "an earlier image, seen from this one: only what has changed since is saved"),
	ROW("leave-running", OPTION_FLAG, criu.leave_running, NULL, "the container goes on"),
	ROW("pre-dump", OPTION_FLAG, criu.pre_dump, NULL,
	    "save its memory alone, for a later checkpoint; it goes on"),
	ROW("tcp-established", OPTION_FLAG, criu.tcp_established, NULL,
	    "save open TCP connections"),
	ROW("tcp-skip-in-flight", OPTION_FLAG, criu.tcp_skip_in_flight, NULL,
	    "leave out TCP connections that are being made"),
	ROW("ext-unix-sk", OPTION_FLAG, criu.ext_unix_sk, NULL,
	    "allow unix sockets to the outside"),
	ROW("shell-job", OPTION_FLAG, criu.shell_job, NULL,
	    "allow a terminal that is the caller's"),
	ROW("file-locks", OPTION_FLAG, criu.file_locks, NULL, "save file locks"),
	ROW("link-remap", OPTION_FLAG, criu.link_remap, NULL,
	    "link open files that have been unlinked"),
	ROW("lazy-pages", OPTION_FLAG, criu.lazy_pages, NULL,
	    "wait for somebody to fetch the memory, by userfaultfd"),
	ROW("page-server", OPTION_STRING, criu.page_server, "ADDRESS:PORT",
	    "send memory there, or with --lazy-pages serve it there"),
	ROW("status-fd", OPTION_NUMBER, status_fd, "N",
	    "write a zero byte to fd N when --lazy-pages is ready"),
	ROW("manage-cgroups-mode", OPTION_STRING, criu.cgroups_mode, "soft|full|strict|ignore",
	    "what CRIU does about cgroups [soft]"),
	ROW("network-lock", OPTION_STRING, criu.network_lock, "iptables|nftables|skip",
	    "how connections are held up meanwhile [iptables]"),
	ROW("empty-ns", OPTION_LIST, empty_ns, "network",
	    "do not save what this namespace holds (never is)"),
	ROW("auto-dedup", OPTION_FLAG, criu.auto_dedup, NULL,
	    "punch what is saved anew out of the earlier image"),
};

const struct option_table checkpoint_table = {
	.usage = "checkpoint [options] ID",
	.about =
		"Saves a running container by CRIU, and removes it unless it is to go on. Needs criu.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

/* CRIU opens it by its number; what comes after 2 has been marked as ours alone. */
static int checkpoint_status_fd(struct cli *cli, struct checkpoint_options *opt)
{
	opt->criu.status_fd = -1;
	if (!opt->status_fd)
		return 0;
	if (opt->status_fd >= 3 && opt->status_fd - 3 >= cli->inherited)
		return error_say(&cli->error, EBADF, "--status-fd %u: no open file",
				 opt->status_fd);
	opt->criu.status_fd = (int)opt->status_fd;
	return 0;
}

int verb_checkpoint(struct cli *cli, int argc, char **argv)
{
	struct checkpoint_options opt = { .criu.image = "checkpoint" };
	int first, r;

	r = options_read(&checkpoint_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	opt.criu.empty_ns = opt.empty_ns.v;
	r = checkpoint_status_fd(cli, &opt);
	if (r == 0)
		r = foreground_begin(cli);
	if (r == 0)
		r = oci_checkpoint(&cli->rt, argv[first], &opt.criu, &cli->error);
	if (r < 0 || opt.criu.leave_running || opt.criu.pre_dump)
		return r;
	return oci_delete(&cli->rt, argv[first], true, &cli->error);
}
