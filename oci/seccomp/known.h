/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "seccomp/profile.h"

struct arena;
struct spec_seccomp;

/*
 * What the texts of profiles say, where they were read before: half the time of a start with a filter
 * went into reading the same JSON again. Found by the digest of all that decides it, never by a file's
 * name or time. A stored file (store.h) that is not ours, was altered or belongs to another key is not
 * used: then the text is read, as if there were none.
 */
enum seccomp_known_kind {
	SECCOMP_KNOWN_SPEC = 1, /* linux.seccomp of a config.json */
	SECCOMP_KNOWN_PROFILE,  /* Docker's format, resolved for one container (profile.h) */
};

struct seccomp_known_text {
	enum seccomp_known_kind kind;
	const char *text;
	size_t len;
	struct seccomp_profile_for target; /* of a profile; else zeros */
	const uint8_t *build;              /* who reads it: build_id() */
	size_t build_len;
};

/* false: there is no key without a build, and nothing is known or kept. */
bool seccomp_known_key(const struct seccomp_known_text *t, uint8_t ret[SHA256_SIZE]);

/* What the text says, in the arena. dir_fd: the store, -1: none. */
bool seccomp_known_find(int dir_fd, const uint8_t key[SHA256_SIZE], struct arena *a,
			struct spec_seccomp *ret);

/* Remembers what was read, before anything was changed in it. That it cannot is no failure. */
void seccomp_known_keep(int dir_fd, const uint8_t key[SHA256_SIZE],
			const struct spec_seccomp *s);
