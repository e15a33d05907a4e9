/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * process.apparmorProfile and process.selinuxLabel: the label to take on at exec(2). Asking for one
 * where the module is not active is an error, never silence.
 */

/*
 * Parent: whether the modules are active that the process and linux.mountLabel (which filesystem.c carries
 * out) ask for. The child could not tell any more: a container's /sys has no selinuxfs.
 */
int lsm_check(const struct sandbox *sb, struct error *e);

/* Opens attr/exec on a private procfs (sb->lsm_fd); while that is still reachable. */
int lsm_prepare(struct sandbox *sb, struct error *e);

/* Writes the label; the next execve(2) takes it on. */
int lsm_apply(struct sandbox *sb, struct error *e);
