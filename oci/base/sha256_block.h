/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The inner step of SHA-256, which base/sha256.h is made of: n blocks of 64 bytes into the state.
 * Natively by the processor's own instructions; false, and nothing done, where it has none.
 */
void sha256_blocks_portable(uint32_t state[8], const uint8_t *p, size_t n);
bool sha256_blocks_native(uint32_t state[8], const uint8_t *p, size_t n);

extern const uint32_t sha256_k[64]; /* the constants of the rounds */
