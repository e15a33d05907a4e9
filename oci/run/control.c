/* SPDX-License-Identifier: Apache-2.0 */

/* What is done to a running container from outside: signals, freezing, new limits. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/freeze.h"
#include "cgroup/kill.h"
#include "cgroup/limits.h"
#include "cgroup/manager.h"
#include "cgroup/pids.h"
#include "cgroup/stats.h"
#include "oci.h"
#include "run/container.h"
#include "run/guard.h"
#include "run/rdt.h"
#include "run/resources.h"
#include "spec/check.h"
#include "spec/spec.h"

static int control_not_running(const struct container *c, struct error *e)
{
	/* "container not running": words that containerd and podman look for. */
	return error_say(e, ESRCH, "container not running: \"%s\"", c->state.id);
}

static int control_kill_cgroup(const struct container *c, int signum, struct error *e)
{
	autocgroup cg = CGROUP_NONE;
	int r;

	r = container_open_cgroup(c, &cg, e);
	return r < 0 ? r : cgroup_kill(&cg, signum, e);
}

/* SIGKILL to the first process ends the others only with its own pid namespace. */
static int control_owns_pids(const struct container *c, struct error *e)
{
	struct spec spec = { 0 };
	const struct spec_namespace *n = &spec.linux_.namespaces[SPEC_NS_PID];
	int r;

	r = container_read_spec(c, &spec, e);
	if (r < 0)
		return r;
	r = n->present && !n->path;
	spec_done(&spec);
	return r;
}

int oci_kill(const struct oci_runtime *rt, const char *id, int signum, bool all,
	     struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autoclose int init_fd = -1;
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r < 0)
		return r;
	init_fd = container_open_init(&c);
	if (init_fd == -ESRCH && all && !str_empty(c.state.cgroup)) {
		r = control_kill_cgroup(&c, signum, e);
		return r == -ENOENT ? control_not_running(&c, e) : r;
	}
	if (init_fd == -ESRCH)
		return control_not_running(&c, e);
	if (init_fd < 0)
		return error_set(e, -init_fd, "container \"%s\": open its process", id);

	if (!all && signum == SIGKILL && !str_empty(c.state.cgroup)) {
		r = control_owns_pids(&c, e);
		if (r < 0)
			return r;
		all = r == 0;
	}
	if (all && !str_empty(c.state.cgroup))
		return control_kill_cgroup(&c, signum, e);
	r = proc_kill(init_fd, signum);
	if (r == -ESRCH)
		return control_not_running(&c, e);
	return r < 0 ? error_set(e, -r, "container \"%s\": send signal %d", id, signum) : 0;
}

static int control_set_frozen(const struct oci_runtime *rt, const char *id, bool frozen,
			      struct error *e)
{
	enum oci_status status = OCI_STOPPED, wanted = frozen ? OCI_RUNNING : OCI_PAUSED;
	const char *verb = frozen ? "pause" : "resume";
	autocontainer c = CONTAINER_INIT;
	autocgroup cg = CGROUP_NONE;
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r == 0)
		r = container_status(&c, &status, e);
	if (r < 0)
		return r;
	if (status != wanted && !(frozen && status == OCI_CREATED))
		return error_say(e, EINVAL, "cannot %s container \"%s\": it is %s", verb, id,
				 oci_status_name(status));
	r = container_open_cgroup(&c, &cg, e);
	if (r < 0)
		return r;
	return frozen ? cgroup_freeze(&cg, FREEZE_TIMEOUT_MS, e) : cgroup_thaw(&cg, e);
}

int oci_pause(const struct oci_runtime *rt, const char *id, struct error *e)
{
	return control_set_frozen(rt, id, true, e);
}

int oci_resume(const struct oci_runtime *rt, const char *id, struct error *e)
{
	return control_set_frozen(rt, id, false, e);
}

/*
 * memory.swap limits memory and swap together, cgroup v2 each by itself. A new limit of memory alone
 * leaves their sum as it was: what memory gets, swap loses.
 */
