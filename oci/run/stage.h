/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * Where a container is restored from: a mount namespace of CRIU's own, which holds the rootfs as a mount
 * and, beside it, what is bound into the container. It ends with CRIU, whatever ends that, and the host
 * has seen nothing of it.
 */
#define STAGE_ROOT  "root"  /* the rootfs, in the folder */
#define STAGE_NODES "nodes" /* devices: sandbox/device_nodes.h */

/*
 * The child that becomes CRIU: first it enters a mount namespace of its own; then the stage covers `folder`, an
 * absolute path. sb->tree_fd, source_fd and nodes_fd have been opened.
 */
int stage_enter(struct sandbox *sb, struct error *e);
int stage_make(struct sandbox *sb, const char *folder, struct error *e);
