/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * linux.maskedPaths and linux.readonlyPaths. A masked directory gets an empty read-only tmpfs (one
 * superblock for all of them), a masked file the host's own null device, verified to be it and never
 * the container's (CVE-2025-31133). A path that does not exist needs no mask; one that cannot be
 * masked for any other reason is an error.
 */
int masks_apply(struct sandbox *sb, struct error *e);

/* Those in /proc alone, as soon as it is mounted; masks_apply() then does the rest. */
int masks_apply_proc(struct sandbox *sb, struct error *e);
