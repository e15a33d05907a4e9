/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "loop.h"

struct events;

/*
 * What node policies do to the shim's containers, as events of containerd's: liboci tells it (oci.h,
 * policy_fd), the shim passes it on. The topic is "/strake/policy/" and what it is: clamp, refuse, more or
 * denied. The message is the one of containerd's own that has room for any words, so that every client
 * prints it and filters by it: ContainerUpdate, with the container's id and the words as its labels.
 *
 * It never takes the place of an exit: past NOTICES_WAITING events that containerd has not taken it waits
 * where it comes from, and is counted there.
 */
#define NOTICES_WAITING 512

struct notices {
	struct loop *loop;
	struct events *events;
	struct source in;
	struct timer again;
	int out_fd; /* for liboci, in workers; -1: nobody would hear of it */
};

/* Without descriptors nothing is told, and containers run all the same. */
void notices_init(struct notices *n, struct loop *l, struct events *ev);
