/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct arena;
struct buf;
struct spec_seccomp;

/*
 * A profile as a run of bytes, to be read again in a hundredth of the time that its JSON takes. Numbers
 * are as the machine has them: it never leaves it. Pure.
 */

/* Appends it. 0; -EINVAL: it has ceilings, or a text longer than 64 KiB; -ENOMEM, -EFBIG. */
int seccomp_pack(const struct spec_seccomp *s, struct buf *ret);

/*
 * Texts stay where they are, in `data`; lists are the arena's. -EBADMSG: these are not the bytes of one
 * whole profile; -ENOMEM.
 */
int seccomp_unpack(struct arena *a, const char *data, size_t len, struct spec_seccomp *ret);
