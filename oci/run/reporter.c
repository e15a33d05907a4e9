/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "run/denial.h"
#include "run/guard.h"
#include "run/outlet.h"
#include "run/record.h"
#include "seccomp/denied.h"
#include "seccomp/program.h"

#define END_MS         5000
#define NOTICES_END_MS 30000 /* while nobody reads them */

enum { LINES, NOTICES, OUTLETS };

struct watch {
	const struct reporter_options *opt;
	struct denial denial;
	int listener_fd;
	uint64_t now; /* ns, when poll(2) last came back */
	struct record record;
	struct outlet outlets[OUTLETS];
};

/* Whoever made the call is told of by name, and may end as soon as it is answered. */
static void watch_name(struct watch *w, struct seccomp_denied *d)
{
	size_t i;

	for (i = 0; !w->opt->record && i < OUTLETS; i++)
		if (outlet_wants_name(&w->outlets[i], d, w->now)) {
			seccomp_denied_name(d);
			return;
		}
}

static int watch_call(struct watch *w)
{
	struct seccomp_denied d;
	size_t i;
	int r = seccomp_hear(w->listener_fd, w->opt->plain, &d);

	if (r <= 0)
		return r;
	watch_name(w, &d);
	r = seccomp_answer(w->listener_fd, &d);
	if (r <= 0)
		return r;
	if (w->opt->record)
		record_add(&w->record, &d);
	for (i = 0; !w->opt->record && i < OUTLETS; i++)
		outlet_tell(&w->outlets[i], &d, w->now);
	return 0;
}

static bool watch_owes(const struct watch *w)
{
	return w->outlets[LINES].owed || w->outlets[NOTICES].owed;
}

/* Until nobody is under the filter any more. */
static int watch_loop(struct watch *w)
{
	struct pollfd p = { .fd = w->listener_fd, .events = POLLIN };
	size_t i;
	int r = 0;

	seccomp_watch_begin(w->listener_fd);
	w->now = proc_now_ns();
	for (i = 0; i < OUTLETS; i++)
		outlet_begin(&w->outlets[i], w->now);
	while (r == 0) {
		r = poll(&p, 1, watch_owes(w) ? OUTLET_COUNT_MS : -1);
		if (r < 0)
			return errno == EINTR ? 0 : -errno;
		w->now = proc_now_ns();
		if (p.revents & POLLIN)
			r = watch_call(w);
		else if (p.revents)
			return 0;
		else
			r = 0;
		for (i = 0; i < OUTLETS; i++)
			outlet_tell_counts(&w->outlets[i], w->now);
	}
	return r;
}

/* --- the process ------------------------------------------------------------------------------------- */

int reporter_open(const char *where)
{
	return open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		    0600);
}

static void watch_main(struct watch *w, int word_fd) __attribute__((noreturn));

static void watch_main(struct watch *w, int word_fd)
{
	const int keep[] = { w->listener_fd, word_fd, w->outlets[LINES].fd,
			     w->outlets[NOTICES].fd };
	sigset_t all;
	int r;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "strake-report");
	(void)setsid();
	(void)!chdir("/"); /* nobody's folder is busy because of us */
	r = fd_close_except(0, keep, ARRAY_SIZE(keep));
	if (r == 0)
		r = watch_loop(w);
	if (r == 0 && w->opt->record)
		r = record_write(&w->record, w->opt->record, NULL);
	if (r == 0)
		outlet_end(&w->outlets[LINES], 0);
	if (r == 0 && !w->outlets[LINES].owed)
		(void)fd_write_all(word_fd, "", 1);
	if (r == 0)
		outlet_end(&w->outlets[NOTICES], NOTICES_END_MS);
	_exit(r != 0);
}

static int watch_open(struct watch *w, struct error *e)
{
	const struct reporter_options *opt = w->opt;
	struct outlet *lines = &w->outlets[LINES], *notices = &w->outlets[NOTICES];
	bool is_text = opt->record || str_eq(opt->where, "-");

	*lines = (struct outlet){ is_text ? OUTLET_TEXT : OUTLET_JSON,
				  .fd = -1,
				  .id = opt->id,
				  .burst = REPORTER_BURST,
				  .rate = REPORTER_RATE,
				  .denial = &w->denial };
	*notices = (struct outlet){ OUTLET_NOTICES,
				    .fd = opt->policy_fd > 0 ? opt->policy_fd : -1,
				    .id = opt->id,
				    .burst = REPORTER_NOTICES_BURST,
				    .rate = REPORTER_NOTICES_RATE,
				    .counts_at_rate = true,
				    .denial = &w->denial };
	if (is_text)
		lines->fd = STDERR_FILENO;
	else if (opt->where)
		lines->fd = reporter_open(opt->where);
	if (opt->where && lines->fd < 0)
		return error_set(e, errno, "open %s for denied calls", opt->where);
	return 0;
}

static int watch_fork(struct watch *w, struct reporter *ret, struct error *e)
{
	autoclose int ours_fd = -1, theirs_fd = -1;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_set(e, errno, "reporter of denied calls");
	ours_fd = pair[0];
	theirs_fd = pair[1];
	pid = fork();
	if (pid == 0)
		watch_main(w, theirs_fd);
	ret->pid_fd = pid < 0 ? -1 : proc_open(pid);
	if (ret->pid_fd < 0)
		return error_set(e, errno, "start the reporter of denied calls");
	ret->word_fd = take_fd(&ours_fd);
	return 0;
}

int reporter_start(struct reporter *ret, const struct reporter_options *opt, int listener_fd,
		   struct error *e)
{
	autofree struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return error_set(e, ENOMEM, "reporter of denied calls");
	w->opt = opt;
	w->listener_fd = listener_fd;
	r = watch_open(w, e);
	if (r == 0)
		r = denial_init(&w->denial, opt->guard, e);
	if (r == 0)
		r = watch_fork(w, ret, e);
	denial_done(&w->denial);
	if (w->outlets[LINES].form == OUTLET_JSON)
		mem_closep(&w->outlets[LINES].fd);
	return r;
}

int reporter_end(struct reporter *r, struct error *e)
{
	int ret = 0, status;
	char word;

	if (r->pid_fd < 0)
		return 0;
	if (proc_wait_exit(r->pid_fd, END_MS) != 1)
		ret = error_say(e, ETIMEDOUT,
				"processes are left under the container's filter: the reporter "
				"of denied calls goes on");
	else if (read(r->word_fd, &word, 1) != 1)
		ret = error_say(e, EPIPE,
				"the reporter of denied calls was lost before the container "
				"ended: not all of them are told");
	if (ret != -ETIMEDOUT)
		(void)proc_reap(r->pid_fd, &status);
	reporter_done(r);
	return ret;
}

void reporter_done(struct reporter *r)
{
	mem_closep(&r->pid_fd);
	mem_closep(&r->word_fd);
	*r = REPORTER_NONE;
}
