/* SPDX-License-Identifier: Apache-2.0 */
#include "run/signals.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/*
 * By the kernel's own calls: the C library keeps signals 32 and 33 to itself and would leave them as
 * they came, ignored or blocked by a caller that is no C program.
 */
#define SIGNALS_LAST   64
#define SIGNALS_IGNORE ((void *)1)

struct signals_action { /* the kernel's struct sigaction; all zero is SIG_DFL */
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

/* One read in place of 64 calls. It fails where there is no /proc, or a long list of groups stands before it. */
static bool signals_read_ignored(uint64_t *ret)
{
	static const char name[] = "\nSigIgn:\t";
	char text[4096], *line, *end;

	if (file_read_line(AT_FDCWD, "/proc/self/status", text, sizeof(text)) < 0)
		return false;
	line = strstr(text, name);
	if (!line)
		return false;
	line += strlen(name);
	*ret = strtoull(line, &end, 16);
	return end == line + 16 && *end == '\n';
}

static bool signals_is_ignored(int number)
{
	struct signals_action now = { 0 };

	return syscall(SYS_rt_sigaction, number, NULL, &now, sizeof(now.mask)) == 0 &&
	       now.handler == SIGNALS_IGNORE;
}

uint64_t signals_ignored(void)
{
	uint64_t ignored = 0;
	int i;

	if (signals_read_ignored(&ignored))
		return ignored;
	ignored = 0;
	for (i = 1; i <= SIGNALS_LAST; i++)
		if (signals_is_ignored(i))
			ignored |= 1ull << (i - 1);
	return ignored;
}

void signals_set_default(int number)
{
	const struct signals_action def = { 0 };

	(void)syscall(SYS_rt_sigaction, number, &def, NULL, sizeof(def.mask));
}

void signals_unblock(void)
{
	const uint64_t none = 0;

	/* SIG_SETMASK is 2 wherever Linux has this call in its generic form. */
	(void)syscall(SYS_rt_sigprocmask, 2, &none, NULL, sizeof(none));
}

void signals_reset(void)
{
	int i;

	for (i = 1; i <= SIGNALS_LAST; i++)
		signals_set_default(i);
	signals_unblock();
}
