/* SPDX-License-Identifier: Apache-2.0 */

/* Asking systemd for a unit, which a peer plays. What a real one makes of a container is in tests/vm/systemd.bats. */
#include "cgroup/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/limits.h"
#include "cgroup/manager.h"
#include "peer.h"
#include "spec/spec.h"

#define SHORT_MS 300

/* --- one start ---------------------------------------------------------------------------- */

struct attempt {
	struct arena arena;
	struct limits_plan plan;
	struct manager_request rq;
	struct unit *unit;
	struct error error;
	int state_fd;
	pid_t first; /* 0: an anchor */
	char state_dir[32];
};

static void attempt_new(struct attempt *a)
{
	struct spec_resources r = {
		.memory_limit = { true, 1 << 20 },
		.pids_limit = { true, 100 },
		.cpu_idle = { true, 1 },
		.cpu_cpus = (char *)"0-1",
	};

	*a = (struct attempt){ .state_dir = "/tmp/strake-unit.XXXXXX" };
	arena_init(&a->arena, 1u << 20);
	assert_int_equal(limits_plan(&a->arena, &r, &a->plan, NULL), 0);
	assert_non_null(mkdtemp(a->state_dir));
	a->state_fd = open(a->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a->rq = (struct manager_request){ .kind = MANAGER_SYSTEMD,
					  .id = "c1",
					  .plan = &a->plan,
					  .state_fd = a->state_fd,
					  .cancel_fd = -1 };
}

static int attempt_begin(struct attempt *a)
{
	unit_free(a->unit);
	a->unit = NULL;
	a->error = ERROR_INIT;
	peer->asked = 0;
	if (unit_new(&a->rq, &a->unit, &a->error) < 0)
		fail_msg("%s", a->error.text);
	a->unit->options.address = peer->address;
	a->unit->state_fd = a->state_fd;
	if (unit_begin(a->unit, &a->rq, &a->error) < 0)
		return -1;
	return unit_ask_start(a->unit, a->first, &a->error);
}

static int attempt_start(struct attempt *a)
{
	struct cgroup cg = CGROUP_NONE;
	int r = attempt_begin(a);

	return r < 0 ? r : unit_ready(a->unit, &a->plan, SHORT_MS, &cg, &a->error);
}

/* The peer moves no process, which is found out when the unit is started, and not before. */
static void attempt_must_start(struct attempt *a)
{
	assert_true(attempt_start(a) < 0);
	if (!a->unit->ours || !strstr(a->error.text, "cgroup"))
		fail_msg("%s", a->error.text);
	assert_string_equal(a->unit->job, "/org/freedesktop/systemd1/job/77");
}

static void attempt_done(struct attempt *a)
{
	char path[64];

	unit_free(a->unit);
	snprintf(path, sizeof(path), "%s/" UNIT_UNKNOWN_FILE, a->state_dir);
	unlink(path);
	rmdir(a->state_dir);
	close(a->state_fd);
	arena_done(&a->arena);
	peer_end();
}

static void assert_says(const struct attempt *a, const char *words)
{
	if (!strstr(a->error.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, a->error.text);
}

/* --- the tests ---------------------------------------------------------------------------- */

static void test_start(void **state)
{
	static const char *const wanted[] = {
		"Slice",     "Delegate",    "PIDs",     "CollectMode", "DefaultDependencies",
		"MemoryMax", "AllowedCPUs", "TasksMax", "CPUWeight"
	};
	struct attempt a;
	size_t i;

	(void)state;
	PEER({ ANSWER_DONE });
	attempt_new(&a);
	attempt_must_start(&a);
	assert_int_equal(peer->asked, 1);
	assert_int_equal(peer->watches, 1);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!peer_was_asked_for(wanted[i]))
			fail_msg("%s is not set:%s", wanted[i], peer->properties);
	attempt_done(&a);
}

static void test_first(void **state)
{
	struct attempt a;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	PEER({ ANSWER_DONE });
	attempt_new(&a);
	a.first = pid;
	attempt_must_start(&a);
	assert_int_equal(peer->first, pid);
	assert_int_equal(a.unit->anchor.pid, 0);
	/* It is the caller's, who may need it still. */
	unit_free(a.unit);
	a.unit = NULL;
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);

	a.first = 0;
	attempt_must_start(&a);
	assert_int_equal(peer->first, a.unit->anchor.pid);
	attempt_done(&a);
}

