/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "cli/cli.h"

#define ROW(name, letter, kind, field, value, help)                                         \
	{                                                                                   \
		name, letter, kind, offsetof(struct oci_create_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("bundle", 'b', OPTION_STRING, bundle, "DIR", "the bundle's folder [.]"),
	ROW("config", 'f', OPTION_STRING, config, "FILE",
	    "instead of the bundle's config.json"),
	ROW("console-socket", 0, OPTION_STRING, console_socket, "SOCKET",
	    "send the terminal's master there"),
	ROW("pid-file", 0, OPTION_STRING, pid_file, "FILE",
	    "write the process's number to FILE"),
	ROW("pidfd-socket", 0, OPTION_STRING, pidfd_socket, "SOCKET",
	    "send the process's pidfd there"),
	ROW("no-pivot", 0, OPTION_FLAG, no_pivot, NULL,
	    "chroot instead of pivot_root (initramfs)"),
	ROW("no-new-keyring", 0, OPTION_FLAG, no_new_keyring, NULL,
	    "keep the caller's session keyring"),
	ROW("preserve-fds", 0, OPTION_NUMBER, preserve_fds, "N",
	    "pass on those of the fds 3 to 3+N-1 that are open"),
};

const struct option_table create_table = {
	.usage = "create [options] ID",
	.about = "Makes a container from a bundle. Its process waits for `strake start`.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

int verb_create(struct cli *cli, int argc, char **argv)
{
	struct oci_create_options opt = { .console_fd = -1, .stdio = { -1, -1, -1 } };
	struct oci_process p;
	int first, r;

	r = options_read(&create_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	opt.id = argv[first];
	opt.notify = foreground_service() != NULL;
	r = inherit_check(cli, &INHERITANCE(&opt), &cli->error);
	if (r == 0)
		r = foreground_begin(cli);
	if (r == 0)
		r = oci_create(&cli->rt, &opt, &p, &cli->error);
	return r;
}
