/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup/cgroup.h"

struct error;
struct limits_plan;
struct spec_device_rule;
struct unit;

/*
 * Who makes and removes a container's cgroup: we by ourselves, systemd as a unit of its own, or
 * nobody. The rest of liboci sees this face only; what is common to all managers (freeze, kill,
 * pids, stats) works on manager.cgroup directly.
 */
enum manager_kind {
	MANAGER_CGROUPFS,
	MANAGER_SYSTEMD, /* cgroup/unit.h */
	MANAGER_DISABLED,
};

const char *manager_kind_name(enum manager_kind kind); /* "cgroupfs" ... */
int manager_kind_parse(const char *name, enum manager_kind *ret, struct error *e);

struct manager_request {
	enum manager_kind kind;
	const char *id;
	const char *cgroups_path; /* linux.cgroupsPath as it stands; may be NULL */
	const char *parent; /* nothing is made outside of this clean path; NULL: anywhere */
	bool rootless;      /* systemd: ask the user's own */
	bool reuse;         /* a cgroup that holds processes already is fine */
	const struct limits_plan *plan;
	/* systemd alone: */
	int state_fd;  /* the state folder: what this systemd lacks is remembered there, until
			  manager_ready(); -1 */
	int cancel_fd; /* readable: give up, -ECANCELED; -1 */
};

struct manager {
	enum manager_kind kind;
	struct cgroup cgroup;
	struct unit *unit; /* NULL but under systemd */
	bool unfinished;   /* its making was cut short: systemd may be at it still */
};

#define MANAGER_INIT ((struct manager){ .cgroup = { .mount_fd = -1, .fd = -1 } })

/*
 * Where manager_begin() will make the cgroup, so that it can be written down before: a clean
 * path, "" where there will be none. dst holds CGROUP_PATH_MAX bytes.
 */
int manager_path(struct manager *m, const struct manager_request *rq, char *dst,
		 struct error *e);

#define MANAGER_TIMEOUT_MS 30000

/*
 * Begins to make the cgroup: cgroupfs has done so on return, and the container's process is cloned
 * into it; what systemd is to be asked is put together. Limits are not yet set. Rootless, without
 * permission, and where neither a path nor a limit is asked for: no cgroup, and no error, as
 * runc does it.
 */
int manager_begin(struct manager *m, const struct manager_request *rq, struct error *e);

/*
 * systemd is asked, and the caller does other work until manager_ready(). A scope begins with a
 * process and ends with its last one: that is `pid`, a child of the caller's which does nothing
 * that a limit should hold until then; 0: an anchor of ours, until manager_limit(). Others: nothing.
 */
int manager_ask(struct manager *m, pid_t pid, struct error *e);

/*
 * manager.cgroup is there, and `pid` is in it: before this nothing may be cloned into it. `plan` is
 * the request's. systemd, with an anchor: the container's process must be in it before
 * manager_limit().
 */
int manager_ready(struct manager *m, const struct limits_plan *plan, int timeout_ms,
		  struct error *e);

/*
 * Moves a process of ours into `cg`, the container's cgroup or one below it, where the kernel
 * forbids us to clone it into there (-EACCES). Else -EACCES again.
 */
int manager_adopt(struct manager *m, const struct cgroup *cg, pid_t pid, struct error *e);

/*
 * Sets limits and the device rules (all of them, the defaults too), at start and on update.
 * `rules` NULL leaves the device filter alone.
 */
int manager_limit(struct manager *m, const struct limits_plan *plan,
		  const struct spec_device_rule *rules, size_t n_rules, struct error *e);

/*
 * For a container that exists: its kind and the clean path of its cgroup ("": none) as the
 * state has them. -ENOENT where the cgroup is gone; m is good for manager_remove() even then.
 */
int manager_open(struct manager *m, enum manager_kind kind, const char *path, bool rootless,
		 struct error *e);

/* It is there, and nothing will be asked for a while. */
void manager_rest(struct manager *m);

/* Removes it. The processes must have been killed; waits for them at most timeout_ms. */
int manager_remove(struct manager *m, int timeout_ms, struct error *e);

void manager_done(struct manager *m); /* removes nothing */
