/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

/*
 * Ed25519 signatures of policies and of the profiles they name, kept beside the file as FILE.sig: lines
 * "strake-signature/1 ed25519 KEYID SIGNATURE" in hexadecimal, over the file's bytes. Where a node has
 * keys, what is not signed by one of them is refused. Pure.
 */
#define SIGNATURE_KEY_BYTES 32
#define SIGNATURE_BYTES     64
#define SIGNATURE_ID_SIZE   17 /* of a key: half of a quarter of its digest, and NUL */
#define SIGNATURE_LINE_MAX  256
#define SIGNATURE_KEYS_MAX  64

struct signature_key {
	uint8_t bytes[SIGNATURE_KEY_BYTES];
	char id[SIGNATURE_ID_SIZE];
};

struct signature_keys {
	size_t n;
	struct signature_key v[SIGNATURE_KEYS_MAX];
};

/* Lines "ed25519 KEY [comment]"; empty ones and those that begin with # are for people. */
int signature_keys_parse(struct signature_keys *ret, const char *name, const char *text,
			 size_t len, struct error *e);

/* 0; -EKEYREJECTED: none of them has signed these bytes, `e` says which file and why. */
int signature_check(const struct signature_keys *keys, const char *file, const char *data,
		    size_t len, const char *sig, size_t sig_len, struct error *e);

/* A secret key: "strake-secret-key/1 ed25519 SEED". From its text, or from 32 random bytes. */
struct signature_secret {
	uint8_t seed[SIGNATURE_KEY_BYTES];
	struct signature_key key; /* the public half */
};

int signature_secret_parse(struct signature_secret *ret, const char *name, const char *text,
			   size_t len, struct error *e);
int signature_secret_from(struct signature_secret *ret, const uint8_t seed[SIGNATURE_KEY_BYTES],
			  struct error *e);
void signature_secret_write(const struct signature_secret *s, char dst[SIGNATURE_LINE_MAX]);
void signature_secret_done(struct signature_secret *s); /* forgets it */
void signature_key_write(const struct signature_key *k, char dst[SIGNATURE_LINE_MAX]);

/* The line of a .sig. 0 or -errno. */
int signature_make(const struct signature_secret *s, const char *data, size_t len,
		   char dst[SIGNATURE_LINE_MAX], struct error *e);
