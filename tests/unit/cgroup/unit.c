/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Asking systemd for a unit, against a peer of our own that speaks D-Bus and behaves as a systemd
 * does which is old, busy, stuck, dying, or has another unit of that name. What a real one makes
 * of a container is in tests/vm/systemd.bats.
 */
#include "cgroup/unit.h"

#include <dbus/dbus.h>
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
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
#include "spec/spec.h"

#define UNIT_NAME "strake-c1.scope"
#define SHORT_MS  300

#define READ_ONLY    "org.freedesktop.DBus.Error.PropertyReadOnly"
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"
#define EXISTS       "org.freedesktop.systemd1.UnitExists"

/* --- the peer ----------------------------------------------------------------------------- */

enum answer {
	ANSWER_DONE,     /* a job, and its good end */
	ANSWER_ERROR,    /* `name` and `text` */
	ANSWER_LACKS,    /* complains of `text`, as long as it is asked for it */
	ANSWER_JOB,      /* a job, and not a word of its end */
	ANSWER_RESULT,   /* a job that ends as `text` */
	ANSWER_OTHERS,   /* jobs of other units first */
	ANSWER_NOTHING,  /* reads, and says nothing */
	ANSWER_HANGUP,   /* closes the connection */
	ANSWER_DEAF,     /* takes the connection, and no more */
	ANSWER_REJECTED, /* does not believe who we are */
};

struct move {
	enum answer answer;
	const char *name;
	const char *text;
};

/* What the peer does with each StartTransientUnit or SetUnitProperties; the last move stays. */
#define MOVES_MAX 40

struct peer {
	pid_t pid;
	char path[64];
	char address[80];
	struct move moves[MOVES_MAX];
	size_t n_moves;
	/* What it saw: */
	int asked, resets, watches;
	char properties[2048]; /* " Slice Delegate ..." of the last question */
	pid_t first;           /* its PIDs */
};

static struct peer *peer; /* shared with the process that plays it */

static void peer_write(int fd, DBusMessage *m)
{
	static dbus_uint32_t serial = 100;
	char *data;
	int len;

	dbus_message_set_serial(m, ++serial);
	if (!dbus_message_marshal(m, &data, &len) || write(fd, data, (size_t)len) != len)
		_exit(1);
	dbus_free(data);
	dbus_message_unref(m);
}

static void peer_reply_job(int fd, DBusMessage *call, const char *job)
{
	DBusMessage *m = dbus_message_new_method_return(call);

	dbus_message_append_args(m, DBUS_TYPE_OBJECT_PATH, &job, DBUS_TYPE_INVALID);
	peer_write(fd, m);
}

static void peer_tell_job(int fd, const char *job, const char *unit, const char *result)
{
	DBusMessage *m =
		dbus_message_new_signal("/org/freedesktop/systemd1", BUS_MANAGER, "JobRemoved");
	dbus_uint32_t id = 77;

	dbus_message_append_args(m, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &job,
				 DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &result,
				 DBUS_TYPE_INVALID);
	peer_write(fd, m);
}

static void peer_refuse(int fd, DBusMessage *call, const char *name, const char *text)
{
	peer_write(fd, dbus_message_new_error(call, name, text));
}

static pid_t peer_read_pid(const DBusMessageIter *pair)
{
	DBusMessageIter value = *pair, variant, array;
	dbus_uint32_t pid = 0;

	if (dbus_message_iter_next(&value)) {
		dbus_message_iter_recurse(&value, &variant);
		dbus_message_iter_recurse(&variant, &array);
		dbus_message_iter_get_basic(&array, &pid);
	}
	return (pid_t)pid;
}

static void peer_note_properties(DBusMessage *call)
{
	DBusMessageIter at, list, pair;
	const char *name;

	peer->properties[0] = '\0';
	if (!dbus_message_iter_init(call, &at))
		return;
	while (dbus_message_iter_get_arg_type(&at) != DBUS_TYPE_ARRAY)
		if (!dbus_message_iter_next(&at))
			return;
	dbus_message_iter_recurse(&at, &list);
	for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRUCT;
	     dbus_message_iter_next(&list)) {
		dbus_message_iter_recurse(&list, &pair);
		dbus_message_iter_get_basic(&pair, &name);
		strcat(peer->properties, " ");
		strcat(peer->properties, name);
		if (str_eq(name, "PIDs"))
			peer->first = peer_read_pid(&pair);
	}
	strcat(peer->properties, " ");
}

static bool peer_was_asked_for(const char *name)
{
	char word[64];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(peer->properties, word) != NULL;
}

