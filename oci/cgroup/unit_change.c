/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/limits.h"
#include "cgroup/manager.h"
#include "cgroup/unit.h"

static int unit_set_properties(struct unit *u, struct properties *p, struct error *e)
{
	const struct bus_arg args[] = {
		{ BUS_TEXT, .text = u->name.name },
		{ BUS_FLAG, .flag = true }, /* not beyond the next boot */
		{ BUS_PROPERTIES, .properties = p },
	};
	uint64_t deadline = proc_now_ms() + MANAGER_TIMEOUT_MS;
	struct bus_event answer = { 0 };
	int r;

	for (;;) {
		if (p->n == 0)
			return 0;
		r = unit_ask(u, "SetUnitProperties", args, ARRAY_SIZE(args), deadline, &answer,
			     e);
		if (r <= 0)
			return r;
		if (!unit_unknown_drop(p, &answer))
			return unit_refused(u, "SetUnitProperties", &answer, e);
	}
}

/* The last word on TasksMax, which left room for what made the container. */
static int unit_finish_start(struct unit *u, struct error *e)
{
	struct properties p = { 0 };
	struct property tasks = { .name = limits_table[LIMIT_PIDS].property,
				  .type = PROPERTY_NUMBER,
				  .number = u->tasks_max };
	int r;

	anchor_end(&u->anchor);
	if (u->tasks_max == 0)
		return 0;
	r = properties_set(&p, &tasks, e);
	if (r == 0)
		r = unit_set_properties(u, &p, e);
	if (r == 0)
		u->tasks_max = 0;
	return r;
}

int unit_prepare(struct unit *u, const struct cgroup *cg, const struct limits_plan *plan,
		 struct error *e)
{
	struct limits_plan settled;
	int r;

	if (u->fresh)
		return 0;
	u->properties.n = 0;
	r = limits_settle(cg, plan, &u->arena, &settled, e);
	if (r == 0)
		r = properties_add_limits(&u->properties, &u->arena, &settled, e);
	if (r < 0 || u->properties.n == 0)
		return r;
	r = unit_connect(u, e);
	return r < 0 ? r : bus_flush(u->bus, proc_now_ms() + MANAGER_TIMEOUT_MS, e);
}

static int unit_update(struct unit *u, struct error *e)
{
	int r = unit_set_properties(u, &u->properties, e);

	if (r == 0)
		return 0;
	error_prefix(e, "the container's cgroup has its new limits, but its unit not");
	error_hint(e, "of two limits the tighter one holds: repeat the update when systemd "
		      "answers again");
	return r;
}

/*
 * The scope stands above UNIT_SUB, and what it lacks, UNIT_SUB cannot have: a burst, say. What
 * systemd has no property for it does not touch either. Not so the weight for BFQ, which systemd
 * writes for IOWeight, and what is no limit ("cgroup.max.depth").
 */
static int unit_limit_scope(struct unit *u, const struct limits_plan *plan, struct error *e)
{
	struct limits_plan rest = { .steps = arena_array(&u->arena, plan->n,
							 sizeof(struct limits_step)) };
	autocgroup scope = CGROUP_NONE;
	size_t i;
	int r;

	if (plan->n && !rest.steps)
		return error_set(e, ENOMEM, "limits of unit %s", u->name.name);
	for (i = 0; i < plan->n; i++) {
		const struct limits_step *s = &plan->steps[i];

		if ((s->row && s->row->property) || s->controller == CGROUP_CORE ||
		    (s->flags & LIMITS_ELSE_NEXT))
			continue;
		rest.steps[rest.n++] = *s;
	}
	if (rest.n == 0)
		return 0;
	r = cgroup_open(u->path, &scope, e);
	return r < 0 ? r : limits_apply(&scope, &rest, e);
}

int unit_limit(struct unit *u, const struct limits_plan *plan, struct error *e)
{
	int r = u->fresh ? unit_finish_start(u, e) : unit_update(u, e);

	return r < 0 || !plan ? r : unit_limit_scope(u, plan, e);
}

int unit_adopt(struct unit *u, const struct cgroup *cg, pid_t pid, struct error *e)
{
	const struct bus_arg args[] = {
		{ BUS_TEXT, .text = u->name.name },
		{ BUS_TEXT, .text = cg->path + strlen(u->path) },
		{ BUS_PIDS, .pid = pid },
	};
	uint64_t deadline = proc_now_ms() + MANAGER_TIMEOUT_MS;
	struct bus_event answer = { 0 };
	int r;

	if (!cgroup_path_below(cg->path, u->path))
		return error_say(e, EINVAL, "the cgroup %s is not of unit %s", cg->path,
				 u->name.name);
	r = unit_ask(u, "AttachProcessesToUnit", args, ARRAY_SIZE(args), deadline, &answer, e);
	return r > 0 ? unit_refused(u, "AttachProcessesToUnit", &answer, e) : r;
}
