/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "seccomp/meaning.h"
#include "seccomp/program.h"
#include "seccomp/prove.h"
#include "seccomp/rules.h"
#include "seccomp/words.h"
#include "spec/spec.h"

/* --- a bounded folder -------------------------------------------------------------------------- */

struct entry {
	struct timespec changed;
	char name[NAME_MAX + 1];
};

static int entries_order(const void *px, const void *py)
{
	const struct entry *x = px, *y = py;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Reads what the folder holds: how many, or -errno. */
static ssize_t entries_read(DIR *dir, struct entry *v, size_t max)
{
	struct dirent *d;
	size_t n = 0;

	while (n < max && (d = readdir(dir))) {
		struct stat st;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		/* analyser: what readdir(3) reads has a descriptor */
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		v[n].changed = st.st_mtim;
		strcpy(v[n].name, d->d_name);
		n++;
	}
	return (ssize_t)n;
}

/* Removes the oldest files, and what killed processes left, until there is room again. */
static void cache_evict(int dir_fd)
{
	const size_t max = 4 * SECCOMP_CACHE_MAX;
	autofree struct entry *v = NULL;
	ssize_t n;
	DIR *dir;
	int fd;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	v = calloc(max, sizeof(*v));
	n = v ? entries_read(dir, v, max) : 0;
	closedir(dir);
	if (n <= SECCOMP_CACHE_MAX)
		return;

	qsort(v, (size_t)n, sizeof(*v), entries_order);
	for (ssize_t i = 0; i < n - SECCOMP_CACHE_MAX * 3 / 4; i++)
		unlinkat(dir_fd, v[i].name, 0);
}

/* Nobody else may write there: what is found is loaded without another proof. */
static bool cache_is_ours(int dir_fd)
{
	struct stat st;

	return dir_fd >= 0 && fstat(dir_fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 022);
}

/* --- obtain ------------------------------------------------------------------------------------ */

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
	cache_evict(dir_fd);
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
	bool cached = cache_is_ours(cache_dir_fd);
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
