/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "seccomp/rules.h"

/*
 * socketcall(2) and ipc(2): one system call in front of a family, told apart by its first
 * argument. Old programs of i386, s390x and ppc64le reach sockets and System V IPC only through
 * them, so who allows or denies "connect" means this door too.
 */
struct seccomp_mux {
	const char *call;                   /* "socketcall" or "ipc" */
	struct seccomp_condition condition; /* on its first argument */
};

/* The door in front of a call: true and *ret, or false. */
bool seccomp_mux_of(const struct seccomp_syscall *call, struct seccomp_mux *ret);
