/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup/cgroup.h"

struct error;
struct limits_plan;
struct spec_device_rule;
struct spec_pairs;
struct systemd;

/*
 * Who makes and removes a container's cgroup: we by ourselves, systemd as a unit of its own, or
 * nobody. The rest of liboci sees this face only; what is common to all managers (freeze, kill,
 * pids, stats) works on manager.cgroup directly.
 */
enum manager_kind {
	MANAGER_CGROUPFS,
	MANAGER_SYSTEMD, /* cgroup/systemd.c */
	MANAGER_DISABLED,
};

const char *manager_kind_name(enum manager_kind kind); /* "cgroupfs" ... */
int manager_kind_parse(const char *name, enum manager_kind *ret, struct error *e);

struct manager_request {
	enum manager_kind kind;
	const char *id;
	const char *cgroups_path; /* linux.cgroupsPath as it stands; may be NULL */
	const char *parent; /* nothing is made outside of this clean path; NULL: anywhere */
	bool rootless;
	bool reuse; /* a cgroup that holds processes already is fine */
	const struct limits_plan *plan;
	const struct spec_pairs *annotations; /* systemd: properties that policy let through */
	pid_t pid; /* systemd: a scope needs a process to begin with. Else unused */
};

struct manager {
	enum manager_kind kind;
	struct cgroup cgroup;
	struct systemd *systemd; /* the bus, the job, the unit; NULL but under systemd */
};

#define MANAGER_INIT ((struct manager){ .cgroup = { .mount_fd = -1, .fd = -1 } })

/*
 * Where manager_begin() will make the cgroup, so that it can be written down before: a clean
 * path, "" where there will be none. dst holds CGROUP_PATH_MAX bytes.
 */
int manager_path(const struct manager_request *rq, char *dst, struct error *e);

#define MANAGER_TIMEOUT_MS 30000

/*
 * Begins to make the cgroup: cgroupfs has done so on return, systemd has been asked, and the
 * caller does other work until manager_ready(). Limits are not yet set. Rootless, without
 * permission, and where neither a path nor a limit is asked for: no cgroup, and no error, as
 * runc does it.
 */
int manager_begin(struct manager *m, const struct manager_request *rq, struct error *e);

/* manager.cgroup is there: before this nothing may be cloned into it. */
int manager_ready(struct manager *m, int timeout_ms, struct error *e);

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
int manager_open(struct manager *m, enum manager_kind kind, const char *path, struct error *e);

/* Removes it. The processes must have been killed; waits for them at most timeout_ms. */
int manager_remove(struct manager *m, int timeout_ms, struct error *e);

void manager_done(struct manager *m); /* removes nothing */
