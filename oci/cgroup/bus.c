/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/bus.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/properties.h"

#define BUS_SYSTEM_ADDRESS "unix:path=/run/dbus/system_bus_socket"
#define BUS_SYSTEMD_DIRECT "unix:path=/run/systemd/private"

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"

#define BUS_KNOCK_MS 20

#define BUS_WATCHES 4 /* libdbus has one for reading and one for writing */

struct bus {
	DBusConnection *connection;
	DBusMessage *current; /* what the strings of the last event belong to */
	DBusWatch *watches[BUS_WATCHES];
	size_t n_watches;
	int cancel_fd;
	bool direct;  /* no bus in between: the peer is systemd itself */
	int knock_ms; /* when to knock for the first answer; 0: not any more */
	uint32_t hello;
	char name[320];
};

/* --- waiting: libdbus says for what, we do ------------------------------------------------ */

static dbus_bool_t bus_add_watch(DBusWatch *w, void *data)
{
	struct bus *b = data;

	if (b->n_watches == BUS_WATCHES)
		return FALSE;
	b->watches[b->n_watches++] = w;
	return TRUE;
}

static void bus_remove_watch(DBusWatch *w, void *data)
{
	struct bus *b = data;
	size_t i;

	for (i = 0; i < b->n_watches; i++)
		if (b->watches[i] == w)
			b->watches[i--] = b->watches[--b->n_watches];
}

static int bus_lost(const struct bus *b, struct error *e)
{
	bool in = dbus_connection_get_is_authenticated(b->connection);

	return error_say(e, in ? ECONNRESET : EACCES,
			 in ? "%s closed the connection" : "%s does not let us in", b->name);
}

static void bus_handle(struct bus *b, DBusWatch *w, short revents)
{
	unsigned int flags = 0;
	size_t i;

	/* One that was handled may have removed the other. */
	for (i = 0; i < b->n_watches && b->watches[i] != w; i++)
		;
	if (i == b->n_watches || !revents)
		return;
	if (revents & POLLIN)
		flags |= DBUS_WATCH_READABLE;
	if (revents & POLLOUT)
		flags |= DBUS_WATCH_WRITABLE;
	if (revents & POLLERR)
		flags |= DBUS_WATCH_ERROR;
	if (revents & POLLHUP)
		flags |= DBUS_WATCH_HANGUP;
	dbus_watch_handle(w, flags);
}

static int bus_send(struct bus *b, DBusMessage *m, const struct bus_arg *args, size_t n,
		    uint32_t *serial, struct error *e);

/*
 * Where the end of authentication and a first message are one read to it, systemd (257) leaves the
 * message where it is until another one comes.
 */
static int bus_knock(struct bus *b, struct error *e)
{
	int r = bus_send(b,
			 dbus_message_new_method_call(NULL, SYSTEMD_PATH, DBUS_INTERFACE_PEER,
						      "Ping"),
			 NULL, 0, NULL, e);

	b->knock_ms *= 2;
	return r < 0 ? r : 1;
}

/* Once around. 1: something moved, 0: the deadline has passed, or -errno with a text. */
static int bus_pump(struct bus *b, uint64_t deadline, struct error *e)
{
	struct pollfd fds[BUS_WATCHES + 1] = { { .fd = b->cancel_fd, .events = POLLIN } };
	DBusWatch *watches[BUS_WATCHES + 1] = { NULL };
	uint64_t now = proc_now_ms();
	int left = now < deadline ? (int)(deadline - now) : 0, r;
	nfds_t n = 1, i;
	size_t k;

	if (!dbus_connection_get_is_connected(b->connection))
		return bus_lost(b, e);
	for (k = 0; k < b->n_watches; k++) {
		unsigned int flags = dbus_watch_get_flags(b->watches[k]);

		if (!dbus_watch_get_enabled(b->watches[k]))
			continue;
		watches[n] = b->watches[k];
		fds[n].fd = dbus_watch_get_unix_fd(b->watches[k]);
		fds[n].events = (short)((flags & DBUS_WATCH_READABLE ? POLLIN : 0) |
					(flags & DBUS_WATCH_WRITABLE ? POLLOUT : 0));
		n++;
	}
	r = poll(fds, n, b->knock_ms && b->knock_ms < left ? b->knock_ms : left);
	if (r < 0 && errno == EINTR)
		return 1;
	if (r == 0 && b->knock_ms && b->knock_ms < left)
		return bus_knock(b, e);
	if (r < 0)
		return error_set(e, errno, "wait for %s", b->name);
	if (fds[0].revents)
		return error_say(e, ECANCELED, "canceled while %s was asked", b->name);
	for (i = 1; i < n; i++)
		bus_handle(b, watches[i], fds[i].revents);
	return r > 0;
}

