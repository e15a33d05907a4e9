/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the measured containers run: the shortest program there is, linked without start files, so
 * that no libc's start-up is in the figures of the runtimes.
 */
#include <unistd.h>

void _start(void);

void _start(void)
{
	_exit(0);
}
