/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <string.h>

#include "base/sha256_block.h"

static uint32_t ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t read_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* One round; the caller turns the names instead of moving the values. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                        \
	do {                                                                    \
		uint32_t t = (h) + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +      \
			     (((e) & (f)) ^ (~(e) & (g))) + sha256_k[i] + w[i]; \
		(d) += t;                                                       \
		(h) = t + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +               \
		      (((a) & (b)) ^ ((a) & (c)) ^ ((b) & (c)));                \
	} while (0)

static void block_add(uint32_t state[8], const uint8_t *p)
{
	uint32_t a = state[0], b = state[1], c = state[2];
	uint32_t d = state[3], e = state[4], f = state[5];
	uint32_t g = state[6], h = state[7];
	uint32_t w[64];

	for (int i = 0; i < 16; i++)
		w[i] = read_be32(p + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t x = w[i - 15], y = w[i - 2];

		w[i] = w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[i - 7] +
		       (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
	}
	for (int i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, h, i);
		ROUND(h, a, b, c, d, e, f, g, i + 1);
		ROUND(g, h, a, b, c, d, e, f, i + 2);
		ROUND(f, g, h, a, b, c, d, e, i + 3);
		ROUND(e, f, g, h, a, b, c, d, i + 4);
		ROUND(d, e, f, g, h, a, b, c, i + 5);
		ROUND(c, d, e, f, g, h, a, b, i + 6);
		ROUND(b, c, d, e, f, g, h, a, i + 7);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void sha256_blocks_portable(uint32_t state[8], const uint8_t *p, size_t n)
{
	for (; n > 0; n--, p += 64)
		block_add(state, p);
}

static void blocks_add(struct sha256 *h, const uint8_t *p, size_t n)
{
	if (!sha256_blocks_native(h->state, p, n))
		sha256_blocks_portable(h->state, p, n);
}

void sha256_init(struct sha256 *h)
{
	*h = (struct sha256){
		.state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
			   0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
	};
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t have = h->len % sizeof(h->block), whole;

	if (!len) /* data may be NULL then */
		return;
	h->len += len;
	if (have) {
		size_t n = sizeof(h->block) - have < len ? sizeof(h->block) - have : len;

		memcpy(h->block + have, p, n);
		if (have + n < sizeof(h->block))
			return;
		blocks_add(h, h->block, 1);
		p += n;
		len -= n;
	}
	whole = len / sizeof(h->block);
	if (whole)
		blocks_add(h, p, whole);
	p += whole * sizeof(h->block);
	len %= sizeof(h->block);
	if (len)
		memcpy(h->block, p, len);
}

void sha256_end(struct sha256 *h, uint8_t ret[SHA256_SIZE])
{
	static const uint8_t pad[64] = { 0x80 };
	uint64_t bits = h->len * 8;
	uint8_t tail[8];

	write_be32(tail, (uint32_t)(bits >> 32));
	write_be32(tail + 4, (uint32_t)bits);
	/* Padding ends 8 bytes before a block does, where the length goes. */
	sha256_add(h, pad, 1 + (119 - h->len % 64) % 64);
	sha256_add(h, tail, sizeof(tail));
	for (int i = 0; i < 8; i++)
		write_be32(ret + 4 * i, h->state[i]);
}

void sha256(const void *data, size_t len, uint8_t ret[SHA256_SIZE])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, data, len);
	sha256_end(&h, ret);
}

char *sha256_hex(const uint8_t digest[SHA256_SIZE], char dst[SHA256_HEX])
{
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		dst[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		dst[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	dst[SHA256_HEX - 1] = '\0';
	return dst;
}
