/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct error;
struct sandbox;

/*
 * linux.devices of a container in a user namespace, where nobody may make one: mknod(2) is refused there, and
 * a device does not open on a file system that was mounted there. The parent makes them, with the mode and the
 * owner that they are to have, in a tmpfs that is attached nowhere; the child binds each in its place.
 *
 * An owner without a name on the host, and a parent who may not make devices either, leave a device out:
 * then the host's node of its path is what can be bound (sandbox/devices.h).
 */

/* Parent: makes them, as sb->nodes_fd. Nothing where the child can make its own. */
int device_nodes_make(struct sandbox *sb, struct error *e);

/*
 * The child, in its own mount namespace: a mount of each that is attached nowhere, as sb->node_fd, -1 where
 * there is none. The tmpfs is mounted over the directory `place_fd` for so long.
 */
int device_nodes_take(struct sandbox *sb, int place_fd, struct error *e);
void device_nodes_close(struct sandbox *sb);

/* Into `name`: what sb->nodes_fd has for linux.devices[i]. */
#define DEVICE_NODE_NAME 24
const char *device_node_name(char name[static DEVICE_NODE_NAME], size_t i);
