/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "kube/tree.h"

/*
 * What node policies took from a container that its pod had asked for, in words for its pod's owner. Not
 * what they add to every container (a filter, no_new_privs, masks, flags of mounts): nobody asked for less.
 */
struct cuts {
	const char *namespace, *pod, *uid, *container; /* of the spec's tree */
	struct buf note;
};

/*
 * From a container's policy.json and config.json, as the runtime keeps them. The number of cuts; 0 too
 * where the container is no pod's, or is its sandbox, which nobody has asked for anything.
 */
size_t cuts_read(struct cuts *c, const json_t *record, const json_t *spec);
void cuts_done(struct cuts *c);

#define autocuts __attribute__((cleanup(cuts_done))) struct cuts