int bus_flush(struct bus *b, uint64_t deadline, struct error *e)
{
	while (dbus_connection_has_messages_to_send(b->connection)) {
		int r = bus_pump(b, deadline, e);

		if (r < 0)
			return r;
		if (r == 0)
			return error_say(
				e, ETIMEDOUT,
				"%s takes no messages: it is there, but does not answer",
				b->name);
	}
	return 0;
}

/* --- sending ------------------------------------------------------------------------------ */

/* libdbus ends the program where it is given other text. */
static bool put_text(DBusMessageIter *to, const char *text)
{
	return dbus_validate_utf8(text, NULL) &&
	       dbus_message_iter_append_basic(to, DBUS_TYPE_STRING, &text);
}

static bool put_flag(DBusMessageIter *to, bool flag)
{
	dbus_bool_t value = flag;

	return dbus_message_iter_append_basic(to, DBUS_TYPE_BOOLEAN, &value);
}

static bool put_pids(DBusMessageIter *to, pid_t pid)
{
	dbus_uint32_t value = (dbus_uint32_t)pid;
	DBusMessageIter list;

	return dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "u", &list) &&
	       dbus_message_iter_append_basic(&list, DBUS_TYPE_UINT32, &value) &&
	       dbus_message_iter_close_container(to, &list);
}

static bool put_mask(DBusMessageIter *to, const struct property *p)
{
	const uint8_t *bytes = p->mask.bytes;
	DBusMessageIter list;

	return dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "y", &list) &&
	       dbus_message_iter_append_fixed_array(&list, DBUS_TYPE_BYTE, &bytes,
						    (int)p->mask.len) &&
	       dbus_message_iter_close_container(to, &list);
}

static bool put_devices(DBusMessageIter *to, const struct property *p)
{
	DBusMessageIter list, pair;
	size_t i;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(st)", &list))
		return false;
	for (i = 0; i < p->devices.n; i++) {
		dbus_uint64_t value = p->devices.v[i].value;

		if (!dbus_message_iter_open_container(&list, DBUS_TYPE_STRUCT, NULL, &pair) ||
		    !put_text(&pair, p->devices.v[i].path) ||
		    !dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT64, &value) ||
		    !dbus_message_iter_close_container(&list, &pair))
			return false;
	}
	return dbus_message_iter_close_container(to, &list);
}

static bool put_value(DBusMessageIter *to, const struct property *p)
{
	dbus_uint64_t number;

	switch (p->type) {
	case PROPERTY_FLAG:
		return put_flag(to, p->flag);
	case PROPERTY_NUMBER:
		number = p->number;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_UINT64, &number);
	case PROPERTY_TEXT:
		return put_text(to, p->text);
	case PROPERTY_MASK:
		return put_mask(to, p);
	case PROPERTY_PIDS:
		return put_pids(to, p->pid);
	case PROPERTY_DEVICES:
		return put_devices(to, p);
	}
	return false;
}

static bool put_property(DBusMessageIter *to, const struct property *p)
{
	static const char *const types[] = {
		[PROPERTY_FLAG] = "b",  [PROPERTY_NUMBER] = "t", [PROPERTY_TEXT] = "s",
		[PROPERTY_MASK] = "ay", [PROPERTY_PIDS] = "au",  [PROPERTY_DEVICES] = "a(st)",
	};
	DBusMessageIter pair, value;

	return dbus_message_iter_open_container(to, DBUS_TYPE_STRUCT, NULL, &pair) &&
	       put_text(&pair, p->name) &&
	       dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, types[p->type],
						&value) &&
	       put_value(&value, p) && dbus_message_iter_close_container(&pair, &value) &&
	       dbus_message_iter_close_container(to, &pair);
}