static int control_keep_sum(const struct cgroup *cg, struct spec_resources *r, struct error *e)
{
	uint64_t memory, swap, wanted = (uint64_t)r->memory_limit.value;

	if (!r->memory_limit.set || r->memory_limit.value <= 0 || r->memory_swap.set ||
	    cg->fd < 0 || cgroup_read_u64(cg, "memory.max", &memory, NULL) < 0 ||
	    memory == UINT64_MAX || cgroup_read_u64(cg, "memory.swap.max", &swap, NULL) < 0 ||
	    swap == UINT64_MAX || swap > INT64_MAX - memory)
		return 0;
	if (wanted > memory + swap) {
		error_say(e, EINVAL,
			  "linux.resources.memory.limit is %" PRIu64
			  ", but memory and swap together are limited to %" PRIu64,
			  wanted, memory + swap);
		error_hint(e, "raise memory.swap in the same update (--memory-swap)");
		return -EINVAL;
	}
	r->memory_swap = (struct opt_i64){ .set = true, .value = (int64_t)(memory + swap) };
	return 0;
}

static int control_update(struct container *c, struct arena *a, const struct spec_resources *r,
			  struct error *e)
{
	struct spec_resources whole = *r;
	struct manager m = MANAGER_INIT;
	struct limits_plan plan = { 0 };
	int ret;

	ret = spec_check_resources(r, "resources", e);
	if (ret == 0)
		ret = guard_update(c, &whole, a, e);
	if (ret == 0)
		ret = manager_open(&m, c->state.manager, c->state.cgroup, c->rt->rootless, e);
	if (ret == 0)
		ret = control_keep_sum(&m.cgroup, &whole, e);
	if (ret == 0)
		ret = limits_plan(a, &whole, &plan, e);
	if (ret == 0)
		ret = resources_apply(&m, &plan, &whole, 0, e);
	if (ret == 0)
		resources_tell_ignored(c->rt, &plan);
	manager_done(&m);
	return ret;
}

static int control_open_live(const struct oci_runtime *rt, const char *id, struct container *c,
			     struct error *e)
{
	enum oci_status status = OCI_STOPPED;
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, c, e);
	if (r == 0)
		r = container_status(c, &status, e);
	if (r < 0)
		return r;
	if (status == OCI_STOPPED || status == OCI_CREATING)
		return error_say(e, EINVAL, "cannot update container \"%s\": it is %s", id,
				 oci_status_name(status));
	return 0;
}

int oci_update(const struct oci_runtime *rt, const char *id, const struct spec_resources *r,
	       struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	struct arena arena;
	int ret;

	ret = control_open_live(rt, id, &c, e);
	if (ret < 0)
		return ret;
	arena_init(&arena, 1u << 20);
	ret = control_update(&c, &arena, r, e);
	arena_done(&arena);
	return ret;
}

int oci_update_rdt(const struct oci_runtime *rt, const char *id, const struct spec_intel_rdt *r,
		   struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autoclose int rdt_fd = -1;
	struct spec spec = { 0 };
	int ret;

	ret = control_open_live(rt, id, &c, e);
	if (ret == 0)
		ret = container_read_spec(&c, &spec, e);
	if (ret < 0)
		return ret;
	if (!spec.linux_.intel_rdt.present) {
		ret = error_say(e, EINVAL,
				"container \"%s\" has no linux.intelRdt that could be changed",
				id);
	} else {
		ret = rdt_fd = rdt_open(e);
		if (ret >= 0)
			ret = rdt_update(rdt_fd, &spec.linux_.intel_rdt, id, r, e);
	}
	spec_done(&spec);
	return ret;
}

int oci_pids(const struct oci_runtime *rt, const char *id, pid_t **ret, size_t *n,
	     struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autocgroup cg = CGROUP_NONE;
	struct cgroup_pids pids = { 0 };
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r == 0)
		r = container_open_cgroup(&c, &cg, e);
	if (r == 0)
		r = cgroup_pids(&cg, &pids, e);
	if (r < 0)
		return r;
	*ret = pids.v;
	*n = pids.n;
	return 0;
}

int oci_stats(const struct oci_runtime *rt, const char *id, struct cgroup_stats *ret,
	      struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autocgroup cg = CGROUP_NONE;
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r == 0)
		r = container_open_cgroup(&c, &cg, e);
	return r < 0 ? r : cgroup_stats_read(&cg, ret, e);
}
