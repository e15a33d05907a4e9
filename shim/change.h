/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shim.h"

/* The task methods that change a whole container. Each is a worker's; each answers the call later. */
void change_pause(struct container *c, struct call *call);
void change_resume(struct container *c, struct call *call);
void change_checkpoint(struct container *c, struct call *call, const Pb__CheckpointRequest *rq);
void change_update(struct container *c, struct call *call, const Pb__Any *resources);
void change_kill_all(struct container *c, struct call *call, uint32_t signum);
