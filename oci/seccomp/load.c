/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/load.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "base/sys.h"
#include "seccomp/abi.h"
#include "seccomp/compile.h"
#include "seccomp/program.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

int seccomp_load(const struct seccomp_program *p)
{
	struct sock_fprog prog = { .len = (unsigned short)p->n, .filter = p->insns };

	if (!p->n)
		return 0;
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, p->flags, &prog);
}

/* The kernel looks at the flags first: EFAULT for the missing program means that it knows them. */
static bool kernel_knows(uint32_t flag)
{
	/* This one is only valid where there is a listener. */
	if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, flag, NULL) == -EFAULT;
}

void seccomp_target_host(struct seccomp_target *ret, uint32_t flags)
{
	*ret = (struct seccomp_target){ .native = seccomp_abi_native(), .eq_union = true };
	for (uint32_t flag = 1; flag && flag <= flags; flag <<= 1) {
		if (flags & flag && kernel_knows(flag))
			ret->flags |= flag;
	}
}
