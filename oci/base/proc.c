/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

/* Reads /proc/PID/stat and returns what stands behind "(comm) ", which may hold anything. */
static int proc_stat(pid_t pid, char *dst, size_t size, const char **rest)
{
	char path[32];
	char *p;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = file_read_line(AT_FDCWD, path, dst, size);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	p = strrchr(dst, ')');
	if (!p || p[1] != ' ' || !p[2])
		return -EIO;
	*rest = p + 2;
	return 0;
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
	char stat[1024], number[24];
	const char *p;
	size_t n;
	int r, field;

	r = proc_stat(pid, stat, sizeof(stat), &p);
	if (r < 0)
		return r;
	for (field = 3; field < 22 && p; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	n = p ? strcspn(p, " ") : 0;
	if (n == 0 || n >= sizeof(number))
		return -EIO;
	memcpy(number, p, n);
	number[n] = '\0';
	return str_to_u64(number, ret);
}

char proc_state(pid_t pid)
{
	char stat[1024];
	const char *p;

	return proc_stat(pid, stat, sizeof(stat), &p) < 0 ? 0 : *p;
}

int proc_open(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	return fd < 0 ? -errno : fd;
}

int proc_open_checked(pid_t pid, uint64_t start_time)
{
	autoclose int fd = -1;
	uint64_t now;
	int r;

	/* First hold it, then look: a number reused before the hold shows another start time. */
	fd = proc_open(pid);
	if (fd < 0)
		return fd == -EINVAL ? -ESRCH : take_fd(&fd);
	if (start_time == 0)
		return take_fd(&fd);
	r = proc_start_time(pid, &now);
	if (r < 0)
		return r;
	return now == start_time ? take_fd(&fd) : -ESRCH;
}

int proc_kill(int pid_fd, int signum)
{
	return pidfd_send_signal(pid_fd, signum, NULL, 0) < 0 ? -errno : 0;
}

int proc_wait_exit(int pid_fd, int timeout_ms)
{
	return fd_wait(pid_fd, POLLIN, timeout_ms);
}

int proc_reap(int pid_fd, int *ret_status)
{
	siginfo_t info = { 0 };
	int r;

	do
		r = waitid(P_PIDFD, (id_t)pid_fd, &info, WEXITED);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;

	if (info.si_code == CLD_EXITED)
		*ret_status = (info.si_status & 0xff) << 8;
	else
		*ret_status = info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
	return 0;
}

int proc_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int proc_signal_from_number(const char *name)
{
	uint32_t n;

	if (str_to_u32(name, &n) < 0 || n > (uint32_t)SIGRTMAX)
		return -EINVAL;
	return (int)n;
}

/* "RTMIN", "RTMIN+3", "RTMAX-1" */
static int proc_signal_realtime(const char *name)
{
	bool from_min = str_starts(name, "RTMIN");
	const char *offset = name + 5;
	uint32_t n = 0;

	if (*offset) {
		if (*offset != (from_min ? '+' : '-') || str_to_u32(offset + 1, &n) < 0)
			return -EINVAL;
	}
	if (n > (uint32_t)(SIGRTMAX - SIGRTMIN))
		return -EINVAL;
	return from_min ? SIGRTMIN + (int)n : SIGRTMAX - (int)n;
}

int proc_signal_from_name(const char *name)
{
	int i;

	if (str_empty(name))
		return -EINVAL;
	if (*name >= '0' && *name <= '9')
		return proc_signal_from_number(name);
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (str_starts(name, "RTMIN") || str_starts(name, "RTMAX"))
		return proc_signal_realtime(name);
	if (strcasecmp(name, "IOT") == 0)
		return SIGABRT;
	if (strcasecmp(name, "POLL") == 0)
		return SIGIO;
	for (i = 1; i < 32; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcasecmp(known, name) == 0)
			return i;
	}
	return -EINVAL;
}

uint64_t proc_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t proc_now_ms(void)
{
	return proc_now_ns() / 1000000u;
}

/* PROC_USER_INIT_INO of the kernel's proc_ns.h: the first of each kind has a fixed number. */
#define PROC_FIRST_USERNS_INO 0xeffffffdu

/* DEFAULT_OVERFLOWUID of highuid.h. */
#define PROC_NOBODY 65534

bool proc_in_first_userns(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == PROC_FIRST_USERNS_INO;
}

bool proc_is_root(uid_t uid)
{
	struct stat top;

	return uid == 0 ||
	       (uid == PROC_NOBODY && stat("/", &top) == 0 && top.st_uid == PROC_NOBODY);
}

bool proc_owns_ns(const char *name)
{
	autoclose int own_fd = -1, owner_fd = -1;
	char path[64];

	if (proc_in_first_userns())
		return true;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	own_fd = open(path, O_RDONLY | O_CLOEXEC);
	owner_fd = own_fd < 0 ? -1 : ioctl(own_fd, NS_GET_USERNS);
	return owner_fd >= 0;
}
