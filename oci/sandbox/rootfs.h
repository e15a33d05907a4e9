/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct sandbox;
struct spec;

/*
 * The root file system: root.path of the bundle as a mount of its own, attached over the child's
 * "/" (which keeps meaning the host's root for path walks until the pivot), or at root.path, where
 * hooks look for it, and held by sb->root_fd. From here on everything inside is opened below that
 * descriptor.
 */

/* Parent, where the child may not reach the path: clones the tree into sb->tree_fd. */
int rootfs_clone(struct sandbox *sb, struct error *e);

/* There are hooks that look at root.path, or mount something below it, before it is the root. */
bool rootfs_is_shown(const struct spec *s);

/*
 * Parent, in a mount namespace that the container shares with it: attaches the tree it has cloned at `place`, an
 * absolute path or one below dir_fd. What is mounted below it is nobody else's: neither does it reach
 * another namespace, nor does anything come from there.
 */
int rootfs_attach_shared(struct sandbox *sb, int dir_fd, const char *place, struct error *e);

/* Child, in its mount namespace. */
int rootfs_open(struct sandbox *sb, struct error *e);

/* Child: root.readonly, once everything that had to be made inside is made. */
int rootfs_seal(struct sandbox *sb, struct error *e);

/* Child: makes it "/", once, and no path leads to the host any more. */
int rootfs_pivot(struct sandbox *sb, struct error *e);

/* Child of exec, and in a shared mount namespace: "/" and the current folder are sb->root_fd. */
int rootfs_enter(const struct sandbox *sb, struct error *e);