static bool put_properties(DBusMessageIter *to, const struct properties *p)
{
	DBusMessageIter list;
	size_t i;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(sv)", &list))
		return false;
	for (i = 0; i < p->n; i++)
		if (!put_property(&list, &p->v[i]))
			return false;
	return dbus_message_iter_close_container(to, &list);
}

static bool put_arg(DBusMessageIter *to, const struct bus_arg *arg)
{
	DBusMessageIter list;

	switch (arg->type) {
	case BUS_TEXT:
		return put_text(to, arg->text);
	case BUS_FLAG:
		return put_flag(to, arg->flag);
	case BUS_PROPERTIES:
		return put_properties(to, arg->properties);
	case BUS_PIDS:
		return put_pids(to, arg->pid);
	case BUS_NO_UNITS:
		return dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(sa(sv))",
							&list) &&
		       dbus_message_iter_close_container(to, &list);
	}
	return false;
}

/* Queues the message with these arguments; where no answer is wanted, `serial` is NULL. */
static int bus_send(struct bus *b, DBusMessage *m, const struct bus_arg *args, size_t n,
		    uint32_t *serial, struct error *e)
{
	DBusMessageIter to;
	dbus_uint32_t number = 0;
	bool good = m != NULL;
	size_t i;

	if (good)
		dbus_message_iter_init_append(m, &to);
	for (i = 0; i < n && good; i++)
		good = put_arg(&to, &args[i]);
	if (good) {
		dbus_message_set_no_reply(m, !serial);
		dbus_message_set_auto_start(m, FALSE);
		good = dbus_connection_send(b->connection, m, &number);
	}
	if (m)
		dbus_message_unref(m);
	if (!good)
		return error_say(e, ENOMEM, "no message to %s could be made", b->name);
	if (serial)
		*serial = number;
	return 0;
}

int bus_call(struct bus *b, const char *method, const struct bus_arg *args, size_t n,
	     uint32_t *serial, struct error *e)
{
	const char *dot = strrchr(method, '.');
	char interface[64] = BUS_MANAGER;

	if (dot &&
	    str_format(interface, sizeof(interface), "%.*s", (int)(dot - method), method) < 0)
		return error_say(e, EINVAL, "%s is no method", method);
	return bus_send(b,
			dbus_message_new_method_call(b->direct ? NULL : SYSTEMD_NAME,
						     SYSTEMD_PATH, interface,
						     dot ? dot + 1 : method),
			args, n, serial, e);
}

static DBusMessage *bus_message_to_bus(const char *method)
{
	return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
					    DBUS_INTERFACE_DBUS, method);
}

int bus_watch_jobs(struct bus *b, const char *unit, struct error *e)
{
	struct bus_arg rule = { .type = BUS_TEXT };
	char text[768];

	/* systemd tells whoever is connected to it. */
	if (b->direct)
		return 0;
	if (str_format(text, sizeof(text),
		       "type='signal',sender='" SYSTEMD_NAME "',path='" SYSTEMD_PATH
		       "',interface='" BUS_MANAGER "',member='JobRemoved',arg2='%s'",
		       unit) < 0)
		return error_say(e, ENAMETOOLONG, "the unit's name is too long");
	rule.text = text;
	return bus_send(b, bus_message_to_bus("AddMatch"), &rule, 1, NULL, e);
}

/* --- receiving ---------------------------------------------------------------------------- */

/* The first argument, where it is a string or a path, or a variant of one. */
static const char *bus_first_text(DBusMessage *m)
{
	DBusMessageIter at, inside;
	const char *text = "";
	int type;

	if (!dbus_message_iter_init(m, &at))
		return "";
	type = dbus_message_iter_get_arg_type(&at);
	if (type == DBUS_TYPE_VARIANT) {
		dbus_message_iter_recurse(&at, &inside);
		at = inside;
		type = dbus_message_iter_get_arg_type(&at);
	}
	if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH)
		dbus_message_iter_get_basic(&at, &text);
	return text;
}

