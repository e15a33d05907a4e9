/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/stamp.h"
#include "base/str.h"
#include "policy/policy.h"
#include "run/denial.h"
#include "run/guard.h"
#include "run/record.h"
#include "seccomp/abi.h"
#include "seccomp/denied.h"
#include "seccomp/program.h"
#include "seccomp/rules.h"

#define KINDS_MAX  1024 /* calls that are counted apart; the rest is counted as one */
#define LINE_BYTES 4096 /* what poll(2) promises that a pipe has room for */
#define END_MS     5000
#define COUNT_MS   1000
#define TOKEN_NS   (UINT64_C(1000000000) / REPORTER_RATE)

/* Calls of one kind that had no line of their own yet. */
struct kind {
	struct seccomp_denied last;
	uint64_t n;
};

struct watch {
	const struct reporter_options *opt;
	struct denial denial;
	int listener_fd;
	int out_fd;
	int out_error; /* why nothing can be written, or 0 */
	bool json;
	uint64_t now; /* ns, when poll(2) last came back: one look at the clock for each call */
	uint64_t tokens;
	uint64_t refilled; /* ns */
	uint64_t counted;  /* ns: when the counts were last told */
	uint64_t owed;     /* calls that are counted and not told */
	size_t n_kinds;
	struct kind kinds[KINDS_MAX];
	struct record record;
};

/* --- a line ------------------------------------------------------------------------------------------ */

static const struct policy_rule *watch_rule(const struct watch *w,
					    const struct seccomp_denied *d)
{
	struct seccomp_data data = { .nr = (int)d->nr, .arch = d->arch };

	memcpy(data.args, d->args, sizeof(data.args));
	return denial_find(&w->denial, &data);
}

