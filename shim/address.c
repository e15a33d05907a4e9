/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/str.h"
#include "frame.h"

#define ADDRESS_CONFIG_MAX (16u << 20)
#define ADDRESS_TREE_MAX   (256u << 20)

/* How long a look at a socket may keep others from theirs. */
#define ADDRESS_LOCK_MS 2000

/* How long one that was killed may take to close what it has, and one that lives to answer. */
#define ADDRESS_DYING_MS 500

static const char *const group_keys[] = {
	"io.containerd.runc.v2.group",
	"io.kubernetes.cri.sandbox-id",
};

/* Nine of ten containers that are nobody's pod need not be understood for that. */
static bool address_may_be_grouped(const struct buf *config)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(group_keys); i++)
		if (memmem(config->data, config->len, group_keys[i], strlen(group_keys[i])))
			return true;
	/* A key can be written with escapes. */
	return memchr(config->data, '\\', config->len);
}

static const char *address_group_of(const struct json *config)
{
	const struct json *annotations = json_get(config, "annotations");
	const char *group;
	size_t i;

	for (i = 0; annotations && i < ARRAY_SIZE(group_keys); i++) {
		group = json_get_string(annotations, group_keys[i]);
		if (group)
			return group;
	}
	return NULL;
}

int address_group(const char *bundle, const char *id, char *ret, size_t size, struct error *e)
{
	const char *group = NULL;
	autobuf text = { 0 };
	char path[PATH_MAX];
	struct json *doc;
	struct arena a;
	int r;

	if (str_format(path, sizeof(path), "%s/config.json", bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	arena_init(&a, ADDRESS_TREE_MAX);
	r = file_read(AT_FDCWD, path, ADDRESS_CONFIG_MAX, &text, e);
	if (r == 0 && address_may_be_grouped(&text)) {
		r = json_parse(&a, path, text.data, text.len, &doc, e);
		group = r == 0 ? address_group_of(doc) : NULL;
	} else if (r == -ENOENT) {
		r = 0;
	}
	if (r == 0 && str_copy(ret, size, group ?: id) < 0)
		r = error_set(e, ENAMETOOLONG, "the group of %s", id);
	arena_done(&a);
	return r;
}

int address_path(const char *dir, const char *containerd, const char *ns, const char *group,
		 char ret[ADDRESS_MAX], struct error *e)
{
	char joined[2 * PATH_MAX], clean[2 * PATH_MAX], hex[SHA256_HEX];
	uint8_t digest[SHA256_SIZE];
	struct sockaddr_un limit;

	if (str_format(joined, sizeof(joined), "%s/%s/%s", containerd, ns, group) < 0 ||
	    path_clean(clean, sizeof(clean), joined) < 0)
		return error_set(e, ENAMETOOLONG, "the address of %s", group);
	/* A relative one stays so. */
	sha256(clean + (*joined != '/'), strlen(clean) - (*joined != '/'), digest);
	if (str_format(ret, sizeof(limit.sun_path), "%s/%s", dir, sha256_hex(digest, hex)) < 0)
		return error_say(e, ENAMETOOLONG, "the folder for sockets, %s, is too long",
				 dir);
	return 0;
}

static int address_bind(const char *path, struct error *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return error_set(e, errno, "make a socket");
	if (str_copy(at.sun_path, sizeof(at.sun_path), path) < 0)
		return error_set(e, ENAMETOOLONG, "%s", path);
	/* At no time may another user connect. This process is the shim's own, and has one thread. */
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	umask(mask);
	if (r == -EADDRINUSE)
		return r;
	if (r < 0)
		return error_set(e, -r, "bind %s", path);
	if (listen(fd, SOMAXCONN) < 0)
		return error_set(e, errno, "listen on %s", path);
	return take_fd(&fd);
}

/* -EAGAIN: its queue is full, so there is one. */
static int address_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (str_copy(to.sun_path, sizeof(to.sun_path), path) < 0)
		return -ENAMETOOLONG;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return take_fd(&fd);
}

bool address_answers(const char *path)
{
	autoclose int fd = address_connect(path);

	return fd >= 0 || fd == -EAGAIN;
}

/*
 * containerd calls us when a connection to the shim is closed. One that was killed may be closing its files still,
 * its socket last: then it hangs up on us, too. One that lives answers, if only that it knows no such call.
 */
static bool address_stays(const char *path)
{
	autoclose int fd = address_connect(path);
	autobuf call = { .max = FRAME_HEADER };
	char byte;

	if (fd < 0)
		return fd == -EAGAIN;
	if (frame_put(&call, 1, FRAME_REQUEST, NULL, 0) == 0)
		(void)send(fd, call.data, call.len, MSG_NOSIGNAL);
	return fd_wait(fd, POLLIN, ADDRESS_DYING_MS) <= 0 || recv(fd, &byte, 1, 0) > 0;
}

/* Between the look at a socket and what is done about it nobody else does anything: a folder at a time. */
static int address_lock(const char *dir, struct error *e)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : lock_take(fd, ADDRESS_LOCK_MS);

	if (r == 0)
		return error_say(e, ETIMEDOUT, "another shim has kept %s locked for %d s", dir,
				 ADDRESS_LOCK_MS / 1000);
	return r < 0 ? error_set(e, -r, "lock the folder %s", dir) : take_fd(&fd);
}

int address_listen(const char *dir, const char *path, int *ret_fd, struct error *e)
{
	autoclose int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), lock_fd = -1;
	int fd, i;

	fd = root_fd < 0 ? -errno : path_mkdir_all(root_fd, dir, 0700);
	if (fd < 0)
		return error_set(e, -fd, "make the folder %s", dir);
	close(fd);
	lock_fd = address_lock(dir, e);
	if (lock_fd < 0)
		return lock_fd;
	for (i = 0; i < 2; i++) {
		fd = address_bind(path, e);
		if (fd != -EADDRINUSE)
			break;
		if (address_answers(path))
			return 1;
		if (unlink(path) < 0 && errno != ENOENT)
			return error_set(e, errno, "remove the dead socket %s", path);
	}
	if (fd < 0)
		return fd == -EADDRINUSE ? error_set(e, EADDRINUSE, "bind %s", path) : fd;
	*ret_fd = fd;
	return 0;
}

bool address_remove_dead(const char *bundle)
{
	char path[PATH_MAX], address[ADDRESS_MAX + 8], dir[ADDRESS_MAX + 8];
	const char *socket_path = address + strlen("unix://");
	autoclose int lock_fd = -1;

	if (str_format(path, sizeof(path), "%s/address", bundle) < 0 ||
	    file_read_line(AT_FDCWD, path, address, sizeof(address)) < 0 ||
	    !str_starts(address, "unix:///") ||
	    str_format(dir, sizeof(dir), "%.*s", (int)(strrchr(socket_path, '/') - socket_path),
		       socket_path) < 0)
		return false;
	/* Nobody's start waits for the lock meanwhile. */
	if (address_stays(socket_path))
		return false;
	/* Who cannot lock leaves it to the next `start` of that name. */
	lock_fd = address_lock(dir, NULL);
	return lock_fd >= 0 && !address_answers(socket_path) && unlink(socket_path) == 0;
}
