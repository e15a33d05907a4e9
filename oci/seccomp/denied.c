/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/denied.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/file.h"
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

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE (1UL << 0)
#endif

/* So that no signal makes a call of one be seen as two. */
static uint32_t watched_flags(void)
{
	struct seccomp_target target;

	seccomp_target_host(&target, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	return target.flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

int seccomp_watched_all(const struct seccomp_program *plain, struct seccomp_program *ret)
{
	struct sock_filter *insn = malloc(sizeof(*insn));

	if (!insn)
		return -ENOMEM;
	*insn = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	*ret = (struct seccomp_program){
		.insns = insn,
		.n = 1,
		.flags = plain->flags | watched_flags(),
		.has_notify = true,
	};
	ret->flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_LOG;
	return 0;
}

int seccomp_watched(const struct seccomp_program *plain, struct seccomp_program *ret)
{
	struct sock_filter *insns = malloc(plain->n * sizeof(*insns));
	size_t i;

	if (!insns)
		return -ENOMEM;
	for (i = 0; i < plain->n; i++) {
		insns[i] = plain->insns[i];
		if (insns[i].code == (BPF_RET | BPF_K) &&
		    (insns[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
			insns[i].k = SECCOMP_RET_USER_NOTIF;
	}
	*ret = (struct seccomp_program){
		.insns = insns,
		.n = plain->n,
		.flags = plain->flags | watched_flags(),
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

/* What the plain filter says: it runs here as in the kernel. */
static uint32_t plain_action(const struct seccomp_program *plain,
			     const struct seccomp_data *data)
{
	struct seccomp_run run = { .action = SECCOMP_RET_ALLOW };

	if (plain->n && seccomp_simulate(plain->insns, plain->n, data, &run) < 0)
		return SECCOMP_RET_ERRNO | ENOSYS;
	switch (run.action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return SECCOMP_RET_ALLOW;
	case SECCOMP_RET_ERRNO:
		return run.action;
	default:
		return SECCOMP_RET_ERRNO | ENOSYS;
	}
}

int seccomp_hear(int listener_fd, const struct seccomp_program *plain,
		 struct seccomp_denied *ret)
{
	struct seccomp_notif ask = { 0 };
	uint32_t action;

	if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	action = plain_action(plain, &ask.data);
	*ret = (struct seccomp_denied){
		.id = ask.id,
		.pid = (pid_t)ask.pid,
		.arch = ask.data.arch,
		.nr = (uint32_t)ask.data.nr,
		.errnum = action == SECCOMP_RET_ALLOW ? 0 : (int)(action & SECCOMP_RET_DATA),
	};
	memcpy(ret->args, ask.data.args, sizeof(ret->args));
	return 1;
}

void seccomp_denied_name(struct seccomp_denied *d)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)d->pid);
	if (d->pid <= 0 || file_read_line(AT_FDCWD, path, d->comm, sizeof(d->comm)) < 0)
		d->comm[0] = '\0';
}

int seccomp_answer(int listener_fd, const struct seccomp_denied *d)
{
	struct seccomp_notif_resp say = { .id = d->id, .error = -d->errnum };

	if (d->errnum == 0)
		say.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &say) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	return 1;
}
