/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "task.pb-c.h"

struct error;

/* The mounts that containerd leaves to the shim: what becomes BUNDLE/rootfs. Called in workers. */

/* In order; on failure none is left. */
int rootfs_mount(const char *bundle, Pb__Mount *const *mounts, size_t n, struct error *e);

/* Everything mounted on BUNDLE/rootfs or below, the deepest first. */
int rootfs_unmount(const char *bundle, struct error *e);
