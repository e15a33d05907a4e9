/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "runtime.h"
#include "shim.h"

struct container *container_new(struct shim *s, const Pb__CreateRequest *rq, struct error *e);
void container_free(struct container *c);
struct container *container_find(struct shim *s, const char *id);

/* How its runtime knows it, as long as it is there. */
struct runtime_target container_target(const struct container *c);

/* What it has used: bytes in *bytes, named and held by *any. */
int container_measure(const struct container *c, struct buf *bytes, Pb__Any *any,
		      struct error *e);

/* Watches for the kernel killing in it for want of memory, from now on. */
void container_watch_oom(struct container *c);
/* Asked once more, so that an OOM is told before the exit that it caused. */
void container_check_oom(struct container *c);

/*
 * Whether its init process is the first of its namespace of processes, so that the kernel ends the others with it.
 * Before it runs; what cannot be read counts as shared.
 */
void container_see_pidns(struct container *c);

/* Kills what its init process has left behind, where no pid namespace has done so. */
void container_kill_rest(struct container *c);
