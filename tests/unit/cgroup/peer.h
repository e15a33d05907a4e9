/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dbus/dbus.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroup/unit.h"

/*
 * A peer that speaks D-Bus and plays a systemd which is old, busy, stuck, dying, or has another unit of
 * that name: what the real one does of itself only now and then. It is a process, and what it saw is shared.
 */

#define UNIT_NAME "strake-c1.scope"

#define READ_ONLY    "org.freedesktop.DBus.Error.PropertyReadOnly"
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"
#define EXISTS       "org.freedesktop.systemd1.UnitExists"

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
