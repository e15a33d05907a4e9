/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/known.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "seccomp/packed.h"
#include "seccomp/store.h"
#include "spec/spec.h"

#define FILE_MAGIC "strakeSK"
#define FILE_MAX   (1u << 20)

struct known_header {
	char magic[8];
	uint8_t key[SHA256_SIZE];
	uint8_t digest
		[SHA256_SIZE]; /* of what stands above, and of the packed profile behind */
};

static void add_number(struct sha256 *h, uint64_t v)
{
	sha256_add(h, &v, sizeof(v));
}

bool seccomp_known_key(const struct seccomp_known_text *t, uint8_t ret[SHA256_SIZE])
{
	struct sha256 h;

	if (!t->build_len)
		return false;
	sha256_init(&h);
	sha256_add(&h, FILE_MAGIC, sizeof(FILE_MAGIC));
	add_number(&h, t->build_len);
	sha256_add(&h, t->build, t->build_len);
	add_number(&h, t->kind);
	add_number(&h, t->target.bounding);
	add_number(&h, t->target.native);
	add_number(&h, t->target.kernel_major);
	add_number(&h, t->target.kernel_minor);
	add_number(&h, t->len);
	sha256_add(&h, t->text, t->len);
	sha256_end(&h, ret);
	return true;
}

static void known_digest(const struct known_header *h, const char *packed, size_t len,
			 uint8_t ret[SHA256_SIZE])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, h, offsetof(struct known_header, digest));
	sha256_add(&s, packed, len);
	sha256_end(&s, ret);
}

static int known_read(int dir_fd, const char *name, const uint8_t key[SHA256_SIZE],
		      struct arena *a, struct spec_seccomp *ret, struct error *e)
{
	uint8_t digest[SHA256_SIZE];
	struct known_header h;
	autoclose int fd = -1;
	struct stat st = { 0 };
	char *packed;
	size_t len;
	int r;

	fd = seccomp_store_open(dir_fd, name, &st, e);
	if (fd < 0)
		return fd;
	if (st.st_size < (off_t)sizeof(h) || st.st_size > FILE_MAX)
		return error_say(e, EBADMSG, "%s: its length", name);
	len = (size_t)st.st_size - sizeof(h);
	packed = arena_alloc(a, len + 1);
	if (!packed)
		return error_set(e, ENOMEM, "read %s", name);
	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
	    pread(fd, packed, len, sizeof(h)) != (ssize_t)len)
		return error_say(e, EBADMSG, "%s: too short", name);
	known_digest(&h, packed, len, digest);
	if (memcmp(h.magic, FILE_MAGIC, sizeof(h.magic)) != 0 ||
	    memcmp(h.key, key, sizeof(h.key)) != 0 ||
	    memcmp(h.digest, digest, sizeof(digest)) != 0)
		return error_say(e, EBADMSG, "%s: not what was stored here", name);
	r = seccomp_unpack(a, packed, len, ret);
	return r < 0 ? error_set(e, -r, "read %s", name) : 0;
}

bool seccomp_known_find(int dir_fd, const uint8_t key[SHA256_SIZE], struct arena *a,
			struct spec_seccomp *ret)
{
	struct error e = ERROR_INIT;
	char name[SHA256_HEX];
	int r;

	if (!seccomp_store_is_ours(dir_fd))
		return false;
	r = known_read(dir_fd, sha256_hex(key, name), key, a, ret, &e);
	if (r < 0 && r != -ENOENT)
		log_debug("profile is read again: %s", e.text);
	return r == 0;
}

void seccomp_known_keep(int dir_fd, const uint8_t key[SHA256_SIZE],
			const struct spec_seccomp *s)
{
	struct known_header h = { .magic = FILE_MAGIC };
	autobuf file = { .max = FILE_MAX };
	struct error e = ERROR_INIT;
	char name[SHA256_HEX];

	if (!seccomp_store_is_ours(dir_fd) || buf_add(&file, &h, sizeof(h)) < 0 ||
	    seccomp_pack(s, &file) < 0)
		return;
	memcpy(h.key, key, sizeof(h.key));
	known_digest(&h, file.data + sizeof(h), file.len - sizeof(h), h.digest);
	memcpy(file.data, &h, sizeof(h));
	if (file_replace(dir_fd, sha256_hex(key, name), file.data, file.len, 0600, &e) < 0)
		log_debug("profile is not kept: %s", e.text);
	seccomp_store_evict(dir_fd);
}
