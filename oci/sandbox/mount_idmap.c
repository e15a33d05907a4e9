/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/mount_idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "sandbox/idmap.h"
#include "sandbox/sandbox.h"

bool mount_idmap_wanted(const struct sandbox *sb)
{
	size_t i;

	for (i = 0; i < sb->spec->n_mounts; i++)
		if (sb->spec->mounts[i].idmap)
			return true;
	return false;
}

/* What the id is on the host, and that all of them are there. */
static int mapping_resolve(struct spec_id_mapping *m, const struct spec_id_mapping *user,
			   size_t n, struct error *e)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t from = m->host_id - user[i].container_id;

		if (m->host_id < user[i].container_id || from >= user[i].size ||
		    m->size > user[i].size - from)
			continue;
		m->host_id = user[i].host_id + from;
		return 0;
	}
	return error_say(e, EINVAL,
			 "idmap: the ids from %u on, %u of them, are not mapped in the "
			 "container's user namespace",
			 m->host_id, m->size);
}

/* A copy of them, in the host's ids. The caller frees *ret. */
static int mappings_resolve(const struct spec_id_mapping *maps, size_t n,
			    const struct spec_id_mapping *user, size_t n_user,
			    struct spec_id_mapping **ret, struct error *e)
{
	autofree struct spec_id_mapping *copy = calloc(n + 1, sizeof(*copy));
	size_t i;
	int r = 0;

	if (!copy)
		return error_set(e, ENOMEM, "idmap");
	if (n)
		memcpy(copy, maps, n * sizeof(*copy));
	for (i = 0; r == 0 && i < n; i++)
		if (copy[i].relative)
			r = mapping_resolve(&copy[i], user, n_user, e);
	if (r == 0)
		*ret = take_ptr(&copy);
	return r;
}

static int userns_new(const struct spec_linux *l, const struct spec_mount *m, struct error *e)
{
	autofree struct spec_id_mapping *uids = NULL, *gids = NULL;
	bool own = m->n_uid_mappings > 0;
	size_t n_uids = own ? m->n_uid_mappings : l->n_uid_mappings;
	size_t n_gids = own ? m->n_gid_mappings : l->n_gid_mappings;
	int r;

	r = mappings_resolve(own ? m->gid_mappings : l->gid_mappings, n_gids, l->gid_mappings,
			     l->n_gid_mappings, &gids, e);
	if (r == 0)
		r = mappings_resolve(own ? m->uid_mappings : l->uid_mappings, n_uids,
				     l->uid_mappings, l->n_uid_mappings, &uids, e);
	return r < 0 ? r : idmap_open(uids, n_uids, gids, n_gids, e);
}

int mount_idmap(const struct sandbox *sb, const struct spec_mount *m, int fd, struct error *e)
{
	const struct spec_linux *l = &sb->spec->linux_;
	autoclose int made_fd = -1;
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP };
	int ns_fd = sb->ns_fd[SPEC_NS_USER], r;

	if (m->n_uid_mappings || ns_fd < 0) {
		ns_fd = made_fd = userns_new(l, m, e);
		if (ns_fd < 0)
			return ns_fd;
	}
	a.userns_fd = (uint64_t)ns_fd;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (m->idmap_rec ? AT_RECURSIVE : 0), &a,
			  sizeof(a)) == 0)
		return 0;
	r = error_set(e, errno, "idmap: map the ids of %s", m->source);
	if (r == -EINVAL)
		error_hint(e,
			   "its file system, or with ridmap one below it, takes no id maps on "
			   "this kernel");
	if (r == -EPERM)
		error_hint(
			e,
			"only root of the namespace that has mounted the file system may, and "
			"only once for each mount");
	return r;
}

int mount_idmap_copy(const char *path, int userns_fd, bool read_only, struct error *e)
{
	struct mount_attr a = {
		.attr_set = MOUNT_ATTR_IDMAP | (read_only ? MOUNT_ATTR_RDONLY : 0),
		.userns_fd = (uint64_t)userns_fd,
	};
	autoclose int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return error_set(e, errno, "copy the mount at %s", path);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
		return error_set(e, errno, "idmap: map the ids of %s", path);
	return take_fd(&fd);
}
