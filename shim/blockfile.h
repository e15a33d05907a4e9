/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;

/*
 * A file as a block device, for snapshots that are kept as such (mount option "loop"). The returned fd keeps
 * the device until it is mounted; then the mount does, and with that it goes. `ret`: its name.
 */
int blockfile_open(const char *path, bool read_only, char *ret, size_t size, struct error *e);
