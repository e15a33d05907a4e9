/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * Waits until a directory that others remove is no more. `path` is absolute and does not end in a
 * slash; deadline as proc_now_ms() counts. 1: gone, 0: not in time, -errno.
 *
 * By dnotify where the kernel has it: to close an inotify descriptor takes some grace periods of
 * the kernel's (10 to 40 ms), in which nothing is waited for that would matter here. SIGIO is
 * blocked for this thread meanwhile, and is as it was afterwards.
 */
int vanish_wait(const char *path, uint64_t deadline);
