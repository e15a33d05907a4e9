/* SPDX-License-Identifier: Apache-2.0 */

/*
 * agent SOCKET FOLDER ERRNO: what stands behind linux.seccomp.listenerPath. Listens there; of the
 * Nth connection it writes the document to FOLDER/N.json, and each system call it is asked about, by
 * number, to FOLDER/N.calls. Its answer is ERRNO, or where that is 0, that the call goes on.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The first message brings the descriptor; the document goes on until the peer closes. */
static int take(int conn, char *text, size_t size)
{
	char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec iov = { text, size - 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(conn, &m, 0), more;
	int fd;

	if (n <= 0 || !CMSG_FIRSTHDR(&m))
		errx(1, "a message without a descriptor");
	if (CMSG_FIRSTHDR(&m)->cmsg_len != CMSG_LEN(sizeof(int)))
		errx(1, "more than one descriptor");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	while ((more = read(conn, text + n, size - 1 - (size_t)n)) > 0)
		n += more;
	text[n] = '\0';
	return fd;
}

static void answer(int fd, int errnum, FILE *calls)
{
	struct seccomp_notif ask;
	struct seccomp_notif_resp say;

	for (;;) {
		memset(&ask, 0, sizeof(ask));
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0) {
			if (errno == EINTR)
				continue;
			return; /* the last process is gone */
		}
		fprintf(calls, "%d %d\n", ask.data.nr, ask.pid);
		fflush(calls);
		say = (struct seccomp_notif_resp){
			.id = ask.id,
			.error = -errnum,
			.flags = errnum ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
		};
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &say);
	}
}

static FILE *file_in(const char *folder, int n, const char *kind)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d.%s", folder, n, kind);
	f = fopen(path, "we");
	if (!f)
		err(1, "%s", path);
	return f;
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), n;

	if (argc != 4)
		errx(2, "usage: agent SOCKET FOLDER ERRNO");
	strncpy(addr.sun_path, argv[1], sizeof(addr.sun_path) - 1);
	if (bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listen_fd, 8) < 0)
		err(1, "listen at %s", argv[1]);

	for (n = 1;; n++) {
		int conn = accept(listen_fd, NULL, NULL);
		static char text[65536];
		FILE *f;
		int fd;

		if (conn < 0)
			err(1, "accept");
		if (fork() != 0) {
			close(conn);
			continue;
		}
		fd = take(conn, text, sizeof(text));
		close(conn);
		f = file_in(argv[2], n, "json");
		fputs(text, f);
		fclose(f);
		answer(fd, atoi(argv[3]), file_in(argv[2], n, "calls"));
		_exit(0);
	}
}
