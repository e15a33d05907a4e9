/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/handoff.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"

enum handoff_state {
	HANDOFF_NONE, /* what a new file is full of */
	HANDOFF_BEGUN,
	HANDOFF_OFFERED,
	HANDOFF_RELEASED,
};

struct seccomp_handoff {
	_Atomic uint32_t state;
	int32_t offer; /* a descriptor of the child, or -errno */
};

/* A pause takes between 3 and 50 ns. */
#define SPINS_MAX UINT64_C(10000000000)

int seccomp_handoff_map(int fd, struct seccomp_handoff **ret)
{
	void *p;

	if (ftruncate(fd, sizeof(**ret)) < 0)
		return -errno;
	p = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

void seccomp_handoff_unmap(struct seccomp_handoff *h)
{
	if (h)
		munmap(h, sizeof(*h));
}

void seccomp_handoff_begin(struct seccomp_handoff *h)
{
	atomic_store(&h->state, HANDOFF_BEGUN);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

void seccomp_handoff_offer(struct seccomp_handoff *h, int r)
{
	h->offer = r;
	atomic_store(&h->state, HANDOFF_OFFERED);
	if (r < 0)
		return;

	for (uint64_t i = 0; i < SPINS_MAX; i++) {
		if (atomic_load_explicit(&h->state, memory_order_acquire) == HANDOFF_RELEASED)
			return;
		cpu_relax();
	}
	__builtin_trap();
}

/* Is this the descriptor that seccomp(2) gave? Whatever else its number stands for stays away. */
static bool is_listener(int fd)
{
	uint64_t id = 0;

	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 && errno == ENOENT;
}

int seccomp_handoff_take(struct seccomp_handoff *h, int pid_fd, int timeout_ms, struct error *e)
{
	uint64_t deadline = proc_now_ms() + (uint64_t)timeout_ms;
	autoclose int fd = -1;
	int r;

	while (atomic_load(&h->state) < HANDOFF_OFFERED) {
		if (proc_wait_exit(pid_fd, 0) == 1)
			return error_say(
				e, ESRCH,
				"the container's process ended before it had a seccomp "
				"listener");
		if (proc_now_ms() > deadline)
			return error_say(e, ETIMEDOUT,
					 "the container's process offered no seccomp listener "
					 "within %d ms",
					 timeout_ms);
		sched_yield();
	}
	if (h->offer < 0)
		return error_set(e, -h->offer, "linux.seccomp: load the filter");

	fd = pidfd_getfd(pid_fd, h->offer, 0);
	if (fd < 0)
		return error_set(e, errno, "take the seccomp listener");
	if (!is_listener(fd))
		return error_say(e, EPROTO,
				 "what the container's process offered is no seccomp "
				 "listener");
	r = fd_set_nonblock(fd, true);
	if (r < 0)
		return error_set(e, -r, "seccomp listener");
	return take_fd(&fd);
}

void seccomp_handoff_release(struct seccomp_handoff *h)
{
	atomic_store(&h->state, HANDOFF_RELEASED);
}
