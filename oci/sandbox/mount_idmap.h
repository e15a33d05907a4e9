/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct sandbox;
struct spec_mount;

/*
 * Id-mapped mounts (mount_setattr(2), MOUNT_ATTR_IDMAP): files of a bind mount show other owners than
 * the file system has. The kernel takes the maps as a user namespace, and only of who has power over
 * the file system: the parent does it, while the mount is attached nowhere yet.
 */
bool mount_idmap_wanted(const struct sandbox *sb);
int mount_idmap(const struct sandbox *sb, const struct spec_mount *m, int fd, struct error *e);

/* A copy of the mount at `path` that is attached nowhere, with the owners that a user namespace gives: its fd. */
int mount_idmap_copy(const char *path, int userns_fd, bool read_only, struct error *e);
