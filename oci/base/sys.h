/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct clone_args;
struct open_how;

/*
 * System calls that glibc 2.36 has no wrapper for. All return a value >= 0 or -errno; none
 * touches errno's caller in any other way.
 */
int sys_openat2(int dirfd, const char *path, const struct open_how *how);
pid_t sys_clone3(struct clone_args *args); /* 0 in the child; never with CLONE_VM */
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_execveat(int dirfd, const char *path, char *const argv[], char *const envp[],
		 int flags);
int sys_close_range(unsigned int first, unsigned int last, unsigned int flags);
int sys_bpf(int cmd, void *attr, unsigned int size);
int sys_keyctl_join(const char *name); /* the serial or -errno */
int sys_seccomp(unsigned int op, unsigned int flags, void *args);
int sys_landlock_create(const void *attr, size_t size, unsigned int flags); /* fd, or the ABI */
int sys_landlock_add(int ruleset_fd, unsigned int type, const void *attr);
int sys_landlock_restrict(int ruleset_fd);
int sys_getcwd(char *dst, size_t size); /* the raw call: "(unreachable)/x" is not hidden */
