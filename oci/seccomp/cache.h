/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct seccomp_program;
struct spec_seccomp;

/*
 * Where a container's filter comes from: found by the digest of the profile's words (words.h), or else
 * compiled, proved and stored (store.h). Files are replaced atomically, and verified whenever read; a
 * file that is not ours or was altered is not used and is made again.
 *
 * cache_dir_fd: a folder that only root can enter; -1: no cache. A cache that cannot be written
 * never fails a container.
 * 0 and a program the caller owns, else as seccomp_compile() and seccomp_prove().
 */
int seccomp_obtain(int cache_dir_fd, const struct spec_seccomp *spec,
		   struct seccomp_program *ret, struct error *e);
