/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/manager.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/create.h"
#include "cgroup/devices.h"
#include "cgroup/limits.h"
#include "cgroup/path.h"
#include "cgroup/remove.h"
#include "cgroup/unit.h"

static const char *const manager_names[] = {
	[MANAGER_CGROUPFS] = "cgroupfs",
	[MANAGER_SYSTEMD] = "systemd",
	[MANAGER_DISABLED] = "disabled",
};

const char *manager_kind_name(enum manager_kind kind)
{
	return manager_names[kind];
}

int manager_kind_parse(const char *name, enum manager_kind *ret, struct error *e)
{
	char shown[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(manager_names); i++) {
		if (!str_eq(name, manager_names[i]))
			continue;
		*ret = (enum manager_kind)i;
		return 0;
	}
	return error_say(
		e, EINVAL,
		"\"%s\" is no cgroup manager: there are cgroupfs, systemd and disabled",
		str_show(shown, sizeof(shown), name));
}

/* --- cgroupfs ----------------------------------------------------------------------------- */

static int cgroupfs_path(const struct manager_request *rq, char *path, struct error *e)
{
	char own[CGROUP_PATH_MAX] = "";
	int r;

	if (str_empty(rq->cgroups_path) || rq->cgroups_path[0] != '/') {
		r = cgroup_path_of(0, own, e);
		if (r < 0)
			return r;
	}
	r = cgroup_path(rq->cgroups_path, rq->id, own, path, e);
	if (r < 0)
		return r;
	if (rq->parent && !cgroup_path_below(path, rq->parent)) {
		error_say(e, EPERM,
			  "the cgroup %s is outside of %s, where policy keeps containers", path,
			  rq->parent);
		error_hint(e, "choose a linux.cgroupsPath below %s", rq->parent);
		return -EPERM;
	}
	return 0;
}

/*
 * Nobody asked for a cgroup, and none can be had: an ordinary user without delegation, also one that is root in a user
 * namespace of his own.
 */
static bool cgroupfs_goes_without(const struct manager_request *rq, int r)
{
	return (r == -EACCES || r == -EPERM || r == -EROFS || r == -ENOTSUP) &&
	       str_empty(rq->cgroups_path) && !rq->parent && !(rq->plan && rq->plan->n) &&
	       (rq->rootless || !proc_in_first_userns());
}

static int cgroupfs_begin(struct manager *m, const struct manager_request *rq, struct error *e)
{
	struct cgroup_create_options opt = { .reuse = rq->reuse, .plan = rq->plan };
	char path[CGROUP_PATH_MAX];
	int r;

	r = cgroupfs_path(rq, path, e);
	if (r == 0)
		r = cgroup_create(path, &opt, &m->cgroup, e);
	if (r < 0 && cgroupfs_goes_without(rq, r)) {
		log_debug("no cgroup: %s", e ? e->text : "not permitted");
		return 0;
	}
	return r;
}

/* --- systemd ------------------------------------------------------------------------------ */

static int systemd_path(struct manager *m, const struct manager_request *rq, char *path,
			struct error *e)
{
	int r = m->unit ? 0 : unit_new(rq, &m->unit, e);

	return r < 0 ? r : unit_sub_path(m->unit, path, e);
}

static int systemd_begin(struct manager *m, const struct manager_request *rq, struct error *e)
{
	int r = m->unit ? 0 : unit_new(rq, &m->unit, e);

	return r < 0 ? r : unit_begin(m->unit, rq, e);
}

/* --- the face ----------------------------------------------------------------------------- */

int manager_path(struct manager *m, const struct manager_request *rq, char *dst,
		 struct error *e)
{
	int r;

	dst[0] = '\0';
	switch (rq->kind) {
	case MANAGER_CGROUPFS:
		r = cgroupfs_path(rq, dst, e);
		return cgroupfs_goes_without(rq, r) ? 0 : r;
	case MANAGER_SYSTEMD:
		return systemd_path(m, rq, dst, e);
	case MANAGER_DISABLED:
		return 0;
	}
	return -EINVAL;
}

int manager_begin(struct manager *m, const struct manager_request *rq, struct error *e)
{
	m->kind = rq->kind;
	switch (rq->kind) {
	case MANAGER_CGROUPFS:
		return cgroupfs_begin(m, rq, e);
	case MANAGER_SYSTEMD:
		return systemd_begin(m, rq, e);
	case MANAGER_DISABLED:
		return 0;
	}
	return -EINVAL;
}

int manager_ask(struct manager *m, pid_t pid, struct error *e)
{
	return m->unit ? unit_ask_start(m->unit, pid, e) : 0;
}

int manager_ready(struct manager *m, const struct limits_plan *plan, int timeout_ms,
		  struct error *e)
{
	return m->unit ? unit_ready(m->unit, plan, timeout_ms, &m->cgroup, e) : 0;
}

int manager_adopt(struct manager *m, const struct cgroup *cg, pid_t pid, struct error *e)
{
	if (m->unit)
		return unit_adopt(m->unit, cg, pid, e);
	error_say(e, EACCES, "the cgroup %s%s may not be entered from the one we are in",
		  CGROUP_MOUNT, cg->path);
	error_hint(e,
		   "the cgroup above both belongs to somebody else: use --systemd-cgroup, or "
		   "start from a cgroup below one that is delegated to this user");
	return -EACCES;
}

int manager_limit(struct manager *m, const struct limits_plan *plan,
		  const struct spec_device_rule *rules, size_t n_rules, struct error *e)
{
	int r = 0;

	/* Disabled by the caller's own wish, or rootless with nothing to limit. */
	if (m->cgroup.fd < 0)
		return 0;
	if (m->unit && plan)
		r = unit_prepare(m->unit, &m->cgroup, plan, e);
	if (r == 0 && plan)
		r = limits_apply(&m->cgroup, plan, e);
	if (r == 0 && m->unit)
		r = unit_limit(m->unit, plan, e);
	if (r == 0 && rules)
		r = devices_apply(&m->cgroup, rules, n_rules, e);
	if (r > 0)
		log_debug("no device filter: not permitted in this user namespace");
	return r < 0 ? r : 0;
}

int manager_open(struct manager *m, enum manager_kind kind, const char *path, bool rootless,
		 struct error *e)
{
	int r = 0;

	m->kind = kind;
	if (str_empty(path))
		return 0;
	if (kind == MANAGER_SYSTEMD)
		r = unit_find(path, rootless, &m->unit, e);
	return r < 0 ? r : cgroup_open(path, &m->cgroup, e);
}

void manager_rest(struct manager *m)
{
	if (m->unit)
		unit_rest(m->unit);
}

int manager_remove(struct manager *m, int timeout_ms, struct error *e)
{
	int r = 0;

	if (m->cgroup.mount_fd >= 0 && m->unit)
		anchor_end(&m->unit->anchor);
	if (m->cgroup.mount_fd >= 0)
		r = cgroup_remove(&m->cgroup, timeout_ms, e);
	if (m->unit)
		m->unit->unfinished = m->unfinished;
	if (r == 0 && m->unit)
		r = unit_remove(m->unit, timeout_ms, e);
	return r;
}

void manager_done(struct manager *m)
{
	cgroup_done(&m->cgroup);
	unit_free(m->unit);
	*m = MANAGER_INIT;
}
