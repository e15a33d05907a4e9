/* SPDX-License-Identifier: Apache-2.0 */
#include "run/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "run/config.h"
#include "spec/parse.h"
#include "spec/spec.h"

/* The kernel knows by which absolute path it came to what is open. */
static int bundle_path(struct arena *a, int bundle_fd, const char **ret)
{
	char link[PATH_FD_MAX], path[PATH_MAX];
	ssize_t n = readlink(path_of_fd(link, bundle_fd), path, sizeof(path));

	if (n < 0)
		return -errno;
	if (n == sizeof(path))
		return -ENAMETOOLONG;
	*ret = arena_strndup(a, path, (size_t)n);
	return *ret ? 0 : -ENOMEM;
}

static int bundle_open(struct arena *a, const char *bundle, const char **path, int *ret,
		       struct error *e)
{
	int r;

	*ret = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0)
		return error_set(e, errno, "open the bundle %s", bundle);
	r = bundle_path(a, *ret, path);
	return r < 0 ? error_set(e, -r, "find the bundle %s in /proc/self/fd", bundle) : 0;
}

int bundle_read(const struct oci_runtime *rt, struct arena *a, const char *bundle,
		const char *config, const char **ret_path, int *bundle_fd, struct buf *text,
		struct spec *spec, struct error *e)
{
	const char *name = str_empty(config) ? "config.json" : config;
	const char *path = "";
	int r;

	r = bundle_open(a, str_empty(bundle) ? "." : bundle, &path, bundle_fd, e);
	if (r < 0)
		return r;
	*ret_path = path;
	r = file_read(str_empty(config) ? *bundle_fd : AT_FDCWD, name, SPEC_MAX_BYTES, text, e);
	if (r == -ENOENT)
		error_hint(e, "%s is no bundle: `strake spec` writes a config.json there",
			   path);
	if (r < 0)
		return error_prefix(e, "bundle %s", path);
	return config_read(rt, name, text->data, text->len, spec, e);
}

const char *bundle_rootfs(struct arena *a, const char *bundle, const struct spec *spec)
{
	if (spec->root_path[0] == '/')
		return arena_strdup(a, spec->root_path);
	return arena_printf(a, "%s/%s", bundle, spec->root_path);
}
