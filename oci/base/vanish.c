/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vanish.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

static bool vanish_is_gone(const char *path)
{
	return access(path, F_OK) < 0 && errno == ENOENT;
}

static int vanish_left_ms(uint64_t deadline)
{
	uint64_t now = proc_now_ms();

	if (now >= deadline)
		return 0;
	return deadline - now < INT_MAX ? (int)(deadline - now) : INT_MAX;
}

/* --- by dnotify --------------------------------------------------------------------------- */

/* 1: a signal came, 0: none in time, or -errno. */
static int vanish_next_signal(const sigset_t *signals, int timeout_ms)
{
	struct timespec left = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

	if (sigtimedwait(signals, NULL, &left) > 0 || errno == EINTR)
		return 1;
	return errno == EAGAIN ? 0 : -errno;
}

static int vanish_by_signal(const char *path, int parent_fd, const sigset_t *signals,
			    uint64_t deadline)
{
	const struct f_owner_ex self = { .type = F_OWNER_TID, .pid = gettid() };

	if (fcntl(parent_fd, F_SETOWN_EX, &self) < 0 ||
	    fcntl(parent_fd, F_NOTIFY, DN_DELETE | DN_MULTISHOT) < 0)
		return -errno;
	while (!vanish_is_gone(path)) {
		int r = vanish_next_signal(signals, vanish_left_ms(deadline));

		if (r <= 0)
			return r < 0 ? r : vanish_is_gone(path);
	}
	return 1;
}

static int vanish_by_dnotify(const char *path, const char *parent, uint64_t deadline)
{
	autoclose int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sigset_t signals, before;
	int r;

	if (fd < 0)
		return errno == ENOENT ? vanish_is_gone(path) : -errno;
	sigemptyset(&signals);
	sigaddset(&signals, SIGIO);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	r = vanish_by_signal(path, fd, &signals, deadline);
	close(take_fd(&fd));
	/* After the close none comes any more; one that is there would end the program. */
	while (!sigismember(&before, SIGIO) && vanish_next_signal(&signals, 0) == 1)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* --- by inotify --------------------------------------------------------------------------- */

static int vanish_by_inotify(const char *path, const char *parent, uint64_t deadline)
{
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, parent, IN_DELETE | IN_ONLYDIR) < 0 && errno != ENOENT)
		return -errno;
	while (!vanish_is_gone(path)) {
		_Alignas(struct inotify_event) char data[4096];
		int r = fd_wait(fd, POLLIN, vanish_left_ms(deadline));

		if (r <= 0)
			return r < 0 ? r : vanish_is_gone(path);
		while (read(fd, data, sizeof(data)) > 0)
			;
	}
	return 1;
}

int vanish_wait(const char *path, uint64_t deadline)
{
	char parent[PATH_MAX];
	char *slash;
	int r;

	if (vanish_is_gone(path))
		return 1;
	r = str_copy(parent, sizeof(parent), path);
	if (r < 0)
		return r;
	slash = strrchr(parent, '/');
	if (!slash)
		return -EINVAL;
	/* The directory says nothing of its own end, but the one above does. */
	slash[slash == parent] = '\0';
	r = vanish_by_dnotify(path, parent, deadline);
	return r == -EINVAL ? vanish_by_inotify(path, parent, deadline) : r;
}