static void peer_answer(int fd, DBusMessage *call, bool start)
{
	size_t i = (size_t)peer->asked++;
	const struct move *m;
	char text[128];

	peer_note_properties(call);
	m = &peer->moves[i < peer->n_moves ? i : peer->n_moves - 1];
	/* Old ones lack several things: the first that is asked for is complained of. */
	while (m->answer == ANSWER_LACKS && !peer_was_asked_for(m->text))
		m++;
	switch (m->answer) {
	case ANSWER_ERROR:
		peer_refuse(fd, call, m->name, m->text);
		return;
	case ANSWER_LACKS:
		snprintf(text, sizeof(text), "Cannot set property %s, or unknown property.",
			 m->text);
		peer_refuse(fd, call, READ_ONLY, text);
		return;
	case ANSWER_NOTHING:
		return;
	case ANSWER_HANGUP:
		_exit(0);
	default:
		break;
	}
	if (!start) {
		peer_write(fd, dbus_message_new_method_return(call));
		return;
	}
	/* The end of an earlier one of the same name may be told late. */
	if (m->answer == ANSWER_OTHERS)
		peer_tell_job(fd, "/org/freedesktop/systemd1/job/7", UNIT_NAME, "canceled");
	peer_reply_job(fd, call, "/org/freedesktop/systemd1/job/77");
	if (m->answer == ANSWER_OTHERS) {
		peer_tell_job(fd, "/org/freedesktop/systemd1/job/7", UNIT_NAME, "canceled");
		peer_tell_job(fd, "/org/freedesktop/systemd1/job/1", "strake-c2.scope",
			      "failed");
		peer_tell_job(fd, "/org/freedesktop/systemd1/job/2", "x" UNIT_NAME, "done");
	}
	if (m->answer != ANSWER_JOB)
		peer_tell_job(fd, "/org/freedesktop/systemd1/job/77", UNIT_NAME,
			      m->answer == ANSWER_RESULT ? m->text : "done");
}

static void peer_handle(int fd, DBusMessage *call)
{
	const char *method = dbus_message_get_member(call);

	if (str_eq(method, "Hello")) {
		const char *name = ":1.7";
		DBusMessage *m = dbus_message_new_method_return(call);

		dbus_message_append_args(m, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
		peer_write(fd, m);
	} else if (str_eq(method, "AddMatch")) {
		peer->watches++;
	} else if (str_eq(method, "ResetFailedUnit")) {
		peer->resets++;
		if (!dbus_message_get_no_reply(call))
			peer_write(fd, dbus_message_new_method_return(call));
	} else if (str_eq(method, "StartTransientUnit")) {
		peer_answer(fd, call, true);
	} else if (str_eq(method, "SetUnitProperties")) {
		peer_answer(fd, call, false);
	} else {
		peer_refuse(fd, call, DBUS_ERROR_UNKNOWN_METHOD, method);
	}
}

static void peer_read_whole(int fd, char *dst, size_t len)
{
	while (len) {
		ssize_t n = read(fd, dst, len);

		if (n <= 0)
			_exit(0);
		dst += n;
		len -= (size_t)n;
	}
}

static void peer_read_line(int fd, char *dst, size_t size)
{
	size_t len = 0;

	do
		peer_read_whole(fd, dst + len, 1);
	while (dst[len++] != '\n' && len < size - 1);
	dst[len] = '\0';
}

static void peer_say(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0)
		_exit(1);
}

static void peer_authenticate(int fd)
{
	char line[256];

	for (;;) {
		peer_read_line(fd, line, sizeof(line));
		if (str_starts(line, "BEGIN"))
			return;
		if (str_starts(line, "NEGOTIATE_UNIX_FD"))
			peer_say(fd, "AGREE_UNIX_FD\r\n");
		else if (peer->moves[0].answer == ANSWER_REJECTED)
			peer_say(fd, "REJECTED EXTERNAL\r\n");
		else
			peer_say(fd, "OK 0123456789abcdef0123456789abcdef\r\n");
	}
}

static void peer_serve(int fd)
{
	static char data[65536];

	peer_authenticate(fd);
	for (;;) {
		DBusMessage *m;
		int len;

		peer_read_whole(fd, data, 16);
		len = dbus_message_demarshal_bytes_needed(data, 16);
		if (len < 16 || len > (int)sizeof(data))
			_exit(1);
		peer_read_whole(fd, data + 16, (size_t)len - 16);
		m = dbus_message_demarshal(data, len, NULL);
		if (!m)
			_exit(1);
		peer_handle(fd, m);
		dbus_message_unref(m);
	}
}

static void peer_play(int listen_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);

		if (peer->moves[0].answer == ANSWER_DEAF)
			pause();
		if (fork() == 0)
			peer_serve(fd);
		close(fd);
	}
}

static void peer_begin(const struct move *moves, size_t n)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	peer = mmap(NULL, sizeof(*peer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	assert_true(peer != MAP_FAILED);
	memcpy(peer->moves, moves, n * sizeof(*moves));
	peer->n_moves = n;
	snprintf(peer->path, sizeof(peer->path), "/tmp/strake-peer.%d", (int)getpid());
	snprintf(peer->address, sizeof(peer->address), "unix:path=%s", peer->path);
	unlink(peer->path);
	strcpy(addr.sun_path, peer->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 8), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGCHLD, SIG_IGN);
		peer_play(fd);
	}
	peer->pid = pid;
	close(fd);
}

static void peer_end(void)
{
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	unlink(peer->path);
	munmap(peer, sizeof(*peer));
	peer = NULL;
}

#define PEER(...)                                             \
	do {                                                  \
		const struct move _moves[] = { __VA_ARGS__ }; \
		peer_begin(_moves, ARRAY_SIZE(_moves));       \
	} while (0)

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
