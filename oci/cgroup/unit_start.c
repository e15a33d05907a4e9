/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/create.h"
#include "cgroup/limits.h"
#include "cgroup/manager.h"
#include "cgroup/unit.h"

/* What systemd itself hands down where Delegate is set; others only where the plan needs them. */
#define UNIT_CONTROLLERS                                                              \
	(CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUSET) | CGROUP_BIT(CGROUP_IO) | \
	 CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_PIDS))

/* The anchor or a process in between, the container's own, its hooks: while it is being made. */
#define UNIT_TASKS 16

/* --- the properties ----------------------------------------------------------------------- */

static int unit_describe(struct unit *u, const struct manager_request *rq, struct error *e)
{
	const struct property all[] = {
		{ "Description", PROPERTY_TEXT,
		  .text = arena_printf(&u->arena, "strake container %s", rq->id) },
		{ "Slice", PROPERTY_TEXT, .needed = true, .text = u->name.slice },
		{ "Delegate", PROPERTY_FLAG, .needed = true, .flag = true },
		{ "DefaultDependencies", PROPERTY_FLAG, .flag = false },
		/* One that failed is not kept for somebody to look at it. */
		{ "CollectMode", PROPERTY_TEXT, .text = "inactive-or-failed" },
		{ "CPUAccounting", PROPERTY_FLAG, .flag = true },
		{ "IOAccounting", PROPERTY_FLAG, .flag = true },
		{ "MemoryAccounting", PROPERTY_FLAG, .flag = true },
		{ "TasksAccounting", PROPERTY_FLAG, .flag = true },
	};
	size_t i;
	int r = 0;

	if (!all[0].text)
		return error_set(e, ENOMEM, "properties of unit %s", u->name.name);
	for (i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = properties_set(&u->properties, &all[i], e);
	return r;
}

static int unit_describe_limits(struct unit *u, const struct limits_plan *plan, struct error *e)
{
	struct limits_plan settled;
	const struct property *tasks;
	struct property few;
	int r;

	r = limits_settle(NULL, plan, &u->arena, &settled, e);
	if (r == 0)
		r = properties_add_limits(&u->properties, &u->arena, &settled, e);
	tasks = properties_get(&u->properties, limits_table[LIMIT_PIDS].property);
	if (r < 0 || !tasks || tasks->number >= UNIT_TASKS)
		return r;
	/* unit_limit() lowers it when all that is left is the container. */
	few = *tasks;
	u->tasks_max = few.number;
	few.number = UNIT_TASKS;
	return properties_set(&u->properties, &few, e);
}

/* --- asking for it ------------------------------------------------------------------------ */

static int unit_send_start(struct unit *u, struct error *e)
{
	const struct bus_arg args[] = {
		{ BUS_TEXT, .text = u->name.name },
		{ BUS_TEXT, .text = "fail" },
		{ BUS_PROPERTIES, .properties = &u->properties },
		{ BUS_NO_UNITS },
	};

	return bus_call(u->bus, "StartTransientUnit", args, ARRAY_SIZE(args), &u->serial, e);
}

int unit_begin(struct unit *u, const struct manager_request *rq, struct error *e)
{
	int r;

	u->fresh = true;
	r = unit_describe(u, rq, e);
	if (r == 0 && rq->plan)
		r = unit_describe_limits(u, rq->plan, e);
	if (r < 0)
		return r;
	unit_unknown_forget(u->state_fd, &u->properties);

	r = unit_connect(u, e);
	if (r == 0)
		r = bus_watch_jobs(u->bus, u->name.name, e);
	return r < 0 ? error_prefix(e, "start unit %s", u->name.name) : 0;
}

static int unit_set_first(struct unit *u, pid_t pid, struct error *e)
{
	struct property pids = { "PIDs", PROPERTY_PIDS, .needed = true };
	int r = pid ? 0 : anchor_start(&u->anchor, e);

	pids.pid = u->first = pid ?: u->anchor.pid;
	return r < 0 ? r : properties_set(&u->properties, &pids, e);
}

int unit_ask_start(struct unit *u, pid_t pid, struct error *e)
{
	uint64_t deadline = proc_now_ms() + MANAGER_TIMEOUT_MS;
	int r;

	r = unit_set_first(u, pid, e);
	if (r == 0)
		r = unit_send_start(u, e);
	/* What is only queued would not be worked on while the caller does other things. */
	if (r == 0)
		r = bus_flush(u->bus, deadline, e);
	return r < 0 ? error_prefix(e, "start unit %s", u->name.name) : 0;
}

/* --- waiting for it ----------------------------------------------------------------------- */

/* A failed unit of an earlier container, say of before a crash, still has the name. */
static int unit_start_again(struct unit *u, struct error *e)
{
	const struct bus_arg name = { BUS_TEXT, .text = u->name.name };
	int r;

	u->was_reset = true;
	r = bus_call(u->bus, "ResetFailedUnit", &name, 1, NULL, e);
	return r < 0 ? r : unit_send_start(u, e);
}

static int unit_start_refused(struct unit *u, const struct bus_event *why, struct error *e)
{
	const char *name;
	int r;

	if (unit_is_not_on_bus(u, why)) {
		r = unit_connect_direct(u, e);
		return r < 0 ? r : unit_send_start(u, e);
	}
	if (str_eq(why->name, "org.freedesktop.systemd1.UnitExists") && !u->was_reset)
		return unit_start_again(u, e);
	name = unit_unknown_drop(&u->properties, why);
	if (!name)
		return unit_refused(u, "the start", why, e);
	unit_unknown_remember(u->state_fd, name);
	return unit_send_start(u, e);
}

/* Of this one's, told after the answer that names it, and not of the last one's of the same name. */
static bool unit_is_its_job(const struct unit *u, const struct bus_event *job)
{
	return str_eq(job->unit, u->name.name) && str_eq(job->name, u->job);
}

static int unit_job_ended(const struct unit *u, const struct bus_event *job, struct error *e)
{
	if (str_eq(job->text, "done"))
		return 1;
	error_say(e, EIO, "systemd's job %s (%s), which starts unit %s, ended as \"%.40s\"",
		  job->name, bus_name(u->bus), u->name.name, job->text);
	error_hint(e, "`journalctl%s -u %s` tells more", u->user ? " --user" : "",
		   u->name.name);
	return -EIO;
}

/* 1: the unit is started, 0: not yet, or -errno. */
static int unit_start_event(struct unit *u, const struct bus_event *event, struct error *e)
{
	switch (event->kind) {
	case BUS_JOB:
		return unit_is_its_job(u, event) ? unit_job_ended(u, event, e) : 0;
	case BUS_REPLY:
		if (event->serial != u->serial)
			return 0;
		u->ours = true;
		str_show(u->job, sizeof(u->job), event->text);
		return 0;
	case BUS_ERROR:
		return event->serial == u->serial ? unit_start_refused(u, event, e) : 0;
	}
	return 0;
}

static int unit_start_timed_out(const struct unit *u, int timeout_ms, struct error *e)
{
	error_say(e, ETIMEDOUT, "unit %s is not started after %d ms: %s %s%s", u->name.name,
		  timeout_ms, bus_name(u->bus),
		  *u->job ? "has not told the end of job "
			  : "has not answered StartTransientUnit",
		  u->job);
	error_hint(e,
		   "systemd or the bus is busy or stuck: `systemctl%s list-jobs` and the "
		   "journal tell more",
		   u->user ? " --user" : "");
	return -ETIMEDOUT;
}

static int unit_await_start(struct unit *u, int timeout_ms, struct error *e)
{
	uint64_t deadline = proc_now_ms() + (uint64_t)timeout_ms;
	struct bus_event event = { 0 };
	int r;

	for (;;) {
		r = bus_next(u->bus, deadline, &event, e);
		if (r == 0)
			return unit_start_timed_out(u, timeout_ms, e);
		if (r < 0)
			return error_prefix(e, "start unit %s", u->name.name);
		r = unit_start_event(u, &event, e);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

/* --- its cgroup --------------------------------------------------------------------------- */

/* Where its first process is now, and not where we thought that it would be. */
static int unit_locate(struct unit *u, struct error *e)
{
	char path[CGROUP_PATH_MAX];
	int r;

	r = cgroup_path_of(u->first, path, e);
	if (r < 0)
		return r;
	if (!cgroup_path_is_clean(path) || !str_eq(strrchr(path, '/') + 1, u->name.name))
		return error_say(e, EPROTO,
				 "systemd started unit %s, but its process is in the cgroup %s",
				 u->name.name, path);
	if (strcmp(path, u->path) != 0)
		log_debug("unit %s is at %s, not %s", u->name.name, path, u->path);
	strcpy(u->path, path);
	if (u->parent && !cgroup_path_below(u->path, u->parent))
		return error_say(e, EPERM, "the cgroup %s of unit %s is outside of %s", u->path,
				 u->name.name, u->parent);
	return 0;
}

/*
 * Its process goes down first. This write to cgroup.procs is cheap, because systemd's own, a moment ago, has waited
 * for the RCU grace period that a run of them needs but once.
 */
static int unit_make_sub(struct unit *u, const struct limits_plan *plan, struct cgroup *ret,
			 struct error *e)
{
	struct cgroup_create_options opt = {
		.reuse = true,
		.plan = plan,
		.controllers = UNIT_CONTROLLERS | (plan ? plan->controllers : 0),
		.from_parent = u->first,
	};
	char path[CGROUP_PATH_MAX];
	int r = unit_sub_path(u, path, e);

	return r < 0 ? r : cgroup_create(path, &opt, ret, e);
}

int unit_ready(struct unit *u, const struct limits_plan *plan, int timeout_ms,
	       struct cgroup *ret, struct error *e)
{
	int r = unit_await_start(u, timeout_ms, e);

	u->started_ms = proc_now_ms();
	if (r == 0)
		r = unit_locate(u, e);
	return r < 0 ? r : unit_make_sub(u, plan, ret, e);
}
