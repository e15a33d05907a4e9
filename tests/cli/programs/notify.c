/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Both sides of sd_notify(3).
 *
 *	notify listen SOCKET FILE    writes each message to FILE, its lines joined by "|"; @NAME is abstract
 *	notify send TEXT...          tells TEXT to $NOTIFY_SOCKET, each as one message
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t address(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, path,
	       len < sizeof(ret->sun_path) ? len : sizeof(ret->sun_path) - 1);
	if (path[0] == '@')
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'));
}

static int listen_at(int fd, const char *path, const char *file)
{
	struct sockaddr_un addr;
	socklen_t len = address(path, &addr);
	char text[8192];
	ssize_t n, i;
	FILE *out;

	if (bind(fd, (struct sockaddr *)&addr, len) < 0) {
		perror("bind");
		return 1;
	}
	out = fopen(file, "w");
	while (out && (n = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		for (i = 0; i < n; i++)
			if (text[i] == '\n')
				text[i] = '|';
		text[n] = '\0';
		fprintf(out, "%s\n", text);
		fflush(out);
	}
	return 1;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), i;
	struct sockaddr_un addr;
	socklen_t len;

	if (argc == 4 && strcmp(argv[1], "listen") == 0)
		return listen_at(fd, argv[2], argv[3]);
	if (argc < 3 || strcmp(argv[1], "send") != 0 || !getenv("NOTIFY_SOCKET"))
		return 2;
	len = address(getenv("NOTIFY_SOCKET"), &addr);
	for (i = 2; i < argc; i++)
		if (sendto(fd, argv[i], strlen(argv[i]), 0, (struct sockaddr *)&addr, len) <
		    0) {
			perror("sendto");
			return 1;
		}
	return 0;
}
