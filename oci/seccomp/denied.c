/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/denied.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "seccomp/program.h"
#include "seccomp/simulate.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

int seccomp_watched(const struct seccomp_program *plain, struct seccomp_program *ret)
{
	struct sock_filter *insns = malloc(plain->n * sizeof(*insns));
	struct seccomp_target target;
	size_t i;

	if (!insns)
		return -ENOMEM;
	/* So that no signal makes a call of one be seen as two. */
	seccomp_target_host(&target, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	for (i = 0; i < plain->n; i++) {
		insns[i] = plain->insns[i];
		if (insns[i].code == (BPF_RET | BPF_K) &&
		    (insns[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
			insns[i].k = SECCOMP_RET_USER_NOTIF;
	}
	*ret = (struct seccomp_program){
		.insns = insns,
		.n = plain->n,
		.flags = plain->flags | target.flags | SECCOMP_FILTER_FLAG_NEW_LISTENER,
		.has_notify = true,
	};
	/* Whoever watches tells of it; telling the kernel's log as well costs as much again. */
	ret->flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_LOG;
	return 0;
}

void seccomp_watch_begin(int listener_fd)
{
	(void)ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		    (unsigned long)SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

int seccomp_answer(int listener_fd, const struct seccomp_program *plain,
		   struct seccomp_denied *ret)
{
	struct seccomp_notif ask = { 0 };
	struct seccomp_notif_resp say = { 0 };
	struct seccomp_run run = { 0 };

	if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	/* A program that runs in the kernel runs here, and what it does not deny it did not ask about. */
	if (seccomp_simulate(plain->insns, plain->n, &ask.data, &run) < 0 ||
	    (run.action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
		run.action = SECCOMP_RET_ERRNO | ENOSYS;
	say.id = ask.id;
	say.error = -(int)(run.action & SECCOMP_RET_DATA);
	if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &say) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	*ret = (struct seccomp_denied){
		.pid = (pid_t)ask.pid,
		.arch = ask.data.arch,
		.nr = (uint32_t)ask.data.nr,
		.errnum = (int)(run.action & SECCOMP_RET_DATA),
	};
	memcpy(ret->args, ask.data.args, sizeof(ret->args));
	return 1;
}
