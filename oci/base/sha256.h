/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4), for naming and verifying small things: filters, policies, hooks. */
#define SHA256_SIZE 32

struct sha256 {
	uint32_t state[8];
	uint64_t len;
	uint8_t block[64];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *data, size_t len);
void sha256_end(struct sha256 *h, uint8_t ret[SHA256_SIZE]);

void sha256(const void *data, size_t len, uint8_t ret[SHA256_SIZE]);

/* 64 lower-case digits and the NUL. Returns dst. */
#define SHA256_HEX (2 * SHA256_SIZE + 1)
char *sha256_hex(const uint8_t digest[SHA256_SIZE], char dst[SHA256_HEX]);
