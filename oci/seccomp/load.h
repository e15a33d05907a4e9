/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "seccomp/handoff.h"

struct seccomp_program;
struct seccomp_target;

/*
 * The last call before execve(2) in the child: one system call, no allocation, nothing else.
 * Needs no_new_privs or CAP_SYS_ADMIN in the caller's user namespace.
 * 0: loaded; a listener where the program has_notify (a descriptor >= 0, close-on-exec); -errno:
 * not loaded, and nothing was tried instead. An empty program is 0 without a call.
 */
int seccomp_load(const struct seccomp_program *p);

/*
 * This machine as a compile target. `flags` are those the caller is interested in: the kernel is
 * asked about them only (no call for 0), with a NULL program, so nothing is ever loaded.
 */
void seccomp_target_host(struct seccomp_target *ret, uint32_t flags);
