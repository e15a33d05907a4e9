/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "sandbox.pb-c.h"

struct error;
struct json_writer;

/*
 * The ids of a pod that has users of its own ("hostUsers: false"): one range for users and one for groups.
 * containerd has made the network namespace within the user namespace that the pod is to have.
 */
struct pod_users {
	bool own;                            /* false: the node's, and nothing below counts */
	const Pb__PodIdMapping *uids, *gids; /* of the pod's configuration */
	char path[512]; /* of the namespace, pinned there; "": the runtime makes it */
};

/* -EINVAL: it cannot be what the pod asks for. `users` may be NULL. */
int pod_users_read(const Pb__PodUserNamespace *users, struct pod_users *ret, struct error *e);

/*
 * In a worker, with BUNDLE/rootfs mounted: keeps the user namespace of the network's, and lets the pod's
 * root go through the bundle. `network`: "" is the node's.
 */
int pod_users_prepare(struct pod_users *u, const char *bundle, const char *network,
		      struct error *e);

/* Gives the file to the pod's root. */
int pod_users_own(const struct pod_users *u, const char *path, struct error *e);

/* Into a config.json's "linux": the maps. */
void pod_users_put(struct json_writer *w, const struct pod_users *u);
