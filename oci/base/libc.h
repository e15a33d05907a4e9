/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * libc made ready for main() without asking the processor what it is.
 *
 * glibc asks with some seventy CPUID, to choose among its copies of memcpy() and their like. On bare metal that is
 * nothing. In a virtual machine each one leaves the machine: 1.7 us under KVM, 7 where that is virtual too, together
 * 0.12 to 0.5 ms of each start of a program that is done in 1.2 to 2.5. Nothing switches it off. So what glibc's own
 * start does is done here, step by step but for that one, and its functions are those that every x86-64 has.
 *
 * That takes names of glibc's which are not for others, so it is done only where its version is one whose start was
 * read and is tested: 2.36 and 2.41, which are Debian 12's and 13's. Nor is it done where somebody asks something of
 * glibc by GLIBC_TUNABLES, or where the kernel says that the program has more rights than who calls it (AT_SECURE).
 */

/*
 * Runs main() and ends the process with what it returns, or returns with nothing done where the ordinary start has to
 * be made. stack: as the kernel made it (System V ABI for x86-64, 3.4.1). Before anything else of libc. main() may
 * not leave by pthread_exit(3).
 */
void libc_begin(uintptr_t *stack);
