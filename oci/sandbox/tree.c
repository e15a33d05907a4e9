/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/sandbox.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U /* Linux 6.8 */
#endif

int tree_clone(const struct sandbox *sb, int dir_fd, const char *path, unsigned int flags)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };
	autoclose int fd = open_tree(dir_fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	if (sandbox_shares_mounts(sb) &&
	    mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &slave, sizeof(slave)) < 0)
		return -errno;
	return take_fd(&fd);
}

int tree_mount_id(int fd, uint64_t *ret, bool *ret_is_root)
{
	struct statx st = { 0 };

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID_UNIQUE, &st) < 0 ||
	    (!(st.stx_mask & STATX_MNT_ID_UNIQUE) &&
	     statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0))
		return -errno;
	if (!(st.stx_mask & (STATX_MNT_ID_UNIQUE | STATX_MNT_ID)))
		return -ENOTSUP;
	*ret = st.stx_mnt_id;
	if (ret_is_root)
		*ret_is_root = st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}
