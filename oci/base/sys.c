/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static long sys_result(long r)
{
	return r < 0 ? -errno : r;
}

int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)sys_result(syscall(SYS_openat2, dirfd, path, how, sizeof(*how)));
}

pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)sys_result(syscall(SYS_clone3, args, sizeof(*args)));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)sys_result(syscall(SYS_pivot_root, new_root, put_old));
}

int sys_execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)sys_result(syscall(SYS_execveat, dirfd, path, argv, envp, flags));
}

int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_close_range, first, last, flags));
}

int sys_bpf(int cmd, void *attr, unsigned int size)
{
	return (int)sys_result(syscall(SYS_bpf, cmd, attr, size));
}

int sys_keyctl_join(const char *name)
{
	return (int)sys_result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0));
}

int sys_seccomp(unsigned int op, unsigned int flags, void *args)
{
	return (int)sys_result(syscall(SYS_seccomp, op, flags, args));
}

int sys_getcwd(char *dst, size_t size)
{
	return (int)sys_result(syscall(SYS_getcwd, dst, size));
}

int sys_landlock_create(const void *attr, size_t size, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_landlock_create_ruleset, attr, size, flags));
}

int sys_landlock_add(int ruleset_fd, unsigned int type, const void *attr)
{
	return (int)sys_result(syscall(SYS_landlock_add_rule, ruleset_fd, type, attr, 0));
}

int sys_landlock_restrict(int ruleset_fd)
{
	return (int)sys_result(syscall(SYS_landlock_restrict_self, ruleset_fd, 0));
}
