/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "seccomp/abi.h"
#include "seccomp/cache.h"
#include "seccomp/profile.h"
#include "seccomp/program.h"
#include "spec/spec.h"

#define PROFILE_MAX (1 << 20)

/* The capabilities that bundle.c writes. */
static const struct seccomp_profile_for containers = {
	.bounding = 1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE,
};

static int target_init(struct seccomp_profile_for *target, struct error *e)
{
	struct utsname system;

	*target = containers;
	target->native = seccomp_abi_native();
	uname(&system);
	if (sscanf(system.release, "%u.%u", &target->kernel_major, &target->kernel_minor) != 2)
		return error_say(e, EINVAL, "kernel release '%s' has no version",
				 system.release);
	return 0;
}

int profile_load(struct arena *a, const char *path, const struct json **ret,
		 struct seccomp_program *ret_program, struct error *e)
{
	autojson *w = json_writer_new(false);
	autobuf text = { 0 }, resolved = { 0 };
	struct seccomp_profile_for target;
	struct spec_seccomp spec = { 0 };
	struct json *root;
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s", path);
	buf_init(&resolved, PROFILE_MAX);
	r = target_init(&target, e);
	if (r == 0)
		r = file_read(AT_FDCWD, path, PROFILE_MAX, &text, e);
	if (r == 0)
		r = seccomp_profile_resolve(a, path, text.data, text.len, &target, &spec, e);
	if (r < 0)
		return r;
	seccomp_profile_write(w, &spec);
	r = json_writer_end(w, &resolved);
	if (r < 0)
		return error_set(e, -r, "%s, resolved", path);
	r = json_parse(a, path, resolved.data, resolved.len, &root, e);
	if (r == 0)
		r = seccomp_obtain(-1, &spec, ret_program, e);
	if (r == 0)
		*ret = root;
	return r;
}
