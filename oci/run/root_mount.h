/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct container;
struct error;
struct sandbox;
struct state;

/*
 * The root of a container that shares the runtime's mount namespace: one mount that holds all others of the
 * container, and the only trace of it in the host's mount table. It lies in the container's own folder
 * (STATE_ROOT), where nobody else mounts anything and whose removal takes it out of every other namespace that
 * it may have reached; where hooks look for it, it lies over root.path instead.
 *
 * Its number is on record before it is attached. So delete finds it whenever the runtime was killed, and takes
 * nothing from root.path that is not this very mount.
 */

/* Parent: clones root.path into sb->tree_fd, records it in *s and in the folder's state, attaches it. */
int root_mount_make(struct sandbox *sb, struct state *s, int dir_fd, struct error *e);

/*
 * For who joins: the root as it was made, also where somebody has mounted over it, or its first process has
 * gone elsewhere. A descriptor or -errno.
 */
int root_mount_open(const struct container *c, int init_fd, struct error *e);

/* Once nothing runs in it: with all that lies below. 0 where there is none. */
int root_mount_remove(const struct state *s, int dir_fd, struct error *e);
