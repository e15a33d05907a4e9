/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/mux.h"

#include "spec/spec.h"

#define DOOR_IPC 0x80

bool seccomp_mux_of(const struct seccomp_syscall *call, struct seccomp_mux *ret)
{
	if (!call->door)
		return false;
	if (call->door & DOOR_IPC) {
		/* The kernel reads a version from the upper half. */
		ret->call = "ipc";
		ret->condition = (struct seccomp_condition){
			.op = SPEC_SECCOMP_MASKED_EQ,
			.value = 0xffff,
			.value_two = call->door & ~DOOR_IPC,
		};
		return true;
	}
	ret->call = "socketcall";
	ret->condition =
		(struct seccomp_condition){ .op = SPEC_SECCOMP_EQ, .value = call->door };
	return true;
}
