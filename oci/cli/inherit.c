/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

#define INHERIT_MAX 1024

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

/* A number of the caller's that our log has taken is free again. */
static int inherit_clear_log(struct cli *cli, unsigned int end, struct error *e)
{
	int fd;

	if (!cli->log_fd || (unsigned int)cli->log_fd >= end)
		return 0;
	fd = fcntl(cli->log_fd, F_DUPFD_CLOEXEC, (int)end);
	if (fd < 0)
		return error_set(e, errno, "--preserve-fds: make room for fds up to %u",
				 end - 1);
	log_move(fd);
	close(cli->log_fd);
	cli->log_fd = fd;
	return 0;
}

/* Files that are opened later must not end up between those of the caller. */
static int inherit_fill_gaps(struct cli *cli, unsigned int n, const bool **ret, struct error *e)
{
	static bool gaps[INHERIT_MAX];
	autoclose int low = -1, filler = -1;
	unsigned int i, found = 0;

	if (n > INHERIT_MAX)
		return error_say(e, EINVAL, "--preserve-fds %u: %d is the most", n,
				 INHERIT_MAX);
	if (inherit_clear_log(cli, 3 + n, e) < 0)
		return -e->errnum;
	low = open("/dev/null", O_RDONLY | O_CLOEXEC);
	filler = fcntl(low, F_DUPFD_CLOEXEC, (int)(3 + n));
	if (filler < 0)
		return error_set(e, errno, "--preserve-fds %u: make room for them", n);
	mem_closep(&low);
	for (i = 0; i < n; i++) {
		gaps[i] = fcntl(3 + (int)i, F_GETFD) < 0;
		found += !gaps[i];
		if (gaps[i] && dup3(filler, 3 + (int)i, O_CLOEXEC) < 0)
			return error_set(e, errno, "--preserve-fds: keep fd %u free", 3 + i);
	}
	*ret = gaps;
	if (found)
		return 0;
	error_say(e, EBADF, "--preserve-fds %u: none of the fds 3 to %u is open", n, 2 + n);
	error_hint(e, "the files to pass on must be open in the caller");
	return -EBADF;
}

int inherit_check(struct cli *cli, const struct inheritance *in, struct error *e)
{
	unsigned int wanted = *in->preserve_fds;

	*in->listen_fds = inherit_count_sockets(cli);
	*in->listen_names = *in->listen_fds ? getenv("LISTEN_FDNAMES") : NULL;
	*in->preserve_fds = wanted + *in->listen_fds;
	if (wanted <= cli->inherited - *in->listen_fds)
		return 0;
	return inherit_fill_gaps(cli, *in->preserve_fds, in->preserve_gaps, e);
}
