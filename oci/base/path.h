/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Paths inside a tree that somebody else controls. This is the one opener: everything that
 * touches a container's root file system goes through it, by openat2(2) (Linux 5.6).
 */

/*
 * Opens `path` as if `root_fd` were "/": symlinks, absolute ones and ".." included, stay inside
 * (RESOLVE_IN_ROOT); magic links of procfs are refused. O_CLOEXEC is added; mode applies with
 * O_CREAT. Returns the fd or -errno; a racing rename (EAGAIN) is retried a bounded number of times.
 */
int path_open(int root_fd, const char *path, int flags, mode_t mode);

/*
 * The same, but no symlink anywhere in the path is followed and no mount point is crossed unless
 * `cross` is set. For what we made ourselves and for what must really be there.
 */
int path_open_strict(int root_fd, const char *path, int flags, mode_t mode, int cross);

/*
 * Makes the directories of `path` inside root_fd that are missing (existing symlinks inside the
 * root are followed, none is created through) and opens the last one O_PATH|O_DIRECTORY.
 * Returns the fd or -errno.
 */
int path_mkdir_all(int root_fd, const char *path, mode_t mode);

/*
 * Opens (O_PATH) an inode to mount a file on: an existing non-directory, or an empty regular file
 * made with mknodat(2), which follows nothing. Parents are made as by path_mkdir_all.
 */
int path_make_file(int root_fd, const char *path, mode_t mode);

/*
 * Lexical: "//a/./b/../c" -> "/a/c". Always absolute, ".." never climbs above "/".
 * 0 or -ENAMETOOLONG.
 */
int path_clean(char *dst, size_t size, const char *path);

/* "/proc/self/fd/N" in a buffer of at least PATH_FD_MAX bytes, for calls that only take a path. */
#define PATH_FD_MAX 32
const char *path_of_fd(char *dst, int fd);
