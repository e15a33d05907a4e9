/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "seccomp/program.h"
#include "spec/spec.h"

#define MESSAGE_MAX (16u << 20) /* a state carries all annotations */

int seccomp_notify_check(const struct spec_seccomp *spec, const struct seccomp_program *p,
			 struct error *e)
{
	bool path = !str_empty(spec->listener_path);

	if (!path && !str_empty(spec->listener_metadata))
		return error_say(e, EINVAL,
				 "linux.seccomp.listenerMetadata is given without "
				 "linux.seccomp.listenerPath");
	if (!p->has_notify)
		return 0;
	if (!path) {
		error_say(e, EINVAL,
			  "linux.seccomp: SCMP_ACT_NOTIFY needs "
			  "linux.seccomp.listenerPath");
		error_hint(e,
			   "name the socket of the agent that answers, or use another action");
		return -EINVAL;
	}
	if (spec->listener_path[0] != '/')
		return error_say(e, EINVAL,
				 "linux.seccomp.listenerPath: %s is not an absolute path",
				 spec->listener_path);
	return 0;
}

static int notify_message(const struct seccomp_notify *n, struct buf *ret, struct error *e)
{
	autojson *w = json_writer_new(false);
	int r;

	if (!w)
		return error_set(e, ENOMEM, "seccomp agent");
	json_write_object(w);
	json_put_string(w, "ociVersion", n->oci_version);
	json_write_key(w, "fds");
	json_write_array(w);
	json_write_string(w, "seccompFd");
	json_write_end(w);
	json_put_i64(w, "pid", n->pid);
	if (n->metadata)
		json_put_string(w, "metadata", n->metadata);
	json_write_key(w, "state");
	n->write_state(w, n->state);
	json_write_end(w);
	r = json_writer_end(w, ret);
	return r < 0 ? error_set(e, -r, "seccomp agent: write the container's state") : 0;
}

/* A path longer than sun_path takes is reached through its folder. */
static int agent_address(const char *path, struct sockaddr_un *ret, int *folder_fd)
{
	const char *name = strrchr(path, '/');
	char folder[PATH_MAX];

	ret->sun_family = AF_UNIX;
	if (str_copy(ret->sun_path, sizeof(ret->sun_path), path) == 0)
		return 0;
	if (!name || str_format(folder, sizeof(folder), "%.*s/", (int)(name - path), path) < 0)
		return -ENAMETOOLONG;
	*folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder_fd < 0)
		return -errno;
	return str_format(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d%s",
			  *folder_fd, name);
}

static int agent_connect(const char *path, int timeout_ms, struct error *e)
{
	struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	autoclose int folder_fd = -1, fd = -1;
	struct sockaddr_un addr = { 0 };
	int r;

	r = agent_address(path, &addr, &folder_fd);
	if (r < 0)
		return error_set(e, -r, "connect to the seccomp agent at %s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* For a unix socket this bounds connect(2), which waits for a full backlog, as well. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return error_set(e, errno, "socket");
	do
		r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	while (r < 0 && errno == EINTR);
	if (r < 0) {
		r = error_set(e, errno == EAGAIN ? ETIMEDOUT : errno,
			      "connect to the seccomp agent at %s", path);
		error_hint(e, "the agent must listen there before the container starts");
		return r;
	}
	return take_fd(&fd);
}

int seccomp_notify_send(const char *path, const struct seccomp_notify *n, int listener_fd,
			int timeout_ms, struct error *e)
{
	autoclose int fd = -1;
	autobuf message = { 0 };
	int r;

	buf_init(&message, MESSAGE_MAX);
	r = notify_message(n, &message, e);
	if (r < 0)
		return r;
	fd = agent_connect(path, timeout_ms, e);
	if (fd < 0)
		return fd;
	r = fd_send(fd, message.data, message.len, &listener_fd, 1);
	if (r < 0)
		return error_set(e, r == -EAGAIN ? ETIMEDOUT : -r,
				 "send the listener to the seccomp agent at %s", path);
	return 0;
}
