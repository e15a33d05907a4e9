/* SPDX-License-Identifier: Apache-2.0 */
#include "run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "run/container.h"
#include "run/ready.h"
#include "seccomp/load.h"
#include "spec/check.h"

#define FOLDER_CACHE ".seccomp"

int folder_make(const struct oci_runtime *rt, const char *id, int *ret_fd, struct error *e)
{
	autoclose int root_fd = -1, fd = -1;
	int r;

	r = spec_check_id(id, e);
	if (r < 0)
		return r;
	root_fd = container_open_root(rt, true, e);
	if (root_fd < 0)
		return root_fd;
	if (mkdirat(root_fd, id, 0700) < 0) {
		if (errno != EEXIST)
			return error_set(e, errno, "make %s/%s", rt->root, id);
		error_say(e, EEXIST, "container id \"%s\" is in use: it already exists", id);
		error_hint(e, "choose another id, or `strake delete %s` the old one", id);
		return -EEXIST;
	}
	fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = error_set(e, errno, "lock %s/%s", rt->root, id);
		unlinkat(root_fd, id, AT_REMOVEDIR);
		return r;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int folder_listen(int dir_fd, struct error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* The folder's real path may be longer than sun_path takes. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", dir_fd,
		 STATE_SOCKET);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    fchmodat(dir_fd, STATE_SOCKET, 0600, 0) < 0 || listen(fd, 8) < 0)
		return error_set(e, errno, "make " STATE_SOCKET);
	return take_fd(&fd);
}

int folder_make_handoff(int dir_fd, struct seccomp_handoff **ret, struct error *e)
{
	autoclose int fd = openat(dir_fd, STATE_HANDOFF,
				  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return error_set(e, errno, "make " STATE_HANDOFF);
	r = seccomp_handoff_map(fd, ret);
	return r < 0 ? error_set(e, -r, "map " STATE_HANDOFF) : 0;
}

int folder_open_cache(const struct oci_runtime *rt, bool make)
{
	autoclose int root_fd = container_open_root(rt, make, NULL);
	int fd, flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	if (root_fd < 0)
		return -1;
	fd = openat(root_fd, FOLDER_CACHE, flags);
	if (fd >= 0 || !make || errno != ENOENT)
		return fd;
	if (mkdirat(root_fd, FOLDER_CACHE, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(root_fd, FOLDER_CACHE, flags);
}

static int folder_empty(int dir_fd, struct error *e)
{
	int copy_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *d;

	if (!dir) {
		r = error_set(e, errno, "list the container's folder");
		mem_closep(&copy_fd);
		return r;
	}
	ready_remove(dir_fd);
	while (r == 0 && (d = readdir(dir))) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		if (unlinkat(dir_fd, d->d_name, 0) < 0 && errno != ENOENT)
			r = error_set(e, errno, "remove %s", d->d_name);
	}
	closedir(dir);
	return r;
}

int folder_remove(const struct oci_runtime *rt, const char *id, int dir_fd, struct error *e)
{
	autoclose int root_fd = container_open_root(rt, false, e);
	int r;

	if (root_fd < 0)
		return root_fd;
	/* Most hold these and no more. */
	unlinkat(dir_fd, STATE_CONFIG, 0);
	unlinkat(dir_fd, STATE_FILTER, 0);
	if (unlinkat(dir_fd, STATE_FILE, 0) == 0 && unlinkat(root_fd, id, AT_REMOVEDIR) == 0)
		return 0;
	/* And those under node policies these. */
	if (unlinkat(dir_fd, STATE_POLICY, 0) == 0 &&
	    unlinkat(dir_fd, STATE_POLICIES, 0) == 0 &&
	    unlinkat(root_fd, id, AT_REMOVEDIR) == 0)
		return 0;
	r = folder_empty(dir_fd, e);
	if (r < 0)
		return r;
	if (unlinkat(root_fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s/%s", rt->root, id);
	return 0;
}
