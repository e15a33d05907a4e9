/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sys.h"
#include "sandbox/sandbox.h"

/* <linux/landlock.h> of a kernel that has all of it; older headers lack a part. */
#define ACCESS_WRITE_FILE (1ull << 1)
#define ACCESS_MAKE       (0x1ffull << 4) /* remove and make entries of every kind */
#define ACCESS_REFER      (1ull << 13)
#define ACCESS_TRUNCATE   (1ull << 14)
#define CREATE_VERSION    1u
#define RULE_PATH_BENEATH 1
#define ABI_REFER         2
#define ABI_TRUNCATE      3
#define ABI_SCOPES        6

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* Older kernels take a shorter struct, and refuse a longer one unless what they lack is zero. */
static size_t ruleset_size(int abi)
{
	return abi >= ABI_SCOPES ? sizeof(struct ruleset_attr)
				 : offsetof(struct ruleset_attr, handled_access_net);
}

static uint64_t write_access(int abi)
{
	return ACCESS_WRITE_FILE | ACCESS_MAKE | (abi >= ABI_REFER ? ACCESS_REFER : 0) |
	       (abi >= ABI_TRUNCATE ? ACCESS_TRUNCATE : 0);
}

/* What is not there cannot be written to; and no symlink of the image leads to another place. */
static int layer_allow(int ruleset_fd, int root_fd, const char *path, uint64_t access,
		       struct error *e)
{
	struct path_attr attr = { .allowed_access = access };
	autoclose int fd = -1;
	struct stat st;
	int r;

	while (*path == '/')
		path++;
	fd = path_open_strict(root_fd, *path ? path : ".", O_PATH, 0, 1);
	if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return error_set(e, -fd, "landlock: open /%s", path);
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "landlock: look at /%s", path);
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= ACCESS_WRITE_FILE | ACCESS_TRUNCATE;
	attr.parent_fd = fd;
	r = sys_landlock_add(ruleset_fd, RULE_PATH_BENEATH, &attr);
	return r < 0 ? error_set(e, -r, "landlock: allow /%s", path) : 0;
}

static int layer_allow_all(int ruleset_fd, const struct spec_landlock_layer *l, uint64_t access,
			   struct error *e)
{
	autoclose int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t i;
	int r;

	if (root_fd < 0)
		return error_set(e, errno, "landlock: open the container's root");
	/* /dev/null, terminals: the devices have rules of their own. */
	r = layer_allow(ruleset_fd, root_fd, "/dev", access, e);
	for (i = 0; r == 0 && i < l->writes.n; i++)
		r = layer_allow(ruleset_fd, root_fd, l->writes.v[i], access, e);
	return r;
}

static int layer_apply(const struct spec_landlock_layer *l, int abi, struct error *e)
{
	struct ruleset_attr attr = {
		.handled_access_fs = l->writes_set ? write_access(abi) : 0,
		.scoped = abi >= ABI_SCOPES ? l->scoped : 0,
	};
	autoclose int fd = -1;
	int r = 0;

	if (!attr.handled_access_fs && !attr.scoped)
		return 0;
	fd = sys_landlock_create(&attr, ruleset_size(abi), 0);
	if (fd < 0)
		return error_set(e, -fd, "landlock: make a ruleset");
	if (l->writes_set)
		r = layer_allow_all(fd, l, attr.handled_access_fs, e);
	if (r < 0)
		return r;
	r = sys_landlock_restrict(fd);
	return r < 0 ? error_set(e, -r, "landlock: restrict the process") : 0;
}

/* What this kernel cannot do of it. */
static int layer_check(const struct sandbox *sb, const struct spec_landlock_layer *l, int abi,
		       struct error *e)
{
	char text[160];

	if (abi >= ABI_SCOPES || (abi >= 1 && !l->scoped))
		return 0;
	snprintf(text, sizeof(text),
		 abi < 1 ? "a node policy asks for Landlock, which this kernel does not have"
			 : "a node policy asks for Landlock scopes, which need its ABI %d: "
			   "this kernel has %d",
		 ABI_SCOPES, abi);
	if (l->required)
		return error_say(e, ENOTSUP, "%s", text);
	if (sb->warn)
		sb->warn(sb->warn_arg, text);
	return 0;
}

int landlock_apply(const struct sandbox *sb, struct error *e)
{
	const struct spec_landlock *l = &sb->spec->linux_.landlock;
	size_t i;
	int abi, r = 0;

	if (l->n == 0)
		return 0;
	abi = sys_landlock_create(NULL, 0, CREATE_VERSION);
	for (i = 0; r == 0 && i < l->n; i++) {
		r = layer_check(sb, &l->v[i], abi, e);
		if (r == 0 && abi >= 1)
			r = layer_apply(&l->v[i], abi, e);
	}
	return r;
}
