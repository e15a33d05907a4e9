/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/mux.h"

#include <linux/ipc.h>
#include <linux/net.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

static const struct member {
	const char name[14];
	uint8_t ipc;
	uint8_t number;
} members[] = {
	{ "accept", 0, SYS_ACCEPT },
	{ "accept4", 0, SYS_ACCEPT4 },
	{ "bind", 0, SYS_BIND },
	{ "connect", 0, SYS_CONNECT },
	{ "getpeername", 0, SYS_GETPEERNAME },
	{ "getsockname", 0, SYS_GETSOCKNAME },
	{ "getsockopt", 0, SYS_GETSOCKOPT },
	{ "listen", 0, SYS_LISTEN },
	{ "recv", 0, SYS_RECV },
	{ "recvfrom", 0, SYS_RECVFROM },
	{ "recvmmsg", 0, SYS_RECVMMSG },
	{ "recvmsg", 0, SYS_RECVMSG },
	{ "send", 0, SYS_SEND },
	{ "sendmmsg", 0, SYS_SENDMMSG },
	{ "sendmsg", 0, SYS_SENDMSG },
	{ "sendto", 0, SYS_SENDTO },
	{ "setsockopt", 0, SYS_SETSOCKOPT },
	{ "shutdown", 0, SYS_SHUTDOWN },
	{ "socket", 0, SYS_SOCKET },
	{ "socketpair", 0, SYS_SOCKETPAIR },
	{ "msgctl", 1, MSGCTL },
	{ "msgget", 1, MSGGET },
	{ "msgrcv", 1, MSGRCV },
	{ "msgsnd", 1, MSGSND },
	{ "semctl", 1, SEMCTL },
	{ "semget", 1, SEMGET },
	{ "semop", 1, SEMOP },
	{ "semtimedop", 1, SEMTIMEDOP },
	{ "shmat", 1, SHMAT },
	{ "shmctl", 1, SHMCTL },
	{ "shmdt", 1, SHMDT },
	{ "shmget", 1, SHMGET },
};

bool seccomp_mux_of(const char *name, struct seccomp_mux *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (!str_eq(members[i].name, name))
			continue;

		*ret = (struct seccomp_mux){
			.call = members[i].ipc ? "ipc" : "socketcall",
			.condition = { .op = SPEC_SECCOMP_EQ, .value = members[i].number },
		};
		/* The kernel reads a version from the upper half of ipc(2)'s. */
		if (members[i].ipc) {
			ret->condition.op = SPEC_SECCOMP_MASKED_EQ;
			ret->condition.value = 0xffff;
			ret->condition.value_two = members[i].number;
		}
		return true;
	}
	return false;
}
