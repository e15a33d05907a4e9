/* SPDX-License-Identifier: Apache-2.0 */
#include "run/signals.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * By the kernel's own calls: the C library keeps signals 32 and 33 to itself and would leave them as
 * they came, ignored or blocked by a caller that is no C program.
 */
#define SIGNALS_LAST 64

struct signals_action { /* the kernel's struct sigaction; all zero is SIG_DFL */
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

void signals_reset(void)
{
	const struct signals_action def = { 0 };
	const uint64_t none = 0;
	int i;

	/* execve(2) resets handlers by itself, but what is ignored would stay ignored. */
	for (i = 1; i <= SIGNALS_LAST; i++)
		(void)syscall(SYS_rt_sigaction, i, &def, NULL, sizeof(def.mask));
	/* SIG_SETMASK is 2 wherever Linux has this call in its generic form. */
	(void)syscall(SYS_rt_sigprocmask, 2, &none, NULL, sizeof(none));
}
