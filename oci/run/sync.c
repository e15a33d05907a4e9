/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sync.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"

#define SYNC_HEAD offsetof(struct sync_msg, error)

const char *sync_kind_name(enum sync_kind kind)
{
	static const char *const names[] = {
		[SYNC_ERROR] = "error",     [SYNC_WARNING] = "warning",
		[SYNC_PID] = "pid",         [SYNC_MAP] = "map ids",
		[SYNC_HOOKS] = "hooks",     [SYNC_READY] = "ready",
		[SYNC_LOADING] = "seccomp", [SYNC_GO] = "go",
		[SYNC_CGROUP] = "cgroup",   [SYNC_NET] = "network",
		[SYNC_START] = "start",     [SYNC_IGNORED] = "ignored signal",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}

int sync_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

static int sync_send_bytes(int fd, const void *data, size_t len)
{
	ssize_t n;

	do
		n = send(fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sync_send(int fd, enum sync_kind kind, int arg)
{
	struct sync_msg m = { .kind = kind, .arg = arg };

	return sync_send_bytes(fd, &m, SYNC_HEAD);
}

int sync_send_error(int fd, enum sync_kind kind, const struct error *e)
{
	struct sync_msg m = { .kind = kind, .error = *e };

	return sync_send_bytes(fd, &m, sizeof(m));
}

int sync_send_fd(int fd, enum sync_kind kind, int passed)
{
	struct sync_msg m = { .kind = kind };

	return fd_send(fd, &m, SYNC_HEAD, &passed, 1);
}

int sync_recv_fd(int fd, enum sync_kind kind, int *passed)
{
	struct sync_msg m;
	size_t n_fds = 1;
	ssize_t n = fd_recv(fd, &m, SYNC_HEAD, passed, &n_fds);

	if (n <= 0)
		return n == -ECONNRESET ? 0 : (int)n;
	if (n_fds == 1 && (size_t)n == SYNC_HEAD && m.kind == (uint32_t)kind)
		return 1;
	if (n_fds == 1) {
		mem_closep(passed);
		*passed = -1;
	}
	return -EPROTO;
}

int sync_recv(int fd, struct sync_msg *ret)
{
	ssize_t n;

	/*
	 * A peer that ended before it read all of ours resets the connection: told once, and before
	 * what the peer had said to us, which may be the reason.
	 */
	do
		n = recv(fd, ret, sizeof(*ret), 0);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	if ((size_t)n == SYNC_HEAD)
		ret->error = ERROR_INIT;
	else if ((size_t)n != sizeof(*ret))
		return -EPROTO;

	/* A container's process wrote this: its text ends where we say. */
	ret->error.step[sizeof(ret->error.step) - 1] = '\0';
	ret->error.text[sizeof(ret->error.text) - 1] = '\0';
	ret->error.hint[sizeof(ret->error.hint) - 1] = '\0';
	return 1;
}

int sync_recv_alive(int fd, int cancel_fd, int pid_fd, struct sync_msg *ret)
{
	struct pollfd p[3] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
		{ .fd = pid_fd, .events = POLLIN },
	};

	while (cancel_fd >= 0 || pid_fd >= 0) {
		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		/* What has happened already is not canceled: the payload may be running. */
		if (p[1].revents && !p[0].revents)
			return -ECANCELED;
		/* Its last word came before its end: one more look. */
		if (p[2].revents && !p[0].revents && poll(p, 1, 0) <= 0)
			return 0;
		break;
	}
	return sync_recv(fd, ret);
}

int sync_recv_or_cancel(int fd, int cancel_fd, struct sync_msg *ret)
{
	return sync_recv_alive(fd, cancel_fd, -1, ret);
}

int sync_await_end(int fd, int cancel_fd)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = 0 },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	/* What has happened already is not canceled: the payload may be running. */
	return p[0].revents ? 0 : -ECANCELED;
}
