/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * Where the kernel hands over to us, before libc: data become memory of no file, all pages at once.
 *
 * A program that is static and runs at any address writes into most pages of its data before main():
 * addresses are made right. Each page is a fault and a copy; a copy of all of them at once costs less. And a
 * child that has to let go of the executable (run/seal.h) finds nothing in its data that leads there.
 *
 * Only programs that are linked with entry_start as their entry begin so (see the Makefile: static ones,
 * on x86-64). In others, and where there is no memory for it, data stay the file's.
 */

/* Whether data are of no file. */
bool entry_data_apart(void);
