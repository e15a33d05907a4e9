/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: bytes -> keys, a secret, and a signature of other bytes. Nothing that was not signed is taken
 * for signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/signature.h"

#define DIE_UNLESS(x)            \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char signed_text[] = "what the owner has signed";
	static const uint8_t seed[SIGNATURE_KEY_BYTES] = { 1, 2, 3 };
	static char right[SIGNATURE_LINE_MAX];
	const char *text = (const char *)data;
	struct signature_secret owner = { 0 }, other = { 0 };
	struct signature_keys keys = { 0 };
	struct error e = ERROR_INIT;
	int r;

	DIE_UNLESS(signature_secret_from(&owner, seed, &e) == 0);
	DIE_UNLESS(signature_make(&owner, signed_text, sizeof(signed_text), right, &e) == 0);
	keys.v[0] = owner.key;
	keys.n = 1;
	DIE_UNLESS(signature_check(&keys, "f", signed_text, sizeof(signed_text), right,
				   strlen(right), &e) == 0);
	r = signature_check(&keys, "f", signed_text, sizeof(signed_text), text, size, &e);
	DIE_UNLESS(r < 0 ? e.errnum == -r && e.text[0]
			 : memmem(data, size, owner.key.id, strlen(owner.key.id)) != NULL);
	DIE_UNLESS(signature_check(&keys, "f", text, size, right, strlen(right), &e) < 0 ||
		   (size == sizeof(signed_text) && memcmp(data, signed_text, size) == 0));
	r = signature_secret_parse(&other, "f", text, size, &e);
	DIE_UNLESS(r == 0 || e.text[0]);
	r = signature_keys_parse(&keys, "f", text, size, &e);
	DIE_UNLESS(r == 0 || e.text[0]);
	return 0;
}
