/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;

/* Where a shim listens, and which containers share one. */

#define ADDRESS_DIR "/run/containerd/s"
#define ADDRESS_MAX 128

/*
 * The group of the bundle's container: what its annotations name, else `id`. A bundle without a
 * config.json is a group of its own.
 */
int address_group(const char *bundle, const char *id, char *ret, size_t size, struct error *e);

/* DIR/HEX, the digest of containerd's socket, the namespace and the group as one clean path. */
int address_path(const char *dir, const char *containerd, const char *ns, const char *group,
		 char ret[ADDRESS_MAX], struct error *e);

/* A shim listens there now. */
bool address_answers(const char *path);

/*
 * Listens there, mode 0600. 0 and *ret_fd; 1: another shim answers there; or -errno. The folder is made;
 * a socket that nobody serves is replaced.
 */
int address_listen(const char *dir, const char *path, int *ret_fd, struct error *e);

/*
 * Removes the socket that the bundle's shim was reached by (its file `address`), if nobody answers
 * there. True: there was one, so the shim was killed.
 */
bool address_remove_dead(const char *bundle);
