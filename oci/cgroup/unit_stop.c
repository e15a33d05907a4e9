/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/vanish.h"
#include "cgroup/events.h"
#include "cgroup/unit.h"

/* How long a scope without processes may take to end by itself before we ask for it. */
#define UNIT_GRACE_MS 500

static void unit_scope_path(const struct unit *u, char *dst)
{
	strcpy(dst, CGROUP_MOUNT);
	strcat(dst, u->path);
}

static bool unit_is_gone(const struct unit *u)
{
	char path[sizeof(CGROUP_MOUNT) + CGROUP_PATH_MAX];

	unit_scope_path(u, path);
	return access(path, F_OK) < 0 && errno == ENOENT;
}

/* 1: its cgroup is gone, 0: not in time, or -errno. */
static int unit_wait_gone(const struct unit *u, uint64_t deadline, struct error *e)
{
	char path[sizeof(CGROUP_MOUNT) + CGROUP_PATH_MAX];
	int r;

	unit_scope_path(u, path);
	r = vanish_wait(path, deadline);
	if (r < 0)
		return error_set(e, -r, "wait for the end of unit %s, %s", u->name.name, path);
	return r;
}

/* Both are no matter where there is no such unit. */
static int unit_stop(struct unit *u, uint64_t deadline, struct error *e)
{
	const struct bus_arg stop[] = { { BUS_TEXT, .text = u->name.name },
					{ BUS_TEXT, .text = "replace" } };
	struct bus_event answer = { 0 };
	int r;

	r = unit_ask(u, "StopUnit", stop, ARRAY_SIZE(stop), deadline, &answer, e);
	if (r > 0 && !str_eq(answer.name, "org.freedesktop.systemd1.NoSuchUnit"))
		return unit_refused(u, "StopUnit", &answer, e);
	return r < 0 ? r : bus_call(u->bus, "ResetFailedUnit", stop, 1, NULL, e);
}

/*
 * Whoever asked for it was killed, and his question may lie in the bus still: systemd takes what it is
 * asked in its turn, so once it has answered us, it has answered him. A process that was ending when
 * systemd moved it leaves behind a scope that had none, and so never ends.
 */
static int unit_look(struct unit *u, uint64_t deadline, struct error *e)
{
	const struct bus_arg name = { BUS_TEXT, .text = u->name.name };
	struct bus_event answer = { 0 };
	int r;

	r = unit_ask(u, "GetUnit", &name, 1, deadline, &answer, e);
	if (r > 0 && str_eq(answer.name, "org.freedesktop.systemd1.NoSuchUnit"))
		return 1;
	return r > 0 ? unit_refused(u, "GetUnit", &answer, e) : r;
}

/* Ours, cut short, would have ended with who made it: that is another's of the same name. */
static bool unit_is_alive(const struct unit *u)
{
	autocgroup scope = CGROUP_NONE;

	return cgroup_open(u->path, &scope, NULL) == 0 &&
	       cgroup_wait_event(&scope, "populated", true, 0, NULL) == 1;
}

/*
 * systemd hears of the end by cgroup.events, and the kernel holds back what comes within 10 ms, in ticks, of
 * the last notice there (CGROUP_FILE_NOTIFY_MIN_INTV), which is of the scope's first process. truncate(2)
 * changes nothing in there, and tells who watches the file all the same (IN_MODIFY, by notify_change()): systemd
 * looks. An ordinary user may not do so: of a container that lived for less, and that he has started just now,
 * he still has the bus. Nothing depends on either.
 */
#define UNIT_BRIEF_MS 12

static void unit_hasten(struct unit *u, uint64_t now, uint64_t deadline)
{
	const struct bus_arg stop[] = { { BUS_TEXT, .text = u->name.name },
					{ BUS_TEXT, .text = "replace" } };
	char path[sizeof(CGROUP_MOUNT) + CGROUP_PATH_MAX + sizeof("/cgroup.events")];

	unit_scope_path(u, path);
	strcat(path, "/cgroup.events");
	if (truncate(path, 0) == 0 || errno == ENOENT)
		return;
	if (u->fresh && u->bus && now - u->started_ms < UNIT_BRIEF_MS &&
	    bus_call(u->bus, "StopUnit", stop, ARRAY_SIZE(stop), NULL, NULL) == 0)
		bus_flush(u->bus, deadline, NULL);
}

void unit_rest(struct unit *u)
{
	bus_close(u->bus);
	u->bus = NULL;
}

int unit_remove(struct unit *u, int timeout_ms, struct error *e)
{
	uint64_t now = proc_now_ms(), deadline = now + (uint64_t)timeout_ms;
	int r;

	anchor_end(&u->anchor);
	if (!u->ours)
		return 0;
	unit_hasten(u, now, now + UNIT_GRACE_MS);
	r = u->unfinished ? unit_look(u, deadline, e) : 0;
	if (r == 0 && (!u->unfinished || !unit_is_gone(u)))
		r = unit_wait_gone(
			u, now + UNIT_GRACE_MS < deadline ? now + UNIT_GRACE_MS : deadline, e);
	if (r != 0 || (u->unfinished && unit_is_alive(u)))
		return r < 0 ? r : 0;
	r = unit_stop(u, deadline, e);
	if (r == 0)
		r = unit_wait_gone(u, deadline, e);
	if (r != 0)
		return r < 0 ? r : 0;
	error_say(e, ETIMEDOUT, "unit %s is still there after %d ms: %s was asked to stop it",
		  u->name.name, timeout_ms, bus_name(u->bus));
	error_hint(e, "`systemctl%s status %s` shows what it waits for",
		   u->user ? " --user" : "", u->name.name);
	return -ETIMEDOUT;
}
