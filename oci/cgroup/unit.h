/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "cgroup/anchor.h"
#include "cgroup/bus.h"
#include "cgroup/cgroup.h"
#include "cgroup/path.h"
#include "cgroup/properties.h"

struct error;
struct limits_plan;
struct manager_request;

/*
 * A container's cgroup as a unit of systemd's: a transient scope, delegated to us, and in it one
 * cgroup, UNIT_SUB, where the container lives. Every limit is there twice: as a property of the
 * scope, which systemd keeps and shows, and in the files of UNIT_SUB, which systemd does not touch
 * (https://systemd.io/CGROUP_DELEGATION). So neither `systemctl daemon-reload`, nor
 * daemon-reexec, nor a change of the slice loosens a limit or the device filter.
 *
 * A scope ends by itself when its last process does, and takes its cgroups with it: what a crash
 * leaves, systemd clears away, and delete seldom needs the bus.
 */
#define UNIT_SUB "container"

struct unit {
	struct arena arena;
	struct cgroup_unit name;
	bool user;                  /* of the user's manager */
	char path[CGROUP_PATH_MAX]; /* of the scope's cgroup, clean */
	const char *parent;         /* as in struct manager_request */
	struct bus_options options;
	struct bus *bus; /* NULL until something is asked */

	bool ours;       /* and not perhaps another's of the same name */
	bool unfinished; /* who asked for it was killed: systemd may be at it still */

	/* While it is started: */
	bool fresh;  /* by us, now: it has its properties */
	pid_t first; /* the process that it begins with */
	struct anchor anchor;
	struct properties properties;
	bool was_reset;      /* a leftover of the same name was cleared away once */
	int state_fd;        /* where unit_unknown.c remembers; -1 */
	uint32_t serial;     /* of the call that starts it */
	uint64_t tasks_max;  /* what TasksMax is in the end; 0: it is already */
	uint64_t started_ms; /* when systemd said so */
	char job[128];
};

/* Where linux.cgroupsPath puts it. Asks the user's manager for its cgroup; nothing is made. */
int unit_new(const struct manager_request *rq, struct unit **ret, struct error *e);

/* The one that exists, by the path of UNIT_SUB as the container's state has it. */
int unit_find(const char *sub_path, bool rootless, struct unit **ret, struct error *e);

/* Ends the anchor, if it is there still; systemd's unit stays. NULL is fine. */
void unit_free(struct unit *u);

/* The clean path of UNIT_SUB. dst holds CGROUP_PATH_MAX bytes. */
int unit_sub_path(const struct unit *u, char *dst, struct error *e);

/* --- asking systemd: unit.c --------------------------------------------------------------- */

int unit_connect(struct unit *u, struct error *e);

/*
 * A bus without systemd: it came up a moment ago (a user's, by our knocking), or is about to go.
 * Then systemd's own socket.
 */
bool unit_is_not_on_bus(const struct unit *u, const struct bus_event *why);
int unit_connect_direct(struct unit *u, struct error *e);

/*
 * One call and its answer. 0; 1: systemd answered with an error, which *ret tells; -errno where
 * there was no answer.
 */
int unit_ask(struct unit *u, const char *method, const struct bus_arg *args, size_t n,
	     uint64_t deadline, struct bus_event *ret, struct error *e);

/* Puts what systemd answered into words. Returns -errno. */
int unit_refused(const struct unit *u, const char *method, const struct bus_event *why,
		 struct error *e);

/* --- starting: unit_start.c --------------------------------------------------------------- */

/* Puts together what the scope shall be, with all the limits of the plan in it, and connects. */
int unit_begin(struct unit *u, const struct manager_request *rq, struct error *e);

/* Asks for it, around the process `pid`; 0: around an anchor. */
int unit_ask_start(struct unit *u, pid_t pid, struct error *e);

/*
 * Waits for it, and makes UNIT_SUB with every controller that systemd delegates and that the plan
 * needs. Its first process is in there.
 */
int unit_ready(struct unit *u, const struct limits_plan *plan, int timeout_ms,
	       struct cgroup *ret, struct error *e);

/* --- changing: unit_change.c -------------------------------------------------------------- */

/*
 * The scope's side of new limits, around the caller's writing of those of UNIT_SUB, `cg`. The
 * kernel judges values better than systemd, so that comes first; but before it what depends on the
 * old values is computed, and the bus is known to listen. At start the anchor ends with this: the
 * container's process is there.
 */
int unit_prepare(struct unit *u, const struct cgroup *cg, const struct limits_plan *plan,
		 struct error *e);
int unit_limit(struct unit *u, const struct limits_plan *plan, struct error *e);

/*
 * Has systemd move a process into `cg`, UNIT_SUB or below it. For who may not do so by himself: a
 * user whose session and manager have no cgroup of his in common.
 */
int unit_adopt(struct unit *u, const struct cgroup *cg, pid_t pid, struct error *e);

/* --- ending: unit_stop.c ------------------------------------------------------------------ */

/* Its container lives on for a while: a bus is not kept for so long. */
void unit_rest(struct unit *u);

/*
 * Its processes are gone or going. Waits until the scope is no more; stops it where it stays. One
 * of which we do not know that it is ours is let be: without its anchor ours ends by itself.
 */
int unit_remove(struct unit *u, int timeout_ms, struct error *e);

/* --- what an older systemd does not know: unit_unknown.c ---------------------------------- */

#define UNIT_UNKNOWN_FILE ".systemd-lacks"

/*
 * The property that an answer complains of, dropped from `p`, or NULL: it is about something
 * else, or that property cannot be missed. What is dropped holds all the same, by UNIT_SUB's files.
 */
const char *unit_unknown_drop(struct properties *p, const struct bus_event *why);

/* Remembers it in the state folder, so that the next start asks for it no more. */
void unit_unknown_remember(int state_fd, const char *name);
void unit_unknown_forget(int state_fd, struct properties *p); /* drops what is remembered */