static void test_old(void **state)
{
	struct attempt a;
	char text[128];

	(void)state;
	PEER({ ANSWER_LACKS, .text = "AllowedCPUs" }, { ANSWER_LACKS, .text = "CollectMode" },
	     { ANSWER_DONE });
	attempt_new(&a);
	attempt_must_start(&a);
	assert_int_equal(peer->asked, 3);
	assert_false(peer_was_asked_for("AllowedCPUs"));
	assert_false(peer_was_asked_for("CollectMode"));
	assert_true(peer_was_asked_for("MemoryMax"));
	assert_int_equal(file_read_line(a.state_fd, UNIT_UNKNOWN_FILE, text, sizeof(text)), 0);
	assert_string_equal(text, "AllowedCPUs\nCollectMode");

	/* The next one knows. */
	attempt_must_start(&a);
	assert_int_equal(peer->asked, 1);
	assert_false(peer_was_asked_for("AllowedCPUs"));
	attempt_done(&a);
}

static void test_before_idle(void **state)
{
	struct attempt a;
	char text[128];

	(void)state;
	PEER({ ANSWER_ERROR, INVALID_ARGS, "CPUWeight= value is out of range" },
	     { ANSWER_DONE });
	attempt_new(&a);
	attempt_must_start(&a);
	assert_false(peer_was_asked_for("CPUWeight"));
	/* Other weights it does know. */
	assert_int_equal(file_read_line(a.state_fd, UNIT_UNKNOWN_FILE, text, sizeof(text)),
			 -ENOENT);
	attempt_done(&a);
}

static void test_cannot_do_without(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_ERROR, READ_ONLY, "Cannot set property Delegate, or unknown property." });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -EIO);
	assert_says(&a, "Delegate");
	assert_says(&a, UNIT_NAME);
	assert_int_equal(peer->asked, 1);
	assert_false(a.unit->ours);
	attempt_done(&a);
}

/* Complaints about what we never asked for, without an end. */
static void test_mad(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_ERROR, READ_ONLY, "Cannot set property Nonsense, or unknown property." });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -EIO);
	assert_int_equal(peer->asked, 1);
	/* Part of a name is not the name. */
	peer->moves[0].text = "Cannot set property MemoryMaxScale, or unknown property.";
	assert_int_equal(attempt_start(&a), -EIO);
	assert_int_equal(peer->asked, 1);
	peer->moves[0].text = "no \x1b[31mletters";
	assert_int_equal(attempt_start(&a), -EIO);
	assert_null(strchr(a.error.text, '\x1b'));
	attempt_done(&a);
}

static void test_leftover(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_ERROR, EXISTS, "Unit " UNIT_NAME " already exists." }, { ANSWER_DONE });
	attempt_new(&a);
	attempt_must_start(&a);
	assert_int_equal(peer->resets, 1);
	assert_int_equal(peer->asked, 2);
	attempt_done(&a);
}

static void test_taken(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_ERROR, EXISTS, "Unit " UNIT_NAME " already exists." });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -EEXIST);
	assert_int_equal(peer->resets, 1);
	assert_int_equal(peer->asked, 2);
	assert_says(&a, UNIT_NAME);
	assert_non_null(strstr(a.error.hint, "belongs to another container"));
	/* And so it is not ours to remove. */
	assert_false(a.unit->ours);
	assert_int_equal(unit_remove(a.unit, SHORT_MS, &a.error), 0);
	attempt_done(&a);
}

static void test_job_failed(void **state)
{
	static const char *const results[] = { "failed", "canceled", "timeout", "dependency",
					       "skipped" };
	struct attempt a;
	size_t i;

	(void)state;
	PEER({ ANSWER_RESULT, .text = "failed" });
	attempt_new(&a);
	for (i = 0; i < ARRAY_SIZE(results); i++) {
		peer->moves[0].text = results[i];
		assert_int_equal(attempt_start(&a), -EIO);
		assert_says(&a, results[i]);
		assert_says(&a, "/org/freedesktop/systemd1/job/77");
		assert_says(&a, UNIT_NAME);
		assert_says(&a, peer->address);
	}
	attempt_done(&a);
}

