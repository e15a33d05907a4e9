/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct policy_set;

/*
 * Finds a node's policies. The only part of policy/ that reads files, and it fails closed: what cannot
 * be read, is no regular file, is not root's (proc_is_root) or the caller's own, may be written by others,
 * is too large or not understood is an error, never a policy less. Symlinks are not followed.
 */
#define POLICY_FOLDER "/etc/strake/policy.d"

/* Keys of the node (signature.h). If it is there, policies and their profiles must be signed. */
#define POLICY_KEYS "/etc/strake/policy.keys"

/*
 * `where`: a file, or a folder whose *.json are read; NULL: POLICY_FOLDER, where none is needed.
 * The caller owns *ret (policy_set_done), which is empty where there are none.
 */
int policy_load(const char *where, struct policy_set *ret, struct error *e);

/* Whether a file is signed by the node's keys, or by those of `keys_file` where it is not NULL. */
int policy_verify(const char *path, const char *keys_file, struct error *e);

/*
 * The text of the policies a container was made under, kept with it: exec and update are held to them
 * even if they are gone from the node. Without their seccomp profiles: the filter is kept as well.
 * Reading adds to what is in the set; -ENOENT: there was none.
 */
int policy_keep(const struct policy_set *s, int dir_fd, const char *name, struct error *e);
int policy_load_kept(int dir_fd, const char *name, struct policy_set *s, struct error *e);
