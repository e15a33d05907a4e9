/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct oci_runtime;
struct seccomp_handoff;

/* A container's folder below the root, <root>/<id>: made, filled and removed. */

/* Makes it (0700, -EEXIST: the id is in use) and locks it. The fd is the lock. */
int folder_make(const struct oci_runtime *rt, const char *id, int *ret_fd, struct error *e);

/* start.sock, listening. */
int folder_listen(int dir_fd, struct error *e);

/* The memory in which child and whoever starts it pass a seccomp listener. */
int folder_make_handoff(int dir_fd, struct seccomp_handoff **ret, struct error *e);

/* What was made of seccomp profiles (seccomp/store.h), for all containers of this root. -1: do without. */
int folder_open_cache(const struct oci_runtime *rt, bool make);

/* Removes the folder and what is in it. A missing one is a success. */
int folder_remove(const struct oci_runtime *rt, const char *id, int dir_fd, struct error *e);
