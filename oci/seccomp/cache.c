/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/cache.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "seccomp/meaning.h"
#include "seccomp/program.h"
#include "seccomp/prove.h"
#include "seccomp/rules.h"
#include "seccomp/store.h"
#include "seccomp/words.h"
#include "spec/spec.h"

static bool cache_find(int dir_fd, const char *name, const uint8_t words[SHA256_SIZE],
		       struct seccomp_program *ret)
{
	struct error e = ERROR_INIT;
	autoprogram p = { 0 };
	int r;

	r = seccomp_program_read(dir_fd, name, &p, &e);
	if (r < 0) {
		if (r != -ENOENT)
			log_debug("seccomp cache: made again: %s", e.text);
		return false;
	}
	if (memcmp(p.words, words, sizeof(p.words)) != 0 || !p.n)
		return false;
	*ret = p;
	seccomp_program_init(&p);
	return true;
}

static void cache_store(int dir_fd, const char *name, const struct seccomp_program *p)
{
	struct error e = ERROR_INIT;

	if (seccomp_program_save(p, dir_fd, name, &e) < 0)
		log_debug("seccomp cache: %s", e.text);
	seccomp_store_evict(dir_fd);
}

static int program_make(const struct seccomp_rules *rules, struct seccomp_program *ret,
			struct error *e)
{
	struct seccomp_meaning m;
	autoprogram p = { 0 };
	int r;

	r = seccomp_meaning_init(&m, rules, e);
	if (r < 0)
		return r;
	r = seccomp_compile_meaning(&m, &p, e);
	if (r == 0)
		r = seccomp_prove_rules(&p, rules, e);
	seccomp_meaning_done(&m);
	if (r < 0)
		return r;
	*ret = p;
	seccomp_program_init(&p);
	return 0;
}

int seccomp_obtain(int cache_dir_fd, const struct spec_seccomp *spec,
		   struct seccomp_program *ret, struct error *e)
{
	bool cached = seccomp_store_is_ours(cache_dir_fd);
	struct seccomp_target target;
	struct seccomp_rules rules;
	uint8_t words[SHA256_SIZE];
	char name[SHA256_HEX];
	int r;

	if (!spec->present) {
		seccomp_program_init(ret);
		return 0;
	}
	seccomp_target_host(&target, (uint32_t)spec->flags);
	seccomp_words_digest(spec, &target, words);
	sha256_hex(words, name);
	if (cached && cache_find(cache_dir_fd, name, words, ret))
		return 0;

	r = seccomp_rules_init(&rules, spec, &target, e);
	if (r < 0)
		return r;
	r = program_make(&rules, ret, e);
	seccomp_rules_done(&rules);
	if (r < 0)
		return r;
	memcpy(ret->words, words, sizeof(words));
	if (cached)
		cache_store(cache_dir_fd, name, ret);
	return 0;
}
