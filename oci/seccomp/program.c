/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/program.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "seccomp/store.h"

#define FILE_MAGIC   "strakeBP"
#define FILE_VERSION 1

struct program_header { /* of a file; numbers as the machine has them: it never leaves it */
	char magic[8];
	uint32_t version;
	uint32_t flags;
	uint32_t has_notify;
	uint32_t n;
	uint8_t words[SHA256_SIZE];
	uint8_t digest[SHA256_SIZE]; /* of what stands above, and of the instructions */
};

void seccomp_program_init(struct seccomp_program *p)
{
	*p = (struct seccomp_program){ 0 };
}

void seccomp_program_done(struct seccomp_program *p)
{
	free(p->insns);
	seccomp_program_init(p);
}

static void program_digest(const struct program_header *h, const struct sock_filter *insns,
			   uint8_t ret[SHA256_SIZE])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, h, offsetof(struct program_header, digest));
	sha256_add(&s, insns, h->n * sizeof(*insns));
	sha256_end(&s, ret);
}

int seccomp_program_save(const struct seccomp_program *p, int dirfd, const char *name,
			 struct error *e)
{
	struct program_header h = {
		.magic = FILE_MAGIC,
		.version = FILE_VERSION,
		.flags = p->flags,
		.has_notify = p->has_notify,
		.n = (uint32_t)p->n,
	};
	size_t size = p->n * sizeof(*p->insns);
	autofree char *data = malloc(sizeof(h) + size);

	if (!data)
		return error_set(e, ENOMEM, "write %s", name);
	memcpy(h.words, p->words, sizeof(h.words));
	program_digest(&h, p->insns, h.digest);
	memcpy(data, &h, sizeof(h));
	if (size)
		memcpy(data + sizeof(h), p->insns, size);
	return file_replace(dirfd, name, data, sizeof(h) + size, 0600, e);
}

static int program_damaged(const char *name, const char *how, struct error *e)
{
	return error_say(e, EBADMSG, "%s is no filter that was stored here: %s", name, how);
}

int seccomp_program_read(int dirfd, const char *name, struct seccomp_program *ret,
			 struct error *e)
{
	autofree struct sock_filter *insns = NULL;
	uint8_t digest[SHA256_SIZE];
	struct program_header h;
	autoclose int fd = -1;
	struct stat st;
	size_t size;

	fd = seccomp_store_open(dirfd, name, &st, e);
	if (fd < 0)
		return fd;
	if (pread(fd, &h, sizeof(h), 0) != sizeof(h))
		return program_damaged(name, "too short", e);
	if (memcmp(h.magic, FILE_MAGIC, sizeof(h.magic)) || h.version != FILE_VERSION)
		return program_damaged(name, "another format", e);
	size = h.n * sizeof(*insns);
	if (h.n > SECCOMP_PROGRAM_MAX || st.st_size != (off_t)(sizeof(h) + size))
		return program_damaged(name, "its length", e);

	insns = malloc(size + 1);
	if (!insns)
		return error_set(e, ENOMEM, "read %s", name);
	if (pread(fd, insns, size, sizeof(h)) != (ssize_t)size)
		return program_damaged(name, "too short", e);
	program_digest(&h, insns, digest);
	if (memcmp(digest, h.digest, sizeof(digest)))
		return program_damaged(name, "its digest", e);

	*ret = (struct seccomp_program){
		.insns = h.n ? take_ptr(&insns) : NULL,
		.n = h.n,
		.flags = h.flags,
		.has_notify = h.has_notify,
	};
	memcpy(ret->words, h.words, sizeof(ret->words));
	return 0;
}

struct program_room {
	struct seccomp_program
		program; /* its instructions are those below, at one place in both */
	struct sock_filter insns[SECCOMP_PROGRAM_MAX];
};

struct seccomp_program *seccomp_program_map(void)
{
	struct program_room *room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return room == MAP_FAILED ? NULL : &room->program;
}

void seccomp_program_publish(struct seccomp_program *shared, const struct seccomp_program *p)
{
	struct program_room *room = (struct program_room *)shared;

	if (p->n)
		memcpy(room->insns, p->insns, p->n * sizeof(*p->insns));
	room->program = *p;
	room->program.insns = p->n ? room->insns : NULL;
}

void seccomp_program_unmap(struct seccomp_program *shared)
{
	if (shared)
		munmap(shared, sizeof(struct program_room));
}
