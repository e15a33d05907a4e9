/* SPDX-License-Identifier: Apache-2.0 */

/*
 * exchange A B: swaps two names, over and over, until it is killed: what a hostile process does to a
 * directory and a symlink on a volume that it shares with a container being made.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: exchange A B");
	for (;;)
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
			err(1, "swap %s and %s", argv[1], argv[2]);
}
