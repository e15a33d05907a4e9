/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static int terminal_bind(const struct terminal *c, struct error *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	if (str_format(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", c->dir_fd,
		       c->name) < 0)
		return error_set(e, ENAMETOOLONG, "%s", c->name);
	/* Nobody else may send us a terminal. A worker has its umask for itself. */
	mask = umask(0177);
	r = bind(c->fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return error_set(e, -r, "bind the console socket %s", c->name);
	if (listen(c->fd, 1) < 0)
		return error_set(e, errno, "listen on the console socket %s", c->name);
	return 0;
}

int terminal_listen(struct terminal *c, const char *bundle, const char *name, struct error *e)
{
	if (str_format(c->name, sizeof(c->name), "%s.pty", name) < 0)
		return error_set(e, ENAMETOOLONG, "%s", name);
	c->dir_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return error_set(e, errno, "open %s", bundle);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return error_set(e, errno, "make a console socket");
	return terminal_bind(c, e);
}

int terminal_pass(const struct terminal *c, int to_fd, struct error *e)
{
	autoclose int peer_fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	autoclose int master_fd = -1;
	char name[PATH_MAX];
	size_t n = 1;
	ssize_t r;

	if (peer_fd < 0 || fd_wait(peer_fd, POLLIN, 0) <= 0)
		return error_say(e, EPROTO,
				 "the runtime sent no terminal to the console socket");
	r = fd_recv(peer_fd, name, sizeof(name), &master_fd, &n);
	if (r < 0 || n != 1) {
		master_fd = -1;
		return error_set(e, r < 0 ? (int)-r : EPROTO, "receive the terminal");
	}
	r = fd_send(to_fd, "terminal", sizeof("terminal"), &master_fd, 1);
	return r < 0 ? error_set(e, (int)-r, "pass the terminal on") : 0;
}

void terminal_done(struct terminal *c)
{
	if (c->dir_fd >= 0 && c->fd >= 0)
		(void)unlinkat(c->dir_fd, c->name, 0);
	mem_closep(&c->fd);
	mem_closep(&c->dir_fd);
	c->fd = c->dir_fd = -1;
}
