/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/procfs.h"
#include "sandbox/sandbox.h"

/*
 * sysctl(8)'s two spellings: if the first separator is a dot, dots and slashes change places
 * (net.ipv4.conf.eth0/1.forwarding), else the name is a path already.
 */
static int sysctl_path(const char *key, char *dst, size_t size)
{
	size_t first = strcspn(key, "./");
	char *p;

	if (str_format(dst, size, "sys/%s", key) < 0)
		return -ENAMETOOLONG;
	if (key[first] != '.')
		return 0;
	for (p = dst + strlen("sys/"); *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return 0;
}

static int sysctl_write(struct sandbox *sb, const struct spec_pair *s, struct error *e)
{
	autoclose int fd = -1;
	char path[512];
	ssize_t n;
	int r;

	r = sysctl_path(s->key, path, sizeof(path));
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
