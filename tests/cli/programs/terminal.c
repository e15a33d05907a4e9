/* SPDX-License-Identifier: Apache-2.0 */

/*
 * terminal SOCKET: what an engine does behind --console-socket. Listens there, takes one terminal,
 * prints its name and size on stderr, and copies: stdin to the terminal, the terminal to stdout,
 * until the other side is closed.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		err(1, "listen at %s", path);
	return fd;
}

static int take(int listen_fd, char *name, size_t size)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { name, size - 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int conn = accept(listen_fd, NULL, NULL), fd;
	ssize_t n = conn < 0 ? -1 : recvmsg(conn, &m, 0);

	if (n < 0)
		err(1, "receive the terminal");
	name[n] = '\0';
	if (!CMSG_FIRSTHDR(&m))
		errx(1, "a message without a descriptor");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static int copy(int from, int to)
{
	char data[4096];
	ssize_t n = read(from, data, sizeof(data));

	return n > 0 && write(to, data, (size_t)n) == n;
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	char name[256];
	struct winsize w;

	if (argc != 2)
		errx(2, "usage: terminal SOCKET");
	p[0].fd = take(listen_at(argv[1]), name, sizeof(name));
	if (ioctl(p[0].fd, TIOCGWINSZ, &w) < 0)
		err(1, "it is no terminal");
	fprintf(stderr, "%s %d %d\n", name, w.ws_row, w.ws_col);
	while (poll(p, 2, -1) > 0 || errno == EINTR) {
		if (p[1].revents && !copy(0, p[0].fd))
			p[1].fd = -1;
		if (p[0].revents && !copy(p[0].fd, 1))
			break;
	}
	return 0;
}