static void test_others(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_OTHERS });
	attempt_new(&a);
	attempt_must_start(&a);
	attempt_done(&a);
}

static void test_silent(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_NOTHING });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -ETIMEDOUT);
	assert_says(&a, "has not answered StartTransientUnit");
	assert_says(&a, UNIT_NAME);
	assert_says(&a, peer->address);
	assert_false(a.unit->ours);
	attempt_done(&a);
}

static void test_job_without_end(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_JOB });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -ETIMEDOUT);
	assert_says(&a, "has not told the end of job /org/freedesktop/systemd1/job/77");
	assert_says(&a, UNIT_NAME);
	assert_true(a.unit->ours);
	attempt_done(&a);
}

static void test_hangup(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_HANGUP });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -ECONNRESET);
	assert_says(&a, "closed the connection");
	assert_says(&a, UNIT_NAME);
	attempt_done(&a);
}

static void test_rejected(void **state)
{
	struct attempt a;

	(void)state;
	PEER({ ANSWER_REJECTED });
	attempt_new(&a);
	assert_int_equal(attempt_start(&a), -EACCES);
	assert_says(&a, "does not let us in");
	attempt_done(&a);
}

static void test_deaf(void **state)
{
	struct bus_options opt = { .cancel_fd = -1 };
	struct error e = ERROR_INIT;
	struct bus *bus = NULL;
	uint32_t serial;

	(void)state;
	PEER({ ANSWER_DEAF });
	opt.address = peer->address;
	assert_int_equal(bus_open(&opt, &bus, &e), 0);
	assert_int_equal(bus_call(bus, "Reload", NULL, 0, &serial, &e), 0);
	assert_int_equal(bus_flush(bus, proc_now_ms() + SHORT_MS, &e), -ETIMEDOUT);
	assert_non_null(strstr(e.text, peer->address));
	bus_close(bus);
	peer_end();
}

