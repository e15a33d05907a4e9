/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct sandbox;

/*
 * The `mounts` of config.json, in their order, each made as a detached mount and attached with
 * move_mount(2) to a target that was opened below sb->root_fd: no path is walked twice
 * (CVE-2021-30465, CVE-2024-45310).
 */

/* Parent, where host paths are out of the child's reach or ids are mapped: opens bind sources into
 * sb->source_fd. */
int mounts_open_sources(struct sandbox *sb, struct error *e);
void mounts_close_sources(struct sandbox *sb);

/*
 * Child. The first of the two may leave off where the network namespace is needed and not there yet,
 * unless what is left concerns /dev: devices can be made between the two.
 */
int mounts_make(struct sandbox *sb, struct error *e);
int mounts_make_rest(struct sandbox *sb, struct error *e);

/* Whether a mount that is still to be made covers `dir` ("/dev"), lies in it, or may do so. */
bool mounts_left_concern(const struct sandbox *sb, const char *dir);

/* Whether a mount that is still to be made may need a path of the host's. */
bool mounts_left_need_host(const struct sandbox *sb);

/* Child, when nothing more is to be made inside: a tmpfs with "ro" becomes read-only. */
int mounts_finish(struct sandbox *sb, struct error *e);

/*
 * For a restore, in a mount namespace of its own: CRIU makes the mounts, but for what it needs places below
 * sb->root_fd, which are made here; and for what is bound, the sources, opened before, which are put in
 * dir_fd as `prefix` and the number of the mount.
 */
int mounts_stage(struct sandbox *sb, int dir_fd, const char *prefix, struct error *e);
