/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/sha256.h"

struct seccomp_target;
struct spec_seccomp;

/*
 * The digest of everything that decides a filter, word for word: default action, architectures, flags
 * and rules as the profile has them, the machine they are for, the version of the table, and this build of us.
 * Each list has its length in front, so no two profiles read the same. Pure; equal digests mean equal
 * programs. A profile written in another way has another digest, and its filter is made once more:
 * finding out that both mean the same takes as long as all the rest of a start.
 */
void seccomp_words_digest(const struct spec_seccomp *s, const struct seccomp_target *target,
			  uint8_t ret[SHA256_SIZE]);
