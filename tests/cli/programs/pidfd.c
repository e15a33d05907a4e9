/* SPDX-License-Identifier: Apache-2.0 */

/*
 * pidfd SOCKET: what a caller does behind --pidfd-socket. Listens there, takes one descriptor, prints
 * the number of the process it stands for, waits for that process's end and prints "ended".
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char control[CMSG_SPACE(sizeof(int))], data[64], path[64];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), pid_fd, pid = -1;
	struct pollfd p = { .events = POLLIN };
	FILE *info;

	if (argc != 2)
		errx(2, "usage: pidfd SOCKET");
	strncpy(addr.sun_path, argv[1], sizeof(addr.sun_path) - 1);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		err(1, "listen at %s", argv[1]);
	fd = accept(fd, NULL, NULL);
	if (fd < 0 || recvmsg(fd, &m, 0) < 0 || !CMSG_FIRSTHDR(&m))
		err(1, "receive the pidfd");
	memcpy(&pid_fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(pid_fd));

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pid_fd);
	info = fopen(path, "r");
	while (info && fgets(data, sizeof(data), info))
		sscanf(data, "Pid: %d", &pid);
	printf("%d\n", pid);
	fflush(stdout);
	p.fd = pid_fd;
	if (poll(&p, 1, -1) == 1)
		puts("ended");
	return 0;
}
