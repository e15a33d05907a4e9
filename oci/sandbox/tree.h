/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sandbox;

/*
 * Mounts of the host, copied for a container: open_tree(2) with OPEN_TREE_CLONE, beside `flags`. In a mount
 * namespace that the container shares with the runtime such a copy would be the host's own peer, and what is
 * mounted in it would be on the host, too: there it follows the host's (MS_SLAVE) and tells it nothing.
 * A descriptor or -errno.
 */
int tree_clone(const struct sandbox *sb, int dir_fd, const char *path, unsigned int flags);

/*
 * The number of the mount that fd lies on: one that is never given again (STATX_MNT_ID_UNIQUE, Linux 6.8), or
 * else one that is, once that mount is gone (Linux 5.8). *ret_is_root, where it is asked for: fd is the mount's
 * root. 0 or -errno.
 */
int tree_mount_id(int fd, uint64_t *ret, bool *ret_is_root);
