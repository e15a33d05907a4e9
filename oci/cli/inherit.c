/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"
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

/*
 * Meant for us, or, by engines that hand their own on to us, for process 1 of the container; what was
 * meant for another process is in our environment by accident.
 */
static unsigned int inherit_count_sockets(const struct cli *cli)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint64_t n, whose = 1;

	if (!fds || str_to_u64(fds, &n) < 0 || (pid && str_to_u64(pid, &whose) < 0))
		return 0;
	if (whose != 1 && whose != (uint64_t)getpid())
		return 0;
	return n < cli->inherited ? (unsigned int)n : cli->inherited;
}

int inherit_check(const struct cli *cli, unsigned int *preserve, unsigned int *listen,
		  const char **listen_names, struct error *e)
{
	unsigned int wanted = *preserve;

	*listen = inherit_count_sockets(cli);
	*listen_names = *listen ? getenv("LISTEN_FDNAMES") : NULL;
	if (wanted <= cli->inherited - *listen) {
		*preserve = wanted + *listen;
		return 0;
	}
	error_say(e, EBADF, "--preserve-fds %u: fd %u is not open", wanted, 3 + cli->inherited);
	error_hint(e,
		   "the files to pass on must be open in the caller, from 3 on without a gap");
	return -EBADF;
}
