/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct error;
struct json;

/*
 * Bundles in the shape that `runc spec` writes (runtime-spec 1.2): its namespaces, mounts, masked
 * and read-only paths, three capabilities, no new privileges, no terminal, a read-only root.
 */
struct bundle {
	const char *rootfs;         /* absolute */
	const char *const *args;    /* of the process, NULL at the end */
	const char *cgroups_path;   /* NULL: neither a path nor resources are written */
	const struct json *seccomp; /* linux.seccomp, or NULL */
	unsigned int mounts;        /* that many bind mounts more, of `source` on /mnt/N */
	const char *source;
	unsigned int masked; /* that many masked paths more: /masked/N */
	size_t environment;  /* bytes of environment more */
	size_t annotations;  /* bytes of annotations */
};

/* Writes dir/config.json; the directory is made. */
int bundle_write(const char *dir, const struct bundle *b, struct error *e);

/*
 * A root with the given program as /bin/true, busybox as /bin/busybox and /bin/sleep, and the
 * places for `mounts` and `masked` of a bundle.
 */
int bundle_make_root(const char *rootfs, const char *true_path, const char *busybox,
		     unsigned int mounts, unsigned int masked, struct error *e);

/* Removes a tree of files, never across a mount. */
int bundle_remove_tree(const char *path, struct error *e);
