/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/signature.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/str.h"

#define KIND       "ed25519"
#define SIG_BEGIN  "strake-signature/1"
#define KEY_BEGIN  "strake-secret-key/1"
#define WORDS_MAX  4
#define HEX(bytes) (2 * (bytes) + 1)

/*
 * What the archive's parts for Ed25519 call of its others, which would bring all the rest of libsodium into
 * our executables: three times as much as is used.
 */
void sodium_misuse(void)
{
	abort();
}

void randombytes_buf(void *const buf, const size_t size)
{
	if (getrandom(buf, size, 0) != (ssize_t)size)
		abort();
}

/* --- lines of words, and bytes in hexadecimal ----------------------------------------------------- */

struct words {
	size_t n;
	char text[SIGNATURE_LINE_MAX];
	char *v[WORDS_MAX];
};

/* The next line that is for us, in words. False: there is none. A line too long has no words. */
static bool words_next(struct words *w, const char **at, const char *end)
{
	while (*at < end) {
		const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));
		char *save = NULL, *word;

		*at = stop ? stop + 1 : end;
		w->n = 0;
		w->text[0] = '\0';
		if (str_format(w->text, sizeof(w->text), "%.*s", (int)((stop ?: end) - line),
			       line) < 0)
			return true;
		word = strtok_r(w->text, " \t\r", &save);
		if (!word || word[0] == '#')
			continue;
		for (; word && w->n < WORDS_MAX; word = strtok_r(NULL, " \t\r", &save))
			w->v[w->n++] = word;
		return true;
	}
	return false;
}

static int hex_read(const char *text, uint8_t *dst, size_t n)
{
	size_t got = 0;
	const char *end = NULL;

	if (strlen(text) != 2 * n ||
	    sodium_hex2bin(dst, n, text, 2 * n, NULL, &got, &end) != 0 || got != n)
		return -EINVAL;
	return 0;
}

static void key_name(struct signature_key *k)
{
	struct sha256 s;
	uint8_t digest[SHA256_SIZE];

	sha256_init(&s);
	sha256_add(&s, k->bytes, sizeof(k->bytes));
	sha256_end(&s, digest);
	sodium_bin2hex(k->id, sizeof(k->id), digest, (sizeof(k->id) - 1) / 2);
}

/* --- keys ------------------------------------------------------------------------------------------ */

int signature_keys_parse(struct signature_keys *ret, const char *name, const char *text,
			 size_t len, struct error *e)
{
	const char *at = text, *end = text + len;
	struct words w;

	ret->n = 0;
	while (words_next(&w, &at, end)) {
		struct signature_key *k = &ret->v[ret->n];

		if (ret->n == SIGNATURE_KEYS_MAX)
			return error_say(e, E2BIG, "%s: more than %d keys", name,
					 SIGNATURE_KEYS_MAX);
		if (w.n < 2 || !str_eq(w.v[0], KIND) ||
		    hex_read(w.v[1], k->bytes, sizeof(k->bytes)) < 0) {
			error_say(e, EINVAL, "%s: a line is no key", name);
			error_hint(e,
				   "\"" KIND " KEY\", as `strake policy key FILE` prints it");
			return -EINVAL;
		}
		key_name(k);
		ret->n++;
	}
	return 0;
}

int signature_secret_from(struct signature_secret *ret, const uint8_t seed[SIGNATURE_KEY_BYTES],
			  struct error *e)
{
	uint8_t both[crypto_sign_SECRETKEYBYTES];
	int r;

	memmove(ret->seed, seed, sizeof(ret->seed));
	r = crypto_sign_seed_keypair(ret->key.bytes, both, ret->seed);
	sodium_memzero(both, sizeof(both));
	if (r != 0)
		return error_say(e, EINVAL, "this is no secret key");
	key_name(&ret->key);
	return 0;
}

