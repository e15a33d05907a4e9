/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "pod_users.h"
#include "sandbox.pb-c.h"

struct error;

/*
 * A pod whose sandbox is the shim's own to make (sandboxer = "shim"): containerd gives neither an image
 * nor a config.json, only the pod's configuration. What holds the pod's namespaces is a container like
 * any other, in which the shim's program sleeps: `pause`. Its root is a small tmpfs in memory, where the
 * pod's /dev/shm is too, and the files that each of its containers gets.
 */
struct pod {
	char *network; /* a path; "": that of the node */
	Pb__PodConfig *config;
	Pb__CreateSandboxRequest *request; /* owns `network` */
	struct pod_users users;
};

/* -EINVAL, -ENOTSUP and others: what it asks for cannot be had. */
int pod_read(const Pb__CreateSandboxRequest *rq, struct pod *ret, struct error *e);
void pod_done(struct pod *p); /* safe on a zeroed one */

/* In a worker, with BUNDLE/rootfs mounted: writes the config.json and the files. */
int pod_write(struct pod *p, const char *id, const char *bundle, struct error *e);

/* In a worker: the container of `bundle`, if it is of that pod, gets what its config.json lacks of it. */
int pod_join(const char *pod, const char *pod_bundle, const char *bundle, struct error *e);

/* What it shares with the node, and what not; never NULL. */
const Pb__PodNamespaces *pod_namespaces(const struct pod *p);

/* How much the pod's /dev/shm holds, as containerd's own sandboxes have it. */
#define POD_SHM_SIZE "size=65536k"
