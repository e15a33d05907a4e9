/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct error;
struct sock_filter;

/*
 * A compiled filter: what seccomp(2) is given. Owned by whoever holds the struct.
 */
#define SECCOMP_PROGRAM_MAX 4096 /* instructions the kernel takes in one filter */

struct seccomp_program {
	struct sock_filter *insns; /* NULL and 0: no filter at all */
	size_t n;
	uint32_t flags;  /* SECCOMP_FILTER_FLAG_* for seccomp(2), NEW_LISTENER included */
	bool has_notify; /* loading it returns a listener */
	uint8_t words
		[SHA256_SIZE]; /* digest of those it was obtained for (words.h), or zeros */
};

void seccomp_program_init(struct seccomp_program *p);
void seccomp_program_done(struct seccomp_program *p); /* safe on a zeroed or finished one */

/*
 * A file of it below dirfd, mode 0600, replaced atomically, so that `exec` loads what `create`
 * proved. The header holds magic, version, length and a digest of everything.
 */
int seccomp_program_save(const struct seccomp_program *p, int dirfd, const char *name,
			 struct error *e);

/*
 * Reads it back. No symlink is followed. -ENOENT: there is none; -EPERM: not ours (owner, mode,
 * no regular file, more than one link); -EBADMSG: truncated, altered or of another version.
 */
int seccomp_program_read(int dirfd, const char *name, struct seccomp_program *ret,
			 struct error *e);

/*
 * Room for a program that is not known yet, in memory which a child made meanwhile shares: what is
 * published there can be loaded by it, once it is told. NULL: no memory.
 */
struct seccomp_program *seccomp_program_map(void);
void seccomp_program_publish(struct seccomp_program *shared, const struct seccomp_program *p);
void seccomp_program_unmap(struct seccomp_program *shared); /* NULL is fine */

#define autoprogram __attribute__((cleanup(seccomp_program_done))) struct seccomp_program
