/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor [--filter FILE] ROOTFS PROGRAM: the least that a container's start can cost. It makes the namespaces of
 * the default spec, mounts what that spec mounts, pivots, executes PROGRAM and waits for it.
 * There is no config.json, no state, no cgroup, no masked path, no capability dropped and no
 * sealed executable: what a runtime takes longer than this is its own. With --filter it also
 * loads the instructions in that file: what a filter costs in the kernel.
 *
 * What was measured and kept: the child borrows our memory until it executes (CLONE_VFORK: a
 * fork copies page tables and faults them in again, a tenth of the whole), the old mount(2)
 * needs one call where the new interface needs four, and the only wait for RCU is the one
 * that detaching the old root costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES                                                                 \
	(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | \
	 CLONE_NEWCGROUP)

struct container {
	const char *rootfs;
	char *const *argv;
	char *const *envp;
	struct sock_fprog filter; /* length 0: none */
	const char
		*failed; /* the step, where one failed; the child writes it into our memory */
	int error;
};

static const struct {
	const char *type, *target, *data;
	unsigned long flags;
} mounts[] = {
	{ "proc", "proc", NULL, 0 },
	{ "tmpfs", "dev", "mode=755,size=65536k", MS_NOSUID | MS_STRICTATIME },
	{ "devpts", "dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
	  MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "dev/shm", "mode=1777,size=65536k", MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ "mqueue", "dev/mqueue", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ "sysfs", "sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY },
	{ "cgroup2", "sys/fs/cgroup", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY },
};

static const struct {
	const char *path;
	unsigned int minor;
	unsigned int major;
} devices[] = {
	{ "dev/null", 3, 1 },   { "dev/zero", 5, 1 },    { "dev/full", 7, 1 },
	{ "dev/random", 8, 1 }, { "dev/urandom", 9, 1 }, { "dev/tty", 0, 5 },
};

static const struct {
	const char *target, *path;
} links[] = {
	{ "/proc/self/fd", "dev/fd" },       { "/proc/self/fd/0", "dev/stdin" },
	{ "/proc/self/fd/1", "dev/stdout" }, { "/proc/self/fd/2", "dev/stderr" },
	{ "pts/ptmx", "dev/ptmx" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int container_fail(struct container *c, const char *step)
{
	c->failed = step;
	c->error = errno;
	return 127;
}

static int container_fill(struct container *c)
{
	unsigned int i;

	for (i = 0; i < COUNT(mounts); i++) {
		/* What lies in our own new dev has no directory yet. */
		if (strncmp(mounts[i].target, "dev/", 4) == 0 &&
		    mkdir(mounts[i].target, 0755) < 0)
			return container_fail(c, mounts[i].target);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
			  mounts[i].data) < 0)
			return container_fail(c, mounts[i].target);
	}
	for (i = 0; i < COUNT(devices); i++) {
		if (mknod(devices[i].path, S_IFCHR | 0666,
			  makedev(devices[i].major, devices[i].minor)) < 0)
			return container_fail(c, devices[i].path);
	}
	for (i = 0; i < COUNT(links); i++) {
		if (symlink(links[i].target, links[i].path) < 0)
			return container_fail(c, links[i].path);
	}
	return 0;
}

static int container_main(void *arg)
{
	struct container *c = arg;
	int r;

	/* Nothing that is mounted from here on reaches the machine. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return container_fail(c, "make / private");
	if (mount(c->rootfs, c->rootfs, NULL, MS_BIND | MS_REC, NULL) < 0)
		return container_fail(c, "bind the root");
	if (chdir(c->rootfs) < 0)
		return container_fail(c, "chdir");
	umask(0);
	r = container_fill(c);
	if (r != 0)
		return r;
	umask(022);

	/* The old root ends up below the new one, on the same directory: detach it there. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return container_fail(c, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return container_fail(c, "detach the old root");
	if (chdir("/") < 0)
		return container_fail(c, "chdir /");
	if (sethostname("floor", 5) < 0)
		return container_fail(c, "sethostname");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return container_fail(c, "no_new_privs");
	if (c->filter.len > 0 &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &c->filter) < 0)
		return container_fail(c, "seccomp");
	execve(c->argv[0], c->argv, c->envp);
	return container_fail(c, "execve");
}

static int filter_read(const char *path, struct sock_fprog *ret)
{
	static struct sock_filter insns[BPF_MAXINSNS];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, insns, sizeof(insns));
	if (n <= 0 || n % (ssize_t)sizeof(insns[0]) != 0) {
		fprintf(stderr, "floor: %s: no filter\n", path);
		return -1;
	}
	close(fd);
	*ret = (struct sock_fprog){ (unsigned short)(n / (ssize_t)sizeof(insns[0])), insns };
	return 0;
}

int main(int argc, char **argv, char **envp)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	struct container c = { .envp = envp };
	int status;
	pid_t pid;

	if (argc > 2 && strcmp(argv[1], "--filter") == 0) {
		if (filter_read(argv[2], &c.filter) < 0)
			return 2;
		argc -= 2;
		argv += 2;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: floor [--filter FILE] ROOTFS PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	c.rootfs = argv[1];
	c.argv = argv + 2;
	pid = clone(container_main, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | NAMESPACES | SIGCHLD, &c);
	if (pid < 0) {
		fprintf(stderr, "floor: clone: %s\n", strerror(errno));
		return 125;
	}
	if (waitpid(pid, &status, 0) < 0) {
		fprintf(stderr, "floor: wait: %s\n", strerror(errno));
		return 125;
	}
	if (c.failed) {
		fprintf(stderr, "floor: %s: %s\n", c.failed, strerror(c.error));
		return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
