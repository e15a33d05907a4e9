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
#include "base/str.h"
#include "spec/check.h"
#include "spec/parse.h"
#include "spec/spec.h"

static int bundle_open(const char *bundle, char *path, size_t size, int *ret, struct error *e)
{
	char real[PATH_MAX];

	*ret = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0)
		return error_set(e, errno, "open the bundle %s", bundle);
	if (!realpath(bundle, real))
		return error_set(e, errno, "resolve the bundle %s", bundle);
	return str_copy(path, size, real) < 0 ? error_set(e, ENAMETOOLONG, "bundle %s", bundle)
					      : 0;
}

int bundle_read(const char *bundle, const char *config, char *path, size_t path_size,
		int *bundle_fd, struct buf *text, struct spec *spec, struct error *e)
{
	const char *name = str_empty(config) ? "config.json" : config;
	int r;

	r = bundle_open(str_empty(bundle) ? "." : bundle, path, path_size, bundle_fd, e);
	if (r < 0)
		return r;
	r = file_read(str_empty(config) ? *bundle_fd : AT_FDCWD, name, SPEC_MAX_BYTES, text, e);
	if (r == -ENOENT)
		error_hint(e, "%s is no bundle: `strake spec` writes a config.json there",
			   path);
	if (r < 0)
		return error_prefix(e, "bundle %s", path);
	r = spec_parse(name, text->data, text->len, spec, e);
	return r < 0 ? r : spec_check(spec, e);
}

const char *bundle_rootfs(struct arena *a, const char *bundle, const struct spec *spec)
{
	if (spec->root_path[0] == '/')
		return arena_strdup(a, spec->root_path);
	return arena_printf(a, "%s/%s", bundle, spec->root_path);
}
