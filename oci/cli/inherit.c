/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/cli.h"

void inherit_look(struct cli *cli)
{
	int fd;

	/* What the caller closed: 0-2 must exist, or files of ours would take their place. */
	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			break;

	while (fcntl(3 + (int)cli->inherited, F_GETFD) >= 0)
		cli->inherited++;
}

void inherit_end(void)
{
	fd_cloexec_from(3);
}

int inherit_check(const struct cli *cli, unsigned int wanted, struct error *e)
{
	if (wanted <= cli->inherited)
		return 0;
	error_say(e, EBADF, "--preserve-fds %u: fd %u is not open", wanted, 3 + cli->inherited);
	error_hint(e,
		   "the files to pass on must be open in the caller, from 3 on without a gap");
	return -EBADF;
}