static bool bus_read_job(DBusMessage *m, struct bus_event *ret)
{
	dbus_uint32_t id;

	ret->kind = BUS_JOB;
	return dbus_message_is_signal(m, BUS_MANAGER, "JobRemoved") &&
	       dbus_message_get_args(m, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH,
				     &ret->name, DBUS_TYPE_STRING, &ret->unit, DBUS_TYPE_STRING,
				     &ret->text, DBUS_TYPE_INVALID);
}

/* False: nothing that concerns anybody here. */
static bool bus_read(DBusMessage *m, struct bus_event *ret)
{
	*ret = (struct bus_event){ .serial = dbus_message_get_reply_serial(m) };
	switch (dbus_message_get_type(m)) {
	case DBUS_MESSAGE_TYPE_SIGNAL:
		return bus_read_job(m, ret);
	case DBUS_MESSAGE_TYPE_METHOD_RETURN:
		ret->kind = BUS_REPLY;
		ret->text = bus_first_text(m);
		return true;
	case DBUS_MESSAGE_TYPE_ERROR:
		ret->kind = BUS_ERROR;
		ret->name = dbus_message_get_error_name(m);
		ret->text = bus_first_text(m);
		return true;
	}
	return false;
}

static void bus_forget(struct bus *b)
{
	if (b->current)
		dbus_message_unref(b->current);
	b->current = NULL;
}

int bus_next(struct bus *b, uint64_t deadline, struct bus_event *ret, struct error *e)
{
	for (;;) {
		int r;

		bus_forget(b);
		b->current = dbus_connection_pop_message(b->connection);
		if (!b->current) {
			r = bus_pump(b, deadline, e);
			if (r <= 0)
				return r;
			continue;
		}
		b->knock_ms = 0;
		if (dbus_message_is_signal(b->current, DBUS_INTERFACE_LOCAL, "Disconnected"))
			return bus_lost(b, e);
		if (!bus_read(b->current, ret))
			continue;
		if (b->hello == 0 || ret->serial != b->hello)
			return 1;
		if (ret->kind == BUS_ERROR)
			return error_say(e, EACCES, "%s refuses us: %s", b->name, ret->text);
	}
}

/* --- opening ------------------------------------------------------------------------------ */

/* A program as the peer, or one on another host, is not what anybody means. */
static int bus_check_address(const char *address, struct error *e)
{
	DBusAddressEntry **entries;
	int n, i, r = 0;

	if (!dbus_parse_address(address, &entries, &n, NULL))
		return error_say(e, EINVAL, "\"%.200s\" is no address of a bus", address);
	for (i = 0; i < n && r == 0; i++)
		if (!str_eq(dbus_address_entry_get_method(entries[i]), "unix"))
			r = error_say(e, EINVAL,
				      "the bus \"%.200s\" is not reached by a unix socket",
				      address);
	dbus_address_entries_free(entries);
	return r;
}

/* 1: open; 0: nobody is there; -errno. */
static int bus_try(struct bus *b, const char *what, const char *address, bool direct,
		   struct error *e)
{
	DBusError why = DBUS_ERROR_INIT;
	int r;

	r = bus_check_address(address, e);
	if (r < 0)
		return r;
	b->direct = direct;
	snprintf(b->name, sizeof(b->name), "%s (%.250s)", what, address);
	b->connection = dbus_connection_open_private(address, &why);
	if (b->connection)
		return 1;
	r = dbus_error_has_name(&why, DBUS_ERROR_FILE_NOT_FOUND) ||
			    dbus_error_has_name(&why, DBUS_ERROR_NO_SERVER)
		    ? 0
		    : error_say(e,
				dbus_error_has_name(&why, DBUS_ERROR_TIMEOUT) ? ETIMEDOUT
									      : EACCES,
				"connect to %s: %s", b->name, why.message);
	dbus_error_free(&why);
	return r;
}

