/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "sandbox/procfs.h"
#include "sandbox/sandbox.h"
#include "spec/sysctl.h"

static int sysctl_write(struct sandbox *sb, const struct spec_pair *s, struct error *e)
{
	autoclose int fd = -1;
	char path[512] = "sys/";
	ssize_t n;
	int r;

	r = sysctl_path(s->key, path + strlen("sys/"), sizeof(path) - strlen("sys/"));
	if (r < 0)
		return error_set(e, -r, "name");
	fd = procfs_open_file(sb, path, O_WRONLY, e);
	if (fd < 0)
		return fd;
	n = write(fd, s->value, strlen(s->value));
	return n < 0 ? error_set(e, errno, "write \"%s\"", s->value) : 0;
}

int sysctl_apply(struct sandbox *sb, struct error *e)
{
	const struct spec_pairs *all = &sb->spec->linux_.sysctl;
	size_t i;
	int r;

	for (i = 0; i < all->n; i++) {
		r = sysctl_write(sb, &all->v[i], e);
		if (r < 0)
			return error_prefix(e, "linux.sysctl[\"%s\"]", all->v[i].key);
	}
	return 0;
}
