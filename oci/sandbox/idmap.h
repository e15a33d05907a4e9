/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct spec;
struct spec_id_mapping;
struct spec_user;

/*
 * User namespace maps (user_namespaces(7)), written by the parent for its child. A user maps his own id
 * himself, setgroups denied first (CVE-2014-8989); for more of them newuidmap(1) and newgidmap(1) are
 * asked, which know what he was given.
 */
int idmap_write(pid_t pid, const struct spec *s, struct error *e);

/* One of the two: `file` is "uid_map" or "gid_map". */
int idmap_write_map(pid_t pid, const char *file, const struct spec_id_mapping *m, size_t n,
		    struct error *e);

/* A user namespace with these maps that nobody is in, as mount_setattr(2) takes it: its fd. */
int idmap_open(const struct spec_id_mapping *uids, size_t n_uids,
	       const struct spec_id_mapping *gids, size_t n_gids, struct error *e);

/*
 * Child, in its new namespace and mapped: become its root, or where it has none the payload's user:
 * nobody without a mapping can make a file. Other groups go, unless they are kept. Capabilities stay, they are the namespace's.
 */
int idmap_become_root(const struct spec_user *fallback, bool keep_groups, struct error *e);
