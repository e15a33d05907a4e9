/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cgroup/cgroup.h"

/* Ordinary files in a folder for a cgroup, of whose kernel nothing is needed: what is read and written. */
struct folder {
	char path[64];
	struct cgroup cg;
};

static inline int folder_setup(void **state)
{
	static struct folder f;

	f.cg = CGROUP_NONE;
	strcpy(f.path, "/tmp/strake-cgroup-XXXXXX");
	if (!mkdtemp(f.path))
		return -1;
	f.cg.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(f.cg.path, "/test");
	*state = &f;
	return f.cg.fd < 0 ? -1 : 0;
}

static inline int folder_remove(const char *path, const struct stat *st, int type,
				struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int folder_teardown(void **state)
{
	struct folder *f = *state;

	cgroup_done(&f->cg);
	nftw(f->path, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static inline void file_put(struct folder *f, const char *name, const char *text)
{
	int fd = openat(f->cg.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}
