/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_users.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* As containerd has it: what it gives a root file system its owners by is one range. */
static int users_check(const char *what, size_t n, Pb__PodIdMapping *const *maps,
		       struct error *e)
{
	if (n != 1)
		return error_say(e, EINVAL,
				 "a pod with users of its own has one range of %s, not %zu",
				 what, n);
	if (!maps[0]->length)
		return error_say(e, EINVAL, "the pod's range of %s is empty", what);
	if (maps[0]->container_id)
		return error_say(
			e, EINVAL,
			"the pod's range of %s begins at %u: its root, 0, is not in it", what,
			maps[0]->container_id);
	return 0;
}

int pod_users_read(const Pb__PodUserNamespace *users, struct pod_users *ret, struct error *e)
{
	int r;

	*ret = (struct pod_users){ 0 };
	if (!users || users->mode == PB__POD_NAMESPACE__NODE) {
		if (users && (users->n_uids || users->n_gids))
			return error_say(e, EINVAL,
					 "a pod with the node's users takes no ranges of them");
		return 0;
	}
	if (users->mode != PB__POD_NAMESPACE__POD)
		return error_say(e, EINVAL, "a pod's users are its own or the node's, not %d",
				 (int)users->mode);
	r = users_check("users", users->n_uids, users->uids, e);
	if (r == 0)
		r = users_check("groups", users->n_gids, users->gids, e);
	if (r < 0)
		return r;
	ret->own = true;
	ret->uids = users->uids[0];
	ret->gids = users->gids[0];
	return 0;
}

/* The mount goes with those of the root file system. */
static int users_pin(const char *path, const char *network, struct error *e)
{
	autoclose int network_fd = open(network, O_RDONLY | O_CLOEXEC), users_fd = -1, fd = -1;
	char source[32];

	if (network_fd < 0)
		return error_set(e, errno, "open the pod's network %s", network);
	users_fd = ioctl(network_fd, NS_GET_USERNS);
	if (users_fd < 0)
		return error_set(e, errno, "find the users of the pod's network");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return error_set(e, errno, "make %s", path);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", users_fd);
	if (mount(source, path, NULL, MS_BIND, NULL) < 0)
		return error_set(e, errno, "keep the pod's users at %s", path);
	return 0;
}

int pod_users_prepare(struct pod_users *u, const char *bundle, const char *network,
		      struct error *e)
{
	if (!u->own)
		return 0;
	if (chown(bundle, (uid_t)-1, u->gids->host_id) < 0 || chmod(bundle, 0710) < 0)
		return error_set(e, errno, "let the pod's root into %s", bundle);
	if (str_empty(network))
		return 0;
	if (str_format(u->path, sizeof(u->path), "%s/rootfs/users", bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	return users_pin(u->path, network, e);
}

int pod_users_own(const struct pod_users *u, const char *path, struct error *e)
{
	if (!u->own || lchown(path, u->uids->host_id, u->gids->host_id) == 0)
		return 0;
	return error_set(e, errno, "give %s to the pod's root", path);
}

static void users_put_map(struct json_writer *w, const char *key, const Pb__PodIdMapping *map)
{
	json_write_key(w, key);
	json_write_array(w);
	json_write_object(w);
	json_put_u64(w, "containerID", map->container_id);
	json_put_u64(w, "hostID", map->host_id);
	json_put_u64(w, "size", map->length);
	json_write_end(w);
	json_write_end(w);
}

void pod_users_put(struct json_writer *w, const struct pod_users *u)
{
	if (!u->own)
		return;
	users_put_map(w, "uidMappings", u->uids);
	users_put_map(w, "gidMappings", u->gids);
}
