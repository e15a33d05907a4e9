/* SPDX-License-Identifier: Apache-2.0 */
#include "run/seal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/prctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/data.h"
#include "base/error.h"
#include "base/mem.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SEAL_BY_WORDS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEAL_BY_WORDS
#endif
#endif

#define SEAL_SELF  "/proc/self/exe"
#define SEAL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* --- our image ---------------------------------------------------------------------------------- */

struct seal_image {
	uintptr_t base;
	const ElfW(Phdr) * headers;
	size_t n;
};

/* The first object is the executable itself. */
static int seal_find_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct seal_image *image = arg;

	(void)size;
	*image = (struct seal_image){ info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum };
	return 1;
}

static uintptr_t seal_page_down(uintptr_t at)
{
	return at & ~((uintptr_t)getpagesize() - 1);
}

static uintptr_t seal_page_up(uintptr_t at)
{
	return seal_page_down(at + (uintptr_t)getpagesize() - 1);
}

static uintptr_t seal_start(const struct seal_image *image, const ElfW(Phdr) * ph)
{
	return seal_page_down(image->base + ph->p_vaddr);
}

/* What of it is mapped from the file; more of it may be memory of no file already. */
static size_t seal_len(const struct seal_image *image, const ElfW(Phdr) * ph)
{
	return seal_page_up(image->base + ph->p_vaddr + ph->p_filesz) - seal_start(image, ph);
}

static bool seal_is_data(const ElfW(Phdr) * ph)
{
	return ph->p_type == PT_LOAD && ph->p_filesz > 0 && (ph->p_flags & PF_W);
}

