/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * A program that somebody else wrote finds every signal unblocked and at its default. Handlers go by
 * themselves (CLONE_CLEAR_SIGHAND, execve(2)), what is ignored stays ignored.
 */

/* In its process: all of that. */
void signals_reset(void);

/* The same in two parts, as the child has no time for all 64: what this process ignores (bit n-1: signal n), ... */
uint64_t signals_ignored(void);

/* ... and what is left for the other one. */
void signals_unblock(void);
void signals_set_default(int number);
