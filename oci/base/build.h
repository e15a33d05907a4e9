/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Which build of us this is: the linker's own digest of the whole program (NT_GNU_BUILD_ID). What one
 * build has worked out and stored is no word to another one, which may have learned better.
 * How many bytes *ret has; 0: the linker was told to leave it out.
 */
size_t build_id(const uint8_t **ret);