static void test_absent(void **state)
{
	struct bus_options opt = { .address = "unix:path=/tmp/strake-nobody", .cancel_fd = -1 };
	struct error e = ERROR_INIT;
	struct bus *bus = NULL;

	(void)state;
	assert_int_equal(bus_open(&opt, &bus, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/tmp/strake-nobody"));
	opt.address = "unixexec:path=/bin/true";
	assert_int_equal(bus_open(&opt, &bus, &e), -EINVAL);
	opt.address = "tcp:host=localhost,port=1";
	assert_int_equal(bus_open(&opt, &bus, &e), -EINVAL);
	opt.address = "nonsense";
	assert_int_equal(bus_open(&opt, &bus, &e), -EINVAL);
	assert_null(bus);
}

static void test_canceled(void **state)
{
	struct attempt a;
	uint64_t one = 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	PEER({ ANSWER_NOTHING });
	attempt_new(&a);
	a.rq.cancel_fd = fd;
	assert_int_equal(attempt_begin(&a), 0);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(unit_ready(a.unit, &a.plan, 30000, NULL, &a.error), -ECANCELED);
	assert_says(&a, "canceled");
	close(fd);
	attempt_done(&a);
}

static struct unit *found(void)
{
	struct property p = { .name = "MemoryMax", .type = PROPERTY_NUMBER, .number = 5 };
	struct error e = ERROR_INIT;
	struct unit *u = NULL;

	if (unit_find("/system.slice/" UNIT_NAME "/container", false, &u, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(u->name.name, UNIT_NAME);
	assert_string_equal(u->path, "/system.slice/" UNIT_NAME);
	u->options.address = peer->address;
	assert_int_equal(properties_set(&u->properties, &p, &e), 0);
	p.name = "MemoryZSwapMax";
	assert_int_equal(properties_set(&u->properties, &p, &e), 0);
	return u;
}

static void test_update(void **state)
{
	struct error e = ERROR_INIT;
	struct unit *u;

	(void)state;
	PEER({ ANSWER_LACKS, .text = "MemoryZSwapMax" }, { ANSWER_DONE });
	u = found();
	assert_int_equal(unit_limit(u, NULL, &e), 0);
	assert_int_equal(peer->asked, 2);
	assert_true(peer_was_asked_for("MemoryMax"));
	assert_false(peer_was_asked_for("MemoryZSwapMax"));
	unit_free(u);
	peer_end();
}

static void test_update_refused(void **state)
{
	struct error e = ERROR_INIT;
	struct unit *u;

	(void)state;
	PEER({ ANSWER_ERROR, "org.freedesktop.systemd1.NoSuchUnit", "Unit not loaded." });
	u = found();
	assert_int_equal(unit_limit(u, NULL, &e), -ENOENT);
	assert_non_null(strstr(e.text, "has its new limits, but its unit not"));
	assert_non_null(strstr(e.text, "Unit not loaded."));
	assert_non_null(strstr(e.hint, "repeat the update"));
	unit_free(u);
	peer_end();
}

/* Neither the signal mask, nor a child, nor a descriptor of the caller's is left changed. */
static int count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_nothing_left(void **state)
{
	struct sigaction pipe_before, pipe_after;
	sigset_t before, after;
	struct attempt a;
	int fds;

	(void)state;
	PEER({ ANSWER_DONE });
	attempt_new(&a);
	sigprocmask(SIG_SETMASK, NULL, &before);
	sigaction(SIGPIPE, NULL, &pipe_before);
	fds = count_fds();
	attempt_must_start(&a);
	assert_true(a.unit->anchor.pid > 0);
	assert_int_equal(kill(a.unit->anchor.pid, 0), 0);
	unit_free(a.unit);
	a.unit = NULL;
	assert_int_equal(count_fds(), fds);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	sigaction(SIGPIPE, NULL, &pipe_after);
	assert_ptr_equal(pipe_before.sa_handler, pipe_after.sa_handler);
	/* The peer is the only child. */
	kill(peer->pid, SIGKILL);
	assert_int_equal(waitpid(-1, NULL, 0), peer->pid);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	attempt_done(&a);
}

static void anchor_in_child(int fd)
{
	struct anchor a = ANCHOR_NONE;

	if (anchor_start(&a, NULL) < 0 || write(fd, &a.pid, sizeof(a.pid)) < 0)
		_exit(1);
	pause();
	_exit(0);
}

static void test_anchor(void **state)
{
	pid_t pid, anchor = 0;
	int fd, pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (pid == 0)
		anchor_in_child(pair[1]);
	assert_int_equal(read(pair[0], &anchor, sizeof(anchor)), sizeof(anchor));
	fd = proc_open(anchor);
	assert_true(fd >= 0);
	assert_int_equal(proc_wait_exit(fd, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(proc_wait_exit(fd, 5000), 1);
	waitpid(pid, NULL, 0);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest list[] = {
		{ "all properties go with the start", test_start, NULL, NULL, NULL },
		{ "it begins with the process that is given, or else with an anchor",
		  test_first, NULL, NULL, NULL },
		{ "what an older systemd lacks is left out, and remembered", test_old, NULL,
		  NULL, NULL },
		{ "a systemd from before idle weights", test_before_idle, NULL, NULL, NULL },
		{ "without delegation there is no unit", test_cannot_do_without, NULL, NULL,
		  NULL },
		{ "complaints about other things end the start", test_mad, NULL, NULL, NULL },
		{ "a leftover unit is reset once", test_leftover, NULL, NULL, NULL },
		{ "a unit that is taken is not ours", test_taken, NULL, NULL, NULL },
		{ "a job that fails is named", test_job_failed, NULL, NULL, NULL },
		{ "jobs of others are theirs", test_others, NULL, NULL, NULL },
		{ "silence has an end", test_silent, NULL, NULL, NULL },
		{ "a job without an end is named", test_job_without_end, NULL, NULL, NULL },
		{ "a bus that goes away is told of", test_hangup, NULL, NULL, NULL },
		{ "a bus that does not know us is told of", test_rejected, NULL, NULL, NULL },
		{ "a bus that does not even greet is not waited for", test_deaf, NULL, NULL,
		  NULL },
		{ "a bus that is not there, or is a program, is refused", test_absent, NULL,
		  NULL, NULL },
		{ "the wait can be canceled", test_canceled, NULL, NULL, NULL },
		{ "an update does without what is not known", test_update, NULL, NULL, NULL },
		{ "an update that systemd refuses says what holds", test_update_refused, NULL,
		  NULL, NULL },
		{ "nothing of the caller's is changed", test_nothing_left, NULL, NULL, NULL },
		{ "the anchor ends with who made it", test_anchor, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("cgroup/unit", list, NULL, NULL);
}
