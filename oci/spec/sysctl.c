/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/sysctl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Path of the sysctl, or of the folder where it ends in a slash. */
static const struct {
	const char *path;
	enum spec_ns ns;
} owners[] = {
	{ "net/", SPEC_NS_NETWORK },           { "fs/mqueue/", SPEC_NS_IPC },
	{ "kernel/msg_next_id", SPEC_NS_IPC }, { "kernel/msgmax", SPEC_NS_IPC },
	{ "kernel/msgmnb", SPEC_NS_IPC },      { "kernel/msgmni", SPEC_NS_IPC },
	{ "kernel/sem", SPEC_NS_IPC },         { "kernel/sem_next_id", SPEC_NS_IPC },
	{ "kernel/shm_next_id", SPEC_NS_IPC }, { "kernel/shm_rmid_forced", SPEC_NS_IPC },
	{ "kernel/shmall", SPEC_NS_IPC },      { "kernel/shmmax", SPEC_NS_IPC },
	{ "kernel/shmmni", SPEC_NS_IPC },      { "kernel/domainname", SPEC_NS_UTS },
	{ "kernel/hostname", SPEC_NS_UTS },    { "user/", SPEC_NS_USER },
};

/* Names of interfaces are parts of names; what separates two settings elsewhere is not. */
static bool byte_is_fine(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f && !strchr("=+\"'\\", c);
}

static bool part_is_clean(const char *part, size_t len)
{
	return len > 0 && !(len == 1 && part[0] == '.') &&
	       !(len == 2 && part[0] == '.' && part[1] == '.');
}

int sysctl_path(const char *name, char *dst, size_t size)
{
	bool dotted = name[strcspn(name, "./")] == '.';
	char *p, *part;

	if (str_copy(dst, size, name) < 0)
		return -ENAMETOOLONG;
	for (p = part = dst;; p++) {
		if (dotted && *p == '.')
			*p = '/';
		else if (dotted && *p == '/')
			*p = '.';
		if (*p && !byte_is_fine(*p))
			return -EINVAL;
		if (*p && *p != '/')
			continue;
		if (!part_is_clean(part, (size_t)(p - part)))
			return -EINVAL;
		if (!*p)
			return 0;
		part = p + 1;
	}
}

enum spec_ns sysctl_namespace(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		if (str_ends(owners[i].path, "/") ? str_starts(path, owners[i].path)
						  : str_eq(path, owners[i].path))
			return owners[i].ns;
	}
	return SPEC_NS_COUNT;
}