static int seal_protection(const ElfW(Phdr) * ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

/* The same bytes at the same place: also of the code that runs here. */
static int seal_swap_file(const ElfW(Phdr) * ph, uintptr_t start, size_t len, int fd)
{
	off_t offset = (off_t)seal_page_down(ph->p_offset);
	void *p = mmap((void *)start, len, seal_protection(ph), MAP_PRIVATE | MAP_FIXED, fd,
		       offset);

	return p == MAP_FAILED ? -errno : 0;
}

/* AddressSanitizer's gaps between our variables are copied too, which its memcpy refuses. */
__attribute__((no_sanitize_address)) static void seal_copy(void *to, const void *from,
							   size_t len)
{
#ifdef SEAL_BY_WORDS
	volatile uint64_t *t = to;
	const volatile uint64_t *f = from;
	size_t i;

	for (i = 0; i < len / sizeof(*t); i++)
		t[i] = f[i];
#else
	memcpy(to, from, len);
#endif
}

/* --- the copy ----------------------------------------------------------------------------------- */

/*
 * The file itself, seen through a read-only mount that is nowhere: once seal_done() has dissolved it, no
 * call can make a writable mount of it again, whatever the capabilities ("check_mnt" in the kernel's
 * fs/namespace.c). Fails where we may not mount, or where we were started from a mount of another
 * namespace.
 */
static bool seal_open_mount(struct seal *s)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};
	char path[64];

	s->mount_fd = open_tree(AT_FDCWD, SEAL_SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (s->mount_fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->mount_fd);
	if (mount_setattr(s->mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd >= 0)
		return true;
	seal_done(s);
	return false;
}

static int seal_open_memfd(struct seal *s)
{
	autoclose int self_fd = open(SEAL_SELF, O_RDONLY | O_CLOEXEC), fd = -1;
	struct stat st;
	off_t done = 0;

	if (self_fd < 0 || fstat(self_fd, &st) < 0)
		return -errno;
	fd = memfd_create("strake", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("strake", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	while (done < st.st_size) {
		ssize_t n = sendfile(fd, self_fd, &done, (size_t)(st.st_size - done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
	}
	if (fcntl(fd, F_ADD_SEALS, SEAL_SEALS) < 0)
		return -errno;
	s->fd = take_fd(&fd);
	return 0;
}

/* Linkers make one writable segment. */
static const ElfW(Phdr) * seal_find_data(const struct seal_image *image)
{
	const ElfW(Phdr) * ph;

	for (ph = image->headers; ph < image->headers + image->n; ph++)
		if (seal_is_data(ph))
			return ph;
	return NULL;
}

static int seal_keep_data(struct seal *s)
{
	struct seal_image image = { 0 };
	const ElfW(Phdr) * ph;
	void *p;

	if (data_apart())
		return 0;
	dl_iterate_phdr(seal_find_image, &image);
	ph = seal_find_data(&image);
	if (!ph)
		return 0;
	p = mmap(NULL, seal_len(&image, ph), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->data = p;
	s->data_len = seal_len(&image, ph);
	seal_copy(p, (void *)seal_start(&image, ph), s->data_len);
	return 0;
}

int seal_open(struct seal *s, struct error *e)
{
	int r = 0;

	*s = SEAL_NONE;
	if (!seal_open_mount(s))
		r = seal_open_memfd(s);
	if (r < 0) {
		error_set(e, -r, "make a sealed copy of the executable");
		error_hint(e, "/proc must be mounted, and memfds executable (sysctl "
			      "vm.memfd_noexec)");
		return r;
	}
	r = seal_keep_data(s);
	if (r == 0)
		return 0;
	seal_done(s);
	return error_set(e, -r, "copy our data");
}

void seal_done(struct seal *s)
{
	mem_closep(&s->fd);
	mem_closep(&s->mount_fd);
	if (s->data)
		munmap(s->data, s->data_len);
	*s = SEAL_NONE;
}

/* --- the child ---------------------------------------------------------------------------------- */

/* Data has changed since it was read from the file: memory of no file takes its place. */
static int seal_swap_data(struct seal *s, uintptr_t start, size_t len)
{
	if (data_apart())
		return 0;
	if (!s->data || len != s->data_len)
		return -ENOTSUP;
	if (mremap(s->data, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, start) == MAP_FAILED)
		return -errno;
	s->data = NULL;
	return 0;
}

static int seal_swap(const struct seal_image *image, struct seal *s)
{
	const ElfW(Phdr) * ph;
	int r = 0;

	for (ph = image->headers; r == 0 && ph < image->headers + image->n; ph++) {
		uintptr_t start = seal_start(image, ph);
		size_t len = seal_len(image, ph);

		if (ph->p_type != PT_LOAD || ph->p_filesz == 0)
			continue;
		r = seal_is_data(ph) ? seal_swap_data(s, start, len)
				     : seal_swap_file(ph, start, len, s->fd);
	}
	for (ph = image->headers; r == 0 && ph < image->headers + image->n; ph++) {
		uintptr_t start = seal_page_down(image->base + ph->p_vaddr);
		uintptr_t end = seal_page_down(image->base + ph->p_vaddr + ph->p_memsz);

		if (ph->p_type == PT_GNU_RELRO && end > start && !data_apart() &&
		    mprotect((void *)start, end - start, PROT_READ) < 0)
			r = -errno;
	}
	return r;
}

/*
 * PR_SET_MM_MAP sets all of these at once, and nothing but the link matters to a process that is about
 * to execute. What ps shows of it is the title.
 */
static int seal_set_exe(int fd)
{
	/* Not const: the kernel shows a command line from anonymous memory only. */
	static char title[] = "strake init";
	uint64_t text = (uint64_t)(uintptr_t)title, brk = (uint64_t)(uintptr_t)sbrk(0);
	struct prctl_mm_map map = {
		.start_code = text,
		.end_code = text + 1,
		.start_data = text,
		.end_data = text + 1,
		.start_brk = brk,
		.brk = brk,
		.start_stack = (uint64_t)(uintptr_t)&map,
		.arg_start = text,
		.arg_end = text + sizeof(title),
		.env_start = text + sizeof(title),
		.env_end = text + sizeof(title),
		.exe_fd = (uint32_t)fd,
	};

	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) == 0)
		return 0;
	/* A kernel without CONFIG_CHECKPOINT_RESTORE: for CAP_SYS_RESOURCE alone. */
	return errno == EINVAL && prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0) == 0 ? 0
										      : -errno;
}

int seal_take_on(struct seal *s, struct error *e)
{
	struct seal_image image = { 0 };
	int r;

	dl_iterate_phdr(seal_find_image, &image);
	r = seal_swap(&image, s);
	if (r == 0)
		r = seal_set_exe(s->fd);
	if (r == 0)
		return 0;
	error_set(e, -r, "take on the sealed copy of the executable");
	if (r == -EPERM || r == -EINVAL)
		error_hint(e, "the kernel must have CONFIG_CHECKPOINT_RESTORE");
	return r;
}
