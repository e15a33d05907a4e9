/* SPDX-License-Identifier: Apache-2.0 */
#include "run/seal_overlay.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/*
 * No C library here, not even memcpy: relocations are not done, there is no thread pointer, and the
 * Makefile keeps the compiler from inserting calls.
 */
static inline long seal_syscall(long n, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
#else
	(void)n, (void)a, (void)b, (void)c, (void)d, (void)e;
	return -38; /* ENOSYS: oci_seal() takes the other way */
#endif
}

#define SEAL_SELF "/proc/self/exe"
#define SEAL_TAIL ":/sys" /* a single lower layer is refused; names of the first one win */

#define SEAL_FSCONFIG_SET_STRING 1
#define SEAL_FSCONFIG_CREATE     6

struct seal_path {
	char dir[PATH_MAX + sizeof(SEAL_TAIL)];
	const char *name;
};

/*
 * "/usr/bin/strake" -> "/usr/bin:/sys" and "strake". False where a character means something in the
 * option, or where the file has no name any more.
 */
static bool seal_split(struct seal_path *p)
{
	long n = seal_syscall(SYS_readlinkat, AT_FDCWD, (long)SEAL_SELF, (long)p->dir,
			      PATH_MAX - 1, 0);
	long i, slash = 0, k;

	if (n <= 1 || n >= PATH_MAX - 1 || p->dir[0] != '/' || p->dir[n - 1] == ')')
		return false;
	for (i = 0; i < n; i++) {
		if (p->dir[i] == ':' || p->dir[i] == ',' || p->dir[i] == '\\')
			return false;
		if (p->dir[i] == '/')
			slash = i;
	}
	if (slash == 0)
		return false;
	/* The name moves back by the tail's length, from its end on. */
	for (i = n; i > slash; i--)
		p->dir[i + (long)sizeof(SEAL_TAIL) - 1] = i == n ? '\0' : p->dir[i];
	for (k = 0; k < (long)sizeof(SEAL_TAIL); k++)
		p->dir[slash + k] = SEAL_TAIL[k];
	p->name = p->dir + slash + sizeof(SEAL_TAIL);
	return true;
}

static void seal_close(long fd)
{
	if (fd >= 0)
		seal_syscall(SYS_close, fd, 0, 0, 0, 0);
}

static long seal_mount(long fs_fd, const struct seal_path *p)
{
	long r;

	r = seal_syscall(SYS_fsconfig, fs_fd, SEAL_FSCONFIG_SET_STRING, (long)"lowerdir",
			 (long)p->dir, 0);
	if (r >= 0)
		r = seal_syscall(SYS_fsconfig, fs_fd, SEAL_FSCONFIG_CREATE, 0, 0, 0);
	if (r >= 0)
		r = seal_syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC,
				 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0,
				 0);
	return r;
}

int seal_overlay_open(void)
{
	struct seal_path p;
	long fs_fd, mount_fd, fd;

	if (!seal_split(&p))
		return -22; /* EINVAL */
	fs_fd = seal_syscall(SYS_fsopen, (long)"overlay", FSOPEN_CLOEXEC, 0, 0, 0);
	if (fs_fd < 0)
		return (int)fs_fd;
	mount_fd = seal_mount(fs_fd, &p);
	seal_close(fs_fd);
	if (mount_fd < 0)
		return (int)mount_fd;
	fd = seal_syscall(SYS_openat, mount_fd, (long)p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC,
			  0, 0);
	seal_close(mount_fd);
	return (int)fd;
}

/* --- the program's first instructions --------------------------------------------------------- */

static bool seal_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool seal_is_wanted(char **argv)
{
	int i;

	/* Over-eager where "run" is something else's value: then one start is dearer, no more. */
	for (i = 1; argv[0] && argv[i]; i++)
		if (seal_same(argv[i], "run") || seal_same(argv[i], "exec") ||
		    seal_same(argv[i], "create"))
			return true;
	return false;
}

/* On an overlay already, perhaps our own, or in a memfd: oci_seal() looks closer. */
static bool seal_is_done(void)
{
	struct statfs fs;

	if (seal_syscall(SYS_statfs, (long)SEAL_SELF, (long)&fs, 0, 0, 0) < 0)
		return true;
	return fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC;
}

void seal_start_here(long *stack) __attribute__((used));

void seal_start_here(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + stack[0] + 1;
	int fd;

	if (!seal_is_wanted(argv) || seal_is_done())
		return;
	fd = seal_overlay_open();
	if (fd < 0)
		return;
	seal_syscall(SYS_execveat, fd, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH);
	seal_close(fd);
}

/* The kernel's stack and the register it hands to _start pass through untouched. */
#if defined(__x86_64__)
__asm__(".text\n"
	".globl seal_start\n"
	".type seal_start, @function\n"
	"seal_start:\n"
	"	endbr64\n"
	"	mov %rdx, %rbx\n"
	"	mov %rsp, %rdi\n"
	"	call seal_start_here\n"
	"	mov %rbx, %rdx\n"
	"	jmp _start\n"
	".size seal_start, . - seal_start\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl seal_start\n"
	".type seal_start, %function\n"
	"seal_start:\n"
	"	mov x19, x0\n"
	"	mov x0, sp\n"
	"	bl seal_start_here\n"
	"	mov x0, x19\n"
	"	b _start\n"
	".size seal_start, . - seal_start\n");
#endif
