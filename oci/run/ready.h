/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mem.h"
#include "spec/spec.h"

struct error;

/*
 * Readiness as sd_notify(3) tells it. A container made with `notify` finds a datagram socket at
 * READY_IN_CONTAINER, which NOTIFY_SOCKET names, in a folder that is read-only to it; its other side
 * is ours, in STATE_READY of the container's own folder. The service manager hears us, not the
 * container: it need not know its processes, nor they its socket.
 */
#define READY_IN_CONTAINER "/run/notify"
#define READY_SOCKET       "notify.sock"

/* Makes the folder, and adds the mount and the variable to the spec. */
int ready_offer(int dir_fd, struct arena *a, struct spec *s, struct error *e);

/* Binds the socket anew. Its fd, or -errno; -ENOENT: this container was not offered one. */
int ready_listen(int dir_fd, struct error *e);

/* Removes the folder, if there is one. */
void ready_remove(int dir_fd);
