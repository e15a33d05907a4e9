/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct properties;

/*
 * One connection to a systemd manager over D-Bus. Calls are sent and not waited for; what comes
 * back is taken one by one with bus_next(). Nothing here blocks past its deadline (CLOCK_MONOTONIC,
 * as proc_now_ms() counts), and every failure names the bus.
 */
struct bus;

/*
 * The system's manager, by the system bus, or by systemd's own socket where there is no bus; or
 * (`user`) that of the user who runs us, by $DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus, or
 * the socket of that manager. `address` NULL: as said; else this one, for tests.
 */
struct bus_options {
	bool user;
	bool direct; /* by systemd's own socket only */
	const char *address;
	int cancel_fd; /* readable: -ECANCELED; -1: none */
};

int bus_open(const struct bus_options *opt, struct bus **ret, struct error *e);
void bus_close(struct bus *b); /* NULL is fine */

/* "the system bus (unix:path=...)", for messages. */
const char *bus_name(const struct bus *b);

struct bus_arg {
	enum {
		BUS_TEXT,       /* s */
		BUS_FLAG,       /* b */
		BUS_PROPERTIES, /* a(sv) */
		BUS_PIDS,       /* au, always one */
		BUS_NO_UNITS,   /* a(sa(sv)), always empty */
	} type;
	union {
		const char *text;
		bool flag;
		const struct properties *properties;
		pid_t pid;
	};
};

/*
 * A method of org.freedesktop.systemd1.Manager, or of another interface that stands before it as
 * in BUS_GET, a manager's property; *serial is what its answer will carry (NULL: there shall be
 * none).
 */
#define BUS_MANAGER "org.freedesktop.systemd1.Manager"
#define BUS_GET     "org.freedesktop.DBus.Properties.Get"

int bus_call(struct bus *b, const char *method, const struct bus_arg *args, size_t n,
	     uint32_t *serial, struct error *e);

/* The jobs of this unit will be told of. To be called before the one that makes the job. */
int bus_watch_jobs(struct bus *b, const char *unit, struct error *e);

/* Sends what is waiting, which can take a few exchanges at first. -ETIMEDOUT, -ECANCELED ... */
int bus_flush(struct bus *b, uint64_t deadline, struct error *e);

struct bus_event {
	enum {
		BUS_REPLY, /* text: its first string, path, or variant of one; or "" */
		BUS_ERROR, /* name: of the error; text: its message */
		BUS_JOB, /* a job has ended: name: its path, unit, text: the result ("done") */
	} kind;
	uint32_t serial; /* of the call; a job has none */
	const char *name;
	const char *unit;
	const char *text;
};

/*
 * The next event; its strings live until the next call on this bus. 1; 0: the deadline has passed;
 * -ECANCELED, -ECONNRESET (the bus went away), -EACCES (it does not let us in) with a text.
 */
int bus_next(struct bus *b, uint64_t deadline, struct bus_event *ret, struct error *e);