/* It may have ended since; then it has no name any more. */
static void watch_comm(pid_t pid, char *dst, size_t size)
{
	char path[32], name[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (pid <= 0 || file_read_line(AT_FDCWD, path, name, sizeof(name)) < 0)
		name[0] = '\0';
	str_show(dst, size, name);
}

static int line_json(const struct watch *w, const struct seccomp_denied *d, uint64_t n,
		     struct buf *line)
{
	const struct policy_rule *rule = watch_rule(w, d);
	enum seccomp_abi abi = record_abi(d->arch, d->nr);
	const char *name = seccomp_syscall_name(abi, d->nr);
	autojson *j = json_writer_new(false);
	char stamp[STAMP_SIZE], comm[64];
	int i, r;

	if (!j)
		return -ENOMEM;
	json_write_object(j);
	json_put_string(j, "time", stamp_now(stamp));
	json_put_string(j, "kind", "seccomp");
	json_put_string(j, "container", w->opt->id);
	json_put_string(j, "name", name);
	json_put_u64(j, "nr", d->nr);
	json_put_string(j, "abi", seccomp_abi_name(abi));
	json_put_string(j, "errno", error_name(d->errnum));
	json_put_string(j, "policy", rule ? rule->policy : NULL);
	json_put_string(j, "rule", rule ? rule->name : NULL);
	json_put_u64(j, "count", n);
	if (n == 1) {
		watch_comm(d->pid, comm, sizeof(comm));
		json_put_i64(j, "pid", d->pid);
		json_put_string(j, "comm", comm);
		json_write_key(j, "args");
		json_write_array(j);
		for (i = 0; i < 6; i++)
			json_write_u64(j, d->args[i]);
		json_write_end(j);
	}
	json_write_end(j);
	r = json_writer_end(j, line);
	return r < 0 ? r : buf_addc(line, '\n');
}

static int line_text(const struct watch *w, const struct seccomp_denied *d, uint64_t n,
		     struct buf *line)
{
	const struct policy_rule *rule = watch_rule(w, d);
	enum seccomp_abi abi = record_abi(d->arch, d->nr);
	const char *name = seccomp_syscall_name(abi, d->nr);
	char comm[64], number[16];
	int r;

	snprintf(number, sizeof(number), "call %" PRIu32, d->nr);
	r = buf_addf(line, "strake: container \"%s\": ", w->opt->id);
	if (r == 0 && n == 1) {
		watch_comm(d->pid, comm, sizeof(comm));
		r = buf_addf(line,
			     "%s(%" PRIu64 ", %" PRIu64 ", %" PRIu64 ") of process %d (%s)",
			     name ?: number, d->args[0], d->args[1], d->args[2], (int)d->pid,
			     comm);
	} else if (r == 0) {
		r = buf_addf(line, "%" PRIu64 " more of %s", n, name ?: number);
	}
	if (r == 0 && abi != seccomp_abi_native())
		r = buf_addf(line, ", a call of %s,", seccomp_abi_name(abi));
	if (r == 0)
		r = buf_addf(line, " denied: %s ", error_name(d->errnum));
	if (r == 0)
		r = rule ? buf_addf(line, "(node policy \"%s\", rule \"%s\")\n", rule->policy,
				    rule->name)
			 : buf_adds(line, "(its own seccomp profile)\n");
	return r;
}

/* Who reads us may be slow: then it is counted, and no call waits. */
static int watch_tell(struct watch *w, const struct seccomp_denied *d, uint64_t n)
{
	autobuf line = { .max = LINE_BYTES };
	int r;

	if (fd_wait(w->out_fd, POLLOUT, 0) != 1)
		return -EAGAIN;
	r = w->json ? line_json(w, d, n, &line) : line_text(w, d, n, &line);
	return r < 0 ? r : fd_write_all(w->out_fd, line.data, line.len);
}

/* --- lines and counts ---------------------------------------------------------------------------- */

static void watch_count(struct watch *w, const struct seccomp_denied *d)
{
	struct kind *k;
	size_t i;

	for (i = 0; i < w->n_kinds; i++) {
		const struct seccomp_denied *last = &w->kinds[i].last;

		if (last->nr == d->nr && last->arch == d->arch && last->errnum == d->errnum)
			break;
	}
	if (i == w->n_kinds && i < KINDS_MAX)
		w->n_kinds++;
	k = &w->kinds[i < KINDS_MAX ? i : KINDS_MAX - 1];
	/* One that stays alone is told with its own words. */
	if (k->n++ == 0)
		k->last = *d;
	w->owed++;
}

static bool watch_token(struct watch *w)
{
	uint64_t more = (w->now - w->refilled) / TOKEN_NS;

	w->refilled += more * TOKEN_NS;
	w->tokens = w->tokens + more > REPORTER_BURST ? REPORTER_BURST : w->tokens + more;
	if (w->tokens == 0)
		return false;
	w->tokens--;
	return true;
}

static void watch_tell_counts(struct watch *w)
{
	size_t i;

	w->counted = w->now;
	for (i = 0; i < w->n_kinds; i++) {
		struct kind *k = &w->kinds[i];

		if (k->n && watch_tell(w, &k->last, k->n) == 0) {
			w->owed -= k->n;
			k->n = 0;
		}
	}
}

static int watch_call(struct watch *w)
{
	struct seccomp_denied d;
	int r = seccomp_answer(w->listener_fd, w->opt->plain, &d);

	if (r <= 0)
		return r;
	if (w->opt->record)
		record_add(&w->record, &d);
	else if (!watch_token(w) || watch_tell(w, &d, 1) < 0)
		watch_count(w, &d);
	return 0;
}

/* Until nobody is under the filter any more. */
static int watch_loop(struct watch *w)
{
	struct pollfd p = { .fd = w->listener_fd, .events = POLLIN };
	int r = 0;

	seccomp_watch_begin(w->listener_fd);
	w->tokens = REPORTER_BURST;
	w->refilled = w->counted = proc_now_ns();
	while (r == 0) {
		r = poll(&p, 1, w->owed ? COUNT_MS : -1);
		if (r < 0)
			return errno == EINTR ? 0 : -errno;
		w->now = proc_now_ns();
		if (p.revents & POLLIN)
			r = watch_call(w);
		else if (p.revents)
			return 0;
		else
			r = 0;
		if (w->owed && w->now - w->counted >= COUNT_MS * UINT64_C(1000000))
			watch_tell_counts(w);
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
	const int keep[] = { w->listener_fd, w->out_fd, word_fd };
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
	if (r == 0 && w->owed)
		watch_tell_counts(w);
	if (r == 0 && !w->owed)
		(void)fd_write_all(word_fd, "", 1);
	_exit(r != 0);
}

int reporter_start(struct reporter *ret, const struct reporter_options *opt, int listener_fd,
		   struct error *e)
{
	autofree struct watch *w = calloc(1, sizeof(*w));
	autoclose int out_fd = -1, ours_fd = -1, theirs_fd = -1;
	int pair[2], r;
	pid_t pid;

	if (!w)
		return error_set(e, ENOMEM, "reporter of denied calls");
	*w = (struct watch){ .opt = opt, .listener_fd = listener_fd };
	w->json = !opt->record && !str_eq(opt->where, "-");
	w->out_fd = w->json ? reporter_open(opt->where) : STDERR_FILENO;
	if (w->out_fd < 0)
		return error_set(e, errno, "open %s for denied calls", opt->where);
	if (w->json)
		out_fd = w->out_fd;
	r = denial_init(&w->denial, opt->guard, e);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0) {
		r = error_set(e, errno, "reporter of denied calls");
	} else {
		ours_fd = pair[0];
		theirs_fd = pair[1];
		pid = fork();
		if (pid == 0)
			watch_main(w, theirs_fd);
		ret->pid_fd = pid < 0 ? -1 : proc_open(pid);
		r = ret->pid_fd < 0 ? error_set(e, errno, "start the reporter of denied calls")
				    : 0;
	}
	denial_done(&w->denial);
	if (r == 0)
		ret->word_fd = take_fd(&ours_fd);
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
