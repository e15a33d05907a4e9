/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int fd_set_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -errno;
	flags = on ? flags | flag : flags & ~flag;
	return fcntl(fd, set, flags) < 0 ? -errno : 0;
}

int fd_set_nonblock(int fd, bool on)
{
	return fd_set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_set_cloexec(int fd, bool on)
{
	return fd_set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int fd_cloexec_from(int first)
{
	return sys_close_range((unsigned int)first, ~0u, CLOSE_RANGE_CLOEXEC);
}

/* The smallest number >= from among them, or -1. */
static int fd_next_kept(int from, const int *keep, size_t n)
{
	int next = -1;
	size_t i;

	for (i = 0; i < n; i++)
		if (keep[i] >= from && (next < 0 || keep[i] < next))
			next = keep[i];
	return next;
}

int fd_close_except(int first, const int *keep, size_t n)
{
	int next, r;

	for (; (next = fd_next_kept(first, keep, n)) >= 0; first = next + 1) {
		if (next == first)
			continue;
		r = sys_close_range((unsigned int)first, (unsigned int)next - 1, 0);
		if (r < 0)
			return r;
	}
	return sys_close_range((unsigned int)first, ~0u, 0);
}

int fd_wait(int fd, short events, int timeout_ms)
{
	uint64_t deadline = timeout_ms < 0 ? 0 : proc_now_ms() + (uint64_t)timeout_ms;
	struct pollfd p = { .fd = fd, .events = events };
	int left = timeout_ms;

	for (;;) {
		int r = poll(&p, 1, left);

		if (r >= 0)
			return r > 0;
		if (errno != EINTR)
			return -errno;
		if (timeout_ms >= 0) {
			uint64_t now = proc_now_ms();

			left = now < deadline ? (int)(deadline - now) : 0;
		}
	}
}

#define FD_MAX_PASS 8

union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * FD_MAX_PASS)];
};

int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds)
{
	struct iovec iov = { (void *)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control c = { 0 };
	ssize_t n;

	if (nfds > FD_MAX_PASS)
		return -EINVAL;
	if (nfds) {
		struct cmsghdr *h = &c.align;

		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	/* A stream may take a part only: the descriptors went with its first byte. */
	if ((size_t)n < len)
		return fd_write_all(sock, (const char *)data + n, len - (size_t)n);
	return 0;
}

static void fd_take_passed(struct msghdr *m, int *fds, size_t *nfds)
{
	size_t room = fds ? *nfds : 0, got = 0;
	struct cmsghdr *h;

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n, i;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (got < room)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	if (nfds)
		*nfds = got;
}

ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t *nfds)
{
	struct iovec iov = { data, len };
	union fd_control c;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c),
	};
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	fd_take_passed(&m, fds, nfds);
	return n;
}
