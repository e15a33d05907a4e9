/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/*
 * Skips the running test and says why, in the words that tests/machine-lacks may accept in CI: name
 * what the machine lacks ("needs root"), not what the test does.
 */
#define SKIP(reason)                            \
	do {                                    \
		printf("# skip: %s\n", reason); \
		fflush(stdout);                 \
		skip();                         \
	} while (0)
