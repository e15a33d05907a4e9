/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cli/cli.h"

const struct option_table start_table = {
	.usage = "start ID",
	.about =
		"Runs the process of a container that was created. Where NOTIFY_SOCKET names the socket of a\n"
		"service manager, as it did for create, this waits until the container tells that it is\n"
		"ready, and hands it on.",
	.min_args = 1,
	.max_args = 1,
};

/* Known before it runs: a short one is gone by then. */
static int start_open_process(struct cli *cli, const char *id, struct oci_process *ret)
{
	struct oci_state state;
	struct arena a;
	int r;

	arena_init(&a, 1u << 20);
	r = oci_state(&cli->rt, id, &a, &state, &cli->error);
	if (r == 0 && state.pid) {
		ret->pid = state.pid;
		ret->pid_fd = proc_open(state.pid);
	}
	arena_done(&a);
	return r;
}

static int start_and_wait(struct cli *cli, const char *id)
{
	struct oci_process p = { .pid_fd = -1 };
	autoclose int ready_fd = -1, pid_fd = -1;
	struct error e = ERROR_INIT;
	int r;

	ready_fd = oci_ready_listen(&cli->rt, id, &cli->error);
	if (ready_fd < 0 && ready_fd != -ENOENT)
		return ready_fd;
	cli->error = ERROR_INIT;
	r = ready_fd < 0 ? 0 : start_open_process(cli, id, &p);
	pid_fd = p.pid_fd;
	if (r == 0)
		r = oci_start(&cli->rt, id, &cli->error);
	if (r == 0 && pid_fd >= 0 &&
	    oci_ready_wait(&cli->rt, ready_fd, &p, foreground_service(), &e) < 0)
		log_warning("%s", e.text);
	return r;
}

int verb_start(struct cli *cli, int argc, char **argv)
{
	int first, r;

	r = options_read(&start_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (foreground_service())
		return start_and_wait(cli, argv[first]);
	return oci_start(&cli->rt, argv[first], &cli->error);
}
