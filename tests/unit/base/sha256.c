/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256_block.h"

static void check(const char *data, size_t len, const char *want)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256(data, len, digest);
	assert_string_equal(sha256_hex(digest, hex), want);
}

static void the_examples_of_the_standard_come_out(void **state)
{
	(void)state;
	check("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_letters_come_out(void **state)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX], block[1000];
	struct sha256 h;

	(void)state;
	memset(block, 'a', sizeof(block));
	sha256_init(&h);
	for (int i = 0; i < 1000; i++)
		sha256_add(&h, block, sizeof(block));
	sha256_end(&h, digest);
	assert_string_equal(sha256_hex(digest, hex),
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void pieces_of_any_size_are_the_whole(void **state)
{
	uint8_t whole[SHA256_SIZE], pieces[SHA256_SIZE];
	char data[300];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	for (size_t len = 0; len < sizeof(data); len++) {
		for (size_t step = 1; step < 130; step += 3) {
			struct sha256 h;

			sha256_init(&h);
			for (size_t at = 0; at < len; at += step)
				sha256_add(&h, data + at, at + step < len ? step : len - at);
			sha256_end(&h, pieces);
			sha256(data, len, whole);
			assert_memory_equal(whole, pieces, sizeof(whole));
		}
	}
}

static void the_processors_own_instructions_agree_with_the_portable_code(void **state)
{
	uint32_t native[8], portable[8], x = 1;
	uint8_t block[3 * 64];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		for (int i = 0; i < 8; i++)
			native[i] = portable[i] = x = x * 1664525 + 1013904223;
		if (!sha256_blocks_native(native, block, 3)) {
			print_message("this processor has no such instructions\n");
			return;
		}
		sha256_blocks_portable(portable, block, 3);
		assert_memory_equal(native, portable, sizeof(native));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_standard_come_out),
		cmocka_unit_test(a_million_letters_come_out),
		cmocka_unit_test(pieces_of_any_size_are_the_whole),
		cmocka_unit_test(the_processors_own_instructions_agree_with_the_portable_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
