/* SPDX-License-Identifier: Apache-2.0 */

/* `pause`: what keeps a pod's namespaces, as the first process of its own or of the pod's containers. */
#include <errno.h>
#include <signal.h>

#include "action.h"
#include "base/error.h"

int pause_run(struct error *e)
{
	sigset_t ends;
	int signum;

	/* The kernel reaps what containers leave to us. */
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	if (sigprocmask(SIG_BLOCK, &ends, NULL) < 0)
		return error_set(e, errno, "block signals");
	while (sigwait(&ends, &signum) != 0)
		;
	return 0;
}