/* "unix:path=DIR/FILE", the folder's name spelled as an address wants it. */
static int bus_address_below(char *dst, size_t size, const char *dir, const char *file)
{
	char path[512], *escaped;
	int r;

	r = str_format(path, sizeof(path), "%s/%s", dir, file);
	escaped = r < 0 ? NULL : dbus_address_escape_value(path);
	if (!escaped)
		return r < 0 ? r : -ENOMEM;
	r = str_format(dst, size, "unix:path=%s", escaped);
	dbus_free(escaped);
	return r;
}

static int bus_open_user(struct bus *b, bool direct, struct error *e)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char below[640];
	int r = 0;

	if (!direct && !str_empty(address))
		r = bus_try(b, "the user's bus", address, false, e);
	else if (!direct && !str_empty(dir) &&
		 bus_address_below(below, sizeof(below), dir, "bus") == 0)
		r = bus_try(b, "the user's bus", below, false, e);
	if (r == 0 && !str_empty(dir) &&
	    bus_address_below(below, sizeof(below), dir, "systemd/private") == 0)
		r = bus_try(b, "the user's systemd", below, true, e);
	if (r != 0)
		return r;
	error_say(e, ENOENT,
		  "there is no bus of the user to reach systemd by: "
		  "DBUS_SESSION_BUS_ADDRESS is \"%.100s\", XDG_RUNTIME_DIR is \"%.100s\"",
		  address ?: "", dir ?: "");
	error_hint(e, "log in by a session that systemd knows, or `loginctl enable-linger` and "
		      "set XDG_RUNTIME_DIR=/run/user/UID; or use --cgroup-manager=disabled");
	return -ENOENT;
}

static int bus_open_system(struct bus *b, bool direct, struct error *e)
{
	int r = 0;

	if (!direct)
		r = bus_try(b, "the system bus", BUS_SYSTEM_ADDRESS, false, e);
	if (r == 0)
		r = bus_try(b, "systemd's own socket", BUS_SYSTEMD_DIRECT, true, e);
	if (r != 0)
		return r;
	error_say(e, ENOENT,
		  "systemd cannot be reached: nobody listens at " BUS_SYSTEM_ADDRESS
		  " or " BUS_SYSTEMD_DIRECT);
	error_hint(e, "is systemd running here? Else use the cgroupfs manager (leave out "
		      "--systemd-cgroup)");
	return -ENOENT;
}

static int bus_set_up(struct bus *b, struct error *e)
{
	dbus_connection_set_exit_on_disconnect(b->connection, FALSE);
	if (!dbus_connection_set_watch_functions(b->connection, bus_add_watch, bus_remove_watch,
						 NULL, b, NULL))
		return error_set(e, ENOMEM, "%s", b->name);
	b->knock_ms = b->direct ? BUS_KNOCK_MS : 0;
	/* Answered while other calls are under way already: nobody waits for it alone. */
	return b->direct ? 0 : bus_send(b, bus_message_to_bus("Hello"), NULL, 0, &b->hello, e);
}

int bus_open(const struct bus_options *opt, struct bus **ret, struct error *e)
{
	struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return error_set(e, ENOMEM, "open a bus");
	b->cancel_fd = opt->cancel_fd;
	/* Else libdbus would ignore SIGPIPE for the whole program, and all that it starts. */
	dbus_connection_set_change_sigpipe(FALSE);
	if (opt->address)
		r = bus_try(b, "the bus", opt->address, false, e);
	else
		r = opt->user ? bus_open_user(b, opt->direct, e)
			      : bus_open_system(b, opt->direct, e);
	if (r == 0)
		r = error_say(e, ENOENT, "nobody listens at %s", b->name);
	if (r > 0)
		r = bus_set_up(b, e);
	if (r < 0) {
		bus_close(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bus_close(struct bus *b)
{
	if (!b)
		return;
	bus_forget(b);
	if (b->connection) {
		dbus_connection_close(b->connection);
		dbus_connection_unref(b->connection);
	}
	free(b);
}

const char *bus_name(const struct bus *b)
{
	return b->name;
}
