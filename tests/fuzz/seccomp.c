/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: bytes -> a profile -> rules -> program -> proof. Whatever the profile says, a program
 * that the compiler gives out must mean what the rules say. The first byte chooses: '{' a profile in
 * Docker's format, read as a document; anything else a rule set made of the bytes themselves.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/seccomp/profile_bytes.h"
#include "base/buf.h"
#include "base/json.h"
#include "seccomp/profile.h"
#include "spec/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIE_UNLESS(x)            \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

/* What a failure promises: an errno, and a text of one line. */
static void failure_look(int r, const struct error *e)
{
	DIE_UNLESS(r < 0 && e->errnum == -r && e->text[0]);
	for (const char *p = e->text; *p; p++)
		DIE_UNLESS((unsigned char)*p >= 0x20);
}

static void compile_look(const struct spec_seccomp *s, enum seccomp_abi native, bool first_wins)
{
	struct seccomp_target target = p_target(native);
	struct error e = ERROR_INIT;
	autoprogram program = { 0 };
	int r;

	target.first_wins = first_wins;
	r = seccomp_compile(s, &target, &program, &e);
	if (r < 0) {
		DIE_UNLESS(r != -EBADMSG && !program.insns);
		failure_look(r, &e);
		return;
	}
	DIE_UNLESS(program.n <= SECCOMP_PROGRAM_MAX);
	DIE_UNLESS(seccomp_prove(&program, s, &target, &e) == 0);
}

/* What is written for config.json is read again as the same rules. */
static void written_look(struct arena *a, const struct spec_seccomp *s)
{
	struct json_writer *w = json_writer_new(false);
	struct spec_seccomp again;
	struct buf out;

	DIE_UNLESS(w);
	buf_init(&out, 64u << 20);
	seccomp_profile_write(w, s);
	DIE_UNLESS(json_writer_end(w, &out) == 0);
	if (s->present) {
		DIE_UNLESS(spec_parse_seccomp(a, "again", out.data, out.len, &again, NULL) ==
			   0);
		DIE_UNLESS(again.n_rules == s->n_rules);
		DIE_UNLESS(again.default_action == s->default_action);
	}
	buf_done(&out);
	json_writer_free(w);
}

static void document_look(const char *text, size_t size)
{
	struct seccomp_profile_for target = { 0xa80425fb, SECCOMP_ABI_X86_64, 6, 1 };
	struct error e = ERROR_INIT;
	struct spec_seccomp s;
	struct arena a;
	int r;

	arena_init(&a, 64u << 20);
	r = seccomp_profile_resolve(&a, "profile.json", text, size, &target, &s, &e);
	if (r < 0) {
		failure_look(r, &e);
	} else {
		compile_look(&s, target.native, false);
		written_look(&a, &s);
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	enum seccomp_abi native;
	struct p p;

	if (size && *data == '{') {
		document_look((const char *)data, size);
		return 0;
	}
	native = bytes_profile(&p, &b);
	compile_look(&p.spec, native, size % 2);
	p_done(&p);
	return 0;
}
