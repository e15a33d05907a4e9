/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"

struct worker {
	LIST_ENTRY(worker) link;
	struct work work;
	struct loop *loop;
	struct source answer;         /* an eventfd, or none */
	struct worker_result *result; /* shared with the child; NULL: it was taken */
	pid_t pid;                    /* unreaped until it is finished: the number is its own */
};

void workers_init(struct workers *ws, struct loop *l)
{
	ws->loop = l;
	LIST_INIT(&ws->all);
	ws->notices_fd = -1;
}

static void worker_free_result(struct worker *w)
{
	loop_close(w->loop, &w->answer);
	if (w->result)
		munmap(w->result, sizeof(*w->result));
	w->result = NULL;
}

static void worker_free(struct worker *w)
{
	worker_free_result(w);
	free(w);
}

static void worker_answered(struct source *s, uint32_t events)
{
	struct worker *w = loop_owner(s, struct worker, answer);

	(void)events;
	/* Who hears of it finds nothing of it open. */
	loop_close(w->loop, &w->answer);
	w->work.done(w->work.job, w->result);
	worker_free_result(w);
}

/* The end of a process takes as long as half of what it was for. Without a descriptor it is waited for. */
static void worker_await_answer(struct worker *w)
{
	w->answer.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->answer.ready = worker_answered;
	if (w->answer.fd >= 0 && loop_set(w->loop, &w->answer, EPOLLIN) < 0)
		loop_close(w->loop, &w->answer);
}

static void worker_finish(struct worker *w)
{
	struct worker_result *result = w->result;
	int status = 0;

	LIST_REMOVE(w, link);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		result->r = error_say(&result->error, EIO,
				      "%s: the process that was to do it ended with status %d",
				      w->work.what, proc_exit_code(status));
	if (result)
		w->work.done(w->work.job, result);
	worker_free(w);
}

static void worker_main(struct worker *w, int notices_fd, pid_t shim) __attribute__((noreturn));

static void worker_main(struct worker *w, int notices_fd, pid_t shim)
{
	struct worker_result *result = w->result;
	int keep[WORK_FDS + 3] = { log_fd(), notices_fd, w->answer.fd };

	/* Of a shim that was killed, `delete` cleans up: nobody may build on meanwhile. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != shim)
		_exit(1);
	memcpy(keep + 3, w->work.fds, sizeof(w->work.fds));
	(void)fd_close_except(STDERR_FILENO + 1, keep, ARRAY_SIZE(keep));
	result->r = w->work.run(w->work.job, result);
	if (w->answer.fd >= 0)
		(void)eventfd_write(w->answer.fd, 1);
	_exit(0);
}

static int worker_fork(struct worker *w, int notices_fd, struct error *e)
{
	pid_t shim = getpid();

	w->result = mmap(NULL, sizeof(*w->result), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->result == MAP_FAILED) {
		w->result = NULL;
		return error_set(e, errno, "%s: share memory with a child", w->work.what);
	}
	if (!w->work.makes)
		worker_await_answer(w);
	w->pid = fork();
	if (w->pid == 0)
		worker_main(w, notices_fd, shim);
	return w->pid < 0 ? error_set(e, errno, "%s: make a child", w->work.what) : 0;
}

int worker_start(struct workers *ws, const struct work *work, struct error *e)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s", work->what);
	w->work = *work;
	w->loop = ws->loop;
	w->answer = SOURCE_NONE;
	r = worker_fork(w, ws->notices_fd, e);
	if (r < 0) {
		worker_free(w);
		return r;
	}
	LIST_INSERT_HEAD(&ws->all, w, link);
	return 0;
}

bool workers_finish(struct workers *ws, pid_t pid)
{
	struct worker *w;

	LIST_FOREACH (w, &ws->all, link) {
		if (w->pid == pid) {
			worker_finish(w);
			return true;
		}
	}
	return false;
}

static bool worker_has_ended(const struct worker *w)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid;
}

bool workers_finish_ended(struct workers *ws)
{
	struct worker *w;
	bool any = false, again;

	do {
		again = false;
		LIST_FOREACH (w, &ws->all, link) {
			/* analyser: one that was freed has left the list */
			if (worker_has_ended(w)) {
				worker_finish(w);
				any = again = true;
				break;
			}
		}
	} while (again);
	return any;
}
