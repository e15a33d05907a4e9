/* SPDX-License-Identifier: Apache-2.0 */
#include "run/signals.h"

#include <signal.h>
#include <stddef.h>

void signals_reset(void)
{
	struct sigaction def = { .sa_handler = SIG_DFL }, now;
	sigset_t none;
	int i;

	/* execve(2) resets handlers by itself, but what is ignored would stay ignored. */
	for (i = 1; i < NSIG; i++)
		if (sigaction(i, NULL, &now) == 0 && now.sa_handler != SIG_DFL)
			sigaction(i, &def, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
