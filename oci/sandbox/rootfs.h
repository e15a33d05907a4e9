/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * The root file system: root.path of the bundle as a mount of its own, attached over the child's
 * "/" (which keeps meaning the host's root for path walks until the pivot), or at root.path, where
 * hooks look for it, and held by sb->root_fd. From here on everything inside is opened below that
 * descriptor.
 */

/* Parent, where the child may not reach the path: clones the tree into sb->tree_fd. */
int rootfs_clone(struct sandbox *sb, struct error *e);

/* Child, in its mount namespace. */
int rootfs_open(struct sandbox *sb, struct error *e);

/* Child: root.readonly, once everything that had to be made inside is made. */
int rootfs_seal(struct sandbox *sb, struct error *e);

/* Child: makes it "/", once, and nothing of the host is reachable any more. */
int rootfs_pivot(struct sandbox *sb, struct error *e);
