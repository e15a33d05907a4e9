/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct stat;

/*
 * The folder in which is kept what was made of profiles: filters (cache.h) and what their texts say
 * (known.h). What is found there is believed without being made again, so nobody else may have written
 * it. Files are named by digests of what they were made of.
 */
#define SECCOMP_STORE_MAX 256 /* files, about: the oldest go */

/* A folder that belongs to us and that nobody else may write; -1 is none. */
bool seccomp_store_is_ours(int dir_fd);

/*
 * Opens a file for reading. -ENOENT: there is none; -EPERM: not ours (owner, mode other than 0600, no
 * regular file, more than one name, a symlink).
 */
int seccomp_store_open(int dir_fd, const char *name, struct stat *ret, struct error *e);

/* After a file was added: removes the oldest, and what killed processes left, until there is room again. */
void seccomp_store_evict(int dir_fd);
