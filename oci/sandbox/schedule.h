/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * How the payload is run: process.scheduler (sched_setattr(2)), process.ioPriority (ioprio_set(2)),
 * process.execCPUAffinity, linux.personality and linux.memoryPolicy. Before capabilities are
 * dropped: real-time policies and lower nice values need CAP_SYS_NICE.
 */
int schedule_apply(struct sandbox *sb, struct error *e);

/* exec: execCPUAffinity.initial, first of all; schedule_apply() then sets .final. */
int schedule_initial_affinity(struct sandbox *sb, struct error *e);
