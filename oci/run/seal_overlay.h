/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cheap seal: our own executable seen through an overlay without an upper layer, a detached,
 * read-only mount. Its descriptor (O_PATH) for execveat(2), or -errno.
 *
 * This one file is compiled without any need of the C library, so that it can also run as a program's
 * first instructions (seal_start): the C library's own start-up, most of the price of a program's
 * start, is then paid once and not twice.
 */
int seal_overlay_open(void);

/*
 * With `-e seal_start`, the linker makes this the program's entry. If an argument is one of the verbs
 * that must run sealed (create, run, exec) and we do not run from a sealed copy yet, it executes one.
 * In every other case, and when that fails, the program starts as usual, and oci_seal() decides.
 */
void seal_start(void);
