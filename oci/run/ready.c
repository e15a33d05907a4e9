/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/path.h"
#include "base/str.h"
#include "oci.h"
#include "run/container.h"
#include "run/state.h"
#include "spec/mount_options.h"

#define READY_MESSAGE_MAX 4096 /* what systemd itself takes at most */

static int ready_add_mount(struct arena *a, struct spec *s, const char *source)
{
	static const char *const options[] = { "bind", "ro", "nosuid", "nodev", "noexec" };
	struct spec_mount *all = arena_array(a, s->n_mounts + 1, sizeof(*all)), *m;
	size_t i;

	if (!all)
		return -ENOMEM;
	if (s->n_mounts)
		memcpy(all, s->mounts, s->n_mounts * sizeof(*all));
	m = &all[s->n_mounts];
	m->destination = READY_IN_CONTAINER;
	m->source = source;
	m->type = "bind";
	m->options.v = arena_array(a, ARRAY_SIZE(options) + 1, sizeof(char *));
	if (!m->options.v)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(options); i++)
		m->options.v[m->options.n++] = (char *)options[i];
	if (mount_options_resolve(a, m) < 0)
		return -ENOMEM;
	s->mounts = all;
	s->n_mounts++;
	return 0;
}

static int ready_add_variable(struct arena *a, struct spec_strings *env)
{
	char **all = arena_array(a, env->n + 2, sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (env->n)
		memcpy(all, env->v, env->n * sizeof(*all));
	all[env->n] = arena_strdup(a, "NOTIFY_SOCKET=" READY_IN_CONTAINER "/" READY_SOCKET);
	if (!all[env->n])
		return -ENOMEM;
	env->v = all;
	env->n++;
	return 0;
}

int ready_offer(int dir_fd, struct arena *a, struct spec *s, struct error *e)
{
	char link[PATH_FD_MAX], folder[PATH_MAX];
	const char *source;
	ssize_t n;

	if (mkdirat(dir_fd, STATE_READY, 0755) < 0)
		return error_set(e, errno, "make the folder of NOTIFY_SOCKET");
	n = readlink(path_of_fd(link, dir_fd), folder, sizeof(folder) - 1);
	if (n < 0)
		return error_set(e, errno, "find the container's own folder");
	folder[n] = '\0';
	source = arena_printf(a, "%s/" STATE_READY, folder);
	if (!source || ready_add_mount(a, s, source) < 0 ||
	    ready_add_variable(a, &s->process.env) < 0)
		return error_set(e, ENOMEM, "NOTIFY_SOCKET");
	return 0;
}

int ready_listen(int dir_fd, struct error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int folder_fd = -1, fd = -1;

	folder_fd =
		openat(dir_fd, STATE_READY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder_fd < 0)
		return errno == ENOENT
			       ? -ENOENT
			       : error_set(e, errno, "open the folder of NOTIFY_SOCKET");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(e, errno, "make a socket for NOTIFY_SOCKET");
	unlinkat(folder_fd, READY_SOCKET, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" READY_SOCKET,
		 folder_fd);
	/* Whoever runs in the container may write to it; nobody else can reach it. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    fchmodat(folder_fd, READY_SOCKET, 0777, 0) < 0)
		return error_set(e, errno, "bind the socket for NOTIFY_SOCKET");
	return take_fd(&fd);
}

void ready_remove(int dir_fd)
{
	unlinkat(dir_fd, STATE_READY "/" READY_SOCKET, 0);
	unlinkat(dir_fd, STATE_READY, AT_REMOVEDIR);
}

int oci_ready_listen(const struct oci_runtime *rt, const char *id, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	int r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);

	return r < 0 ? r : ready_listen(c.dir_fd, e);
}

/* "/run/systemd/notify", or "@name" of the abstract kind. */
static int ready_address(const char *service, struct sockaddr_un *ret, socklen_t *len)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((service[0] != '/' && service[0] != '@') ||
	    str_copy(ret->sun_path, sizeof(ret->sun_path), service) < 0)
		return -EINVAL;
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(service));
	if (service[0] == '@')
		ret->sun_path[0] = '\0';
	else
		(*len)++;
	return 0;
}

static int ready_send(const char *service, const char *text, size_t len, struct error *e)
{
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	socklen_t addr_len;

	if (fd < 0)
		return error_set(e, errno, "make a socket for NOTIFY_SOCKET");
	if (ready_address(service, &addr, &addr_len) < 0)
		return error_say(e, EINVAL, "NOTIFY_SOCKET: \"%s\" is neither a path nor @name",
				 service);
	if (sendto(fd, text, len, MSG_NOSIGNAL, (struct sockaddr *)&addr, addr_len) < 0)
		return error_set(e, errno, "NOTIFY_SOCKET: tell %s", service);
	return 0;
}

/* What the container may say of itself. Who is the main process, and descriptors, are ours. */
static bool ready_is_handed_on(const char *line, size_t len)
{
	static const char *const keys[] = {
		"READY=",    "STATUS=", "RELOADING=",          "STOPPING=",
		"WATCHDOG=", "ERRNO=",  "EXTEND_TIMEOUT_USEC="
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (len >= strlen(keys[i]) && memcmp(line, keys[i], strlen(keys[i])) == 0)
			return true;
	return false;
}

/* 1: it says READY=1. */
static int ready_filter(const char *text, size_t len, struct buf *ret)
{
	const char *line, *end = text + len;
	int ready = 0, r = 0;
	size_t n;

	for (line = text; r == 0 && line < end; line += n + 1) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		n = stop ? (size_t)(stop - line) : (size_t)(end - line);
		if (!ready_is_handed_on(line, n) || memchr(line, '\0', n))
			continue;
		ready |= n == strlen("READY=1") && memcmp(line, "READY=1", n) == 0;
		r = buf_addf(ret, "%.*s\n", (int)n, line);
	}
	return r < 0 ? r : ready;
}

int oci_ready_relay(int fd, pid_t main_pid, const char *service, struct error *e)
{
	autobuf text = { .max = 2 * READY_MESSAGE_MAX };
	char message[READY_MESSAGE_MAX];
	ssize_t n = recv(fd, message, sizeof(message), 0);
	int ready, r = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : error_set(e, errno, "NOTIFY_SOCKET: hear the container");
	ready = ready_filter(message, (size_t)n, &text);
	if (ready > 0 && main_pid)
		r = buf_addf(&text, "MAINPID=%d\n", (int)main_pid);
	if (ready < 0 || r < 0)
		return error_set(e, ENOMEM, "NOTIFY_SOCKET");
	if (text.len)
		r = ready_send(service, text.data, text.len, e);
	return r < 0 ? r : ready;
}

int oci_ready_wait(const struct oci_runtime *rt, int fd, const struct oci_process *p,
		   const char *service, struct error *e)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = p->pid_fd, .events = POLLIN },
		{ .fd = rt->cancel_fd, .events = POLLIN },
	};
	int r = 0;

	while (r == 0) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno != EINTR)
				return error_set(e, errno,
						 "wait for the container to be ready");
			continue;
		}
		if (fds[2].revents)
			return error_say(e, ECANCELED,
					 "canceled while the container was not ready yet");
		if (fds[0].revents)
			r = oci_ready_relay(fd, p->pid, service, e);
		else if (fds[1].revents)
			return error_say(
				e, ESRCH,
				"the container has ended, and had not told to be ready");
	}
	return r < 0 ? r : 0;
}
