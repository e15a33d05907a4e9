/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * The program's data as memory of no file, all pages at once.
 *
 * A program that is static and runs at any address writes into most pages of its data before main():
 * addresses are made right. Each page is a fault and a copy; a copy of all of them at once costs less. And a
 * child that has to let go of the executable (run/seal.h) finds nothing in its data that leads there.
 *
 * Only programs that begin at entry_start (base/entry.h) have it so. In others, and where there is no memory
 * for it, data stay the file's.
 */

/* Before libc, and before anything was written to data. */
void data_part(void);

/* Whether data are of no file. */
bool data_apart(void);
