/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct arena;
struct buf;
struct error;
struct oci_runtime;
struct spec;

/*
 * A bundle: the folder with config.json ("bundle.md"). Reads, parses and checks the config; gives
 * the folder's absolute path in the arena, its descriptor (O_PATH), the bytes as they stand, and the
 * spec. These three are the caller's, also on failure. `rt` may be NULL (config.h).
 */
int bundle_read(const struct oci_runtime *rt, struct arena *a, const char *bundle,
		const char *config, const char **path, int *bundle_fd, struct buf *text,
		struct spec *spec, struct error *e);

/* root.path, absolute. NULL without memory. */
const char *bundle_rootfs(struct arena *a, const char *bundle, const struct spec *spec);