int signature_secret_parse(struct signature_secret *ret, const char *name, const char *text,
			   size_t len, struct error *e)
{
	const char *at = text;
	struct words w = { 0 };
	uint8_t seed[SIGNATURE_KEY_BYTES];
	bool found = words_next(&w, &at, text + len);
	int r;

	if (found && w.n == 3 && str_eq(w.v[0], KEY_BEGIN) && str_eq(w.v[1], KIND) &&
	    hex_read(w.v[2], seed, sizeof(seed)) == 0)
		r = signature_secret_from(ret, seed, e);
	else
		r = error_say(e, EINVAL, "%s: this is no secret key of ours", name);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(&w, sizeof(w));
	return r;
}

void signature_secret_write(const struct signature_secret *s, char dst[SIGNATURE_LINE_MAX])
{
	char hex[HEX(SIGNATURE_KEY_BYTES)];

	sodium_bin2hex(hex, sizeof(hex), s->seed, sizeof(s->seed));
	snprintf(dst, SIGNATURE_LINE_MAX, KEY_BEGIN " " KIND " %s\n", hex);
	sodium_memzero(hex, sizeof(hex));
}

void signature_secret_done(struct signature_secret *s)
{
	sodium_memzero(s, sizeof(*s));
}

void signature_key_write(const struct signature_key *k, char dst[SIGNATURE_LINE_MAX])
{
	char hex[HEX(SIGNATURE_KEY_BYTES)];

	sodium_bin2hex(hex, sizeof(hex), k->bytes, sizeof(k->bytes));
	snprintf(dst, SIGNATURE_LINE_MAX, KIND " %s\n", hex);
}

/* --- signatures ------------------------------------------------------------------------------------ */

int signature_make(const struct signature_secret *s, const char *data, size_t len,
		   char dst[SIGNATURE_LINE_MAX], struct error *e)
{
	uint8_t both[crypto_sign_SECRETKEYBYTES], sig[SIGNATURE_BYTES],
		public[SIGNATURE_KEY_BYTES];
	char hex[HEX(SIGNATURE_BYTES)];
	int r = crypto_sign_seed_keypair(public, both, s->seed);

	if (r == 0)
		r = crypto_sign_detached(sig, NULL, (const uint8_t *)data, len, both);
	sodium_memzero(both, sizeof(both));
	if (r != 0)
		return error_say(e, EINVAL, "the signature could not be made");
	sodium_bin2hex(hex, sizeof(hex), sig, sizeof(sig));
	snprintf(dst, SIGNATURE_LINE_MAX, SIG_BEGIN " " KIND " %s %s\n", s->key.id, hex);
	return 0;
}

static const struct signature_key *key_find(const struct signature_keys *keys, const char *id)
{
	size_t i;

	for (i = 0; i < keys->n; i++)
		if (str_eq(keys->v[i].id, id))
			return &keys->v[i];
	return NULL;
}

int signature_check(const struct signature_keys *keys, const char *file, const char *data,
		    size_t len, const char *sig, size_t sig_len, struct error *e)
{
	const char *at = sig, *why = "the file is empty";
	struct words w = { 0 };

	while (words_next(&w, &at, sig + sig_len)) {
		const struct signature_key *k;
		uint8_t bytes[SIGNATURE_BYTES];

		if (w.n != 4 || !str_eq(w.v[0], SIG_BEGIN) || !str_eq(w.v[1], KIND) ||
		    hex_read(w.v[3], bytes, sizeof(bytes)) < 0) {
			why = "a line is no signature";
			continue;
		}
		k = key_find(keys, w.v[2]);
		if (!k) {
			why = "it is by a key that this node does not have";
			continue;
		}
		if (crypto_sign_verify_detached(bytes, (const uint8_t *)data, len, k->bytes) ==
		    0)
			return 0;
		why = "it is of other bytes: the file was changed after it was signed";
	}
	error_say(e, EKEYREJECTED, "%s: its signature does not hold: %s", file, why);
	error_hint(e, "`strake policy sign --key FILE %s`, after a look at what it says", file);
	return -EKEYREJECTED;
}
