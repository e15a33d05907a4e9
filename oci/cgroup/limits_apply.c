/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/limits.h"

#define CPU_MAX_NEW "max 100000" /* cpu.max of a new cgroup */

/* memory.checkBeforeUpdate: the kernel would kill to get below the new limit. */
static int apply_check_one(const struct cgroup *cg, const char *name, int64_t value,
			   uint64_t usage, struct error *e)
{
	if (value <= 0 || (uint64_t)value > usage)
		return 0;
	error_say(e, EBUSY,
		  "linux.resources.memory.%s is %" PRId64 ", but %" PRIu64
		  " bytes are in use in %s%s",
		  name, value, usage, CGROUP_MOUNT, cg->path);
	error_hint(
		e,
		"memory.checkBeforeUpdate is set: without it the kernel reclaims memory and, "
		"where that is not enough, kills processes of the container");
	return -EBUSY;
}

static int apply_check_usage(const struct cgroup *cg, const struct limits_plan *p,
			     struct error *e)
{
	uint64_t usage;
	int r;

	if (!p->check_usage || (p->memory_limit <= 0 && p->memory_swap <= 0))
		return 0;
	/* Without the file nothing is in use that we know of; writing will tell why. */
	if (cgroup_read_u64(cg, "memory.current", &usage, NULL) < 0)
		return 0;
	r = apply_check_one(cg, "swap", p->memory_swap, usage, e);
	return r < 0 ? r : apply_check_one(cg, "limit", p->memory_limit, usage, e);
}

static int apply_missing(const struct cgroup *cg, const struct limits_step *s, struct error *e)
{
	uint32_t have = 0;

	error_say(e, ENOTSUP, "%s: there is no file %s in the cgroup %s%s", s->json, s->file,
		  CGROUP_MOUNT, cg->path);
	cgroup_controllers(cg, &have, NULL);
	if (s->controller < CGROUP_CONTROLLERS && !(have & CGROUP_BIT(s->controller)))
		error_hint(e,
			   "the controller \"%s\" is not enabled there: add +%s to "
			   "cgroup.subtree_control of the cgroup above, or have it delegated",
			   cgroup_controller_name(s->controller),
			   cgroup_controller_name(s->controller));
	else if (s->row && s->row->hint)
		error_hint(e, "%s", s->row->hint);
	else
		error_hint(e, "this kernel does not have it: it is too old, or built without");
	return -ENOTSUP;
}

static int apply_failed(const struct cgroup *cg, const struct limits_step *s, const char *value,
			int errnum, struct error *e)
{
	char shown[160];

	if (errnum == ENOENT)
		return apply_missing(cg, s, e);
	error_set(e, errnum, "%s: write \"%s\" to %s%s/%s", s->json,
		  str_show(shown, sizeof(shown), value), CGROUP_MOUNT, cg->path, s->file);
	if (errnum == EINVAL || errnum == ERANGE || errnum == ENODEV)
		error_hint(e, "%s", s->row && s->row->hint ? s->row->hint : "");
	if (errnum == EACCES || errnum == EPERM)
		error_hint(e, "the file is not delegated to this user");
	return -errnum;
}

static int apply_write(const struct cgroup *cg, const char *file, const char *value)
{
	/* Nothing written would be nothing done. */
	return file_write(cg->fd, file, *value ? value : "\n");
}

static int apply_lines(const struct cgroup *cg, const struct limits_step *s)
{
	const char *p = s->value;

	while (*p) {
		size_t len = strcspn(p, "\n");
		char line[4096];
		int r;

		if (len >= sizeof(line))
			return -E2BIG;
		memcpy(line, p, len);
		line[len] = '\0';
		r = len ? apply_write(cg, s->file, line) : 0;
		if (r < 0)
			return r;
		p += len;
		p += *p == '\n';
	}
	return 0;
}

/* What a file says, or will say in a cgroup that is not there yet. */
static int apply_read(const struct cgroup *cg, const char *file, const char *in_new, char *dst,
		      size_t size)
{
	return cg ? file_read_line(cg->fd, file, dst, size) : str_copy(dst, size, in_new);
}

/* "max 100000" says the file and "50000" the step: "max 50000". */
static int apply_keep_quota(const struct cgroup *cg, const struct limits_step *s, char *dst,
			    size_t size, struct error *e)
{
	char now[64];
	int r;

	r = apply_read(cg, s->file, CPU_MAX_NEW, now, sizeof(now));
	if (r < 0)
		return apply_failed(cg, s, s->value, -r, e);
	now[strcspn(now, " ")] = '\0';
	return str_format(dst, size, "%s %s", now, s->value);
}

/* The step says how much memory and swap together: less what the limit of memory is. */
static int apply_less_limit(const struct cgroup *cg, const struct limits_step *s, char *dst,
			    size_t size, struct error *e)
{
	uint64_t both, memory;
	char now[64];
	int r;

	r = apply_read(cg, "memory.max", "max", now, sizeof(now));
	if (r < 0)
		return apply_failed(cg, s, s->value, -r, e);
	if (str_to_u64(now, &memory) < 0) {
		error_say(e, EINVAL, "%s is %s, but there is no memory.limit", s->json,
			  s->value);
		error_hint(e, "it limits memory and swap together: set memory.limit too");
		return -EINVAL;
	}
	if (str_to_u64(s->value, &both) < 0 || both < memory)
		return error_say(
			e, EINVAL,
			"%s is %s, which is less than memory.limit, %s: it limits memory "
			"and swap together",
			s->json, s->value, now);
	return str_format(dst, size, "%" PRIu64, both - memory);
}

/* What depends on what the cgroup has is settled, and the rest left as it is. */
static int apply_settle(const struct cgroup *cg, struct limits_step *s, char *dst, size_t size,
			struct error *e)
{
	int r = 0;

	if (s->flags & LIMITS_KEEP_QUOTA)
		r = apply_keep_quota(cg, s, dst, size, e);
	else if (s->flags & LIMITS_LESS_LIMIT)
		r = apply_less_limit(cg, s, dst, size, e);
	else
		return 0;
	s->value = dst;
	return r;
}

static int apply_step(const struct cgroup *cg, const struct limits_step *s)
{
	if (s->flags & LIMITS_BY_LINE)
		return apply_lines(cg, s);
	return apply_write(cg, s->file, s->value);
}

static int apply_again(const struct cgroup *cg, const struct limits_step *s, struct error *e)
{
	int r = apply_step(cg, s);

	return r < 0 ? apply_failed(cg, s, s->value, -r, e) : 0;
}

int limits_apply(const struct cgroup *cg, const struct limits_plan *p, struct error *e)
{
	const struct limits_step *again = NULL;
	size_t i;
	int r;

	if (p->n == 0)
		return 0;
	if (cg->fd < 0)
		return error_say(e, ENOTSUP, "%s: the container has no cgroup to limit",
				 p->steps[0].json);
	r = apply_check_usage(cg, p, e);

	for (i = 0; i < p->n && r == 0; i++) {
		struct limits_step s = p->steps[i];
		char value[128] = "";

		r = apply_settle(cg, &s, value, sizeof(value), e);
		if (r < 0)
			return r;
		r = apply_step(cg, &s);
		if (r == -EINVAL && (s.flags & LIMITS_RETRY)) {
			again = &p->steps[i];
			r = 0;
			continue;
		}
		if (r == -ENOENT && (s.flags & (LIMITS_SKIP_MISSING | LIMITS_ELSE_NEXT))) {
			r = 0;
			continue;
		}
		if (r < 0)
			return apply_failed(cg, &s, s.value, -r, e);
		if (s.flags & LIMITS_ELSE_NEXT)
			i++;
		if (again)
			r = apply_again(cg, again, e);
		again = NULL;
	}
	return r;
}

/* --- ahead of time ------------------------------------------------------------------------ */

/* A quota alone is a share of the period that stands; the next step of cpu.max builds on both. */
static int settle_cpu_max(struct limits_step *s, char *period, size_t size, struct arena *a)
{
	const char *space = strchr(s->value, ' ');

	if (space)
		return str_copy(period, size, space + 1);
	s->value = arena_printf(a, "%s %s", s->value, period);
	return s->value ? 0 : -ENOMEM;
}

static int settle_step(const struct cgroup *cg, struct limits_step *s, struct arena *a,
		       struct error *e)
{
	char value[128];
	int r;

	r = apply_settle(cg, s, value, sizeof(value), e);
	if (r < 0 || s->value != value)
		return r;
	s->flags &= ~(uint32_t)(LIMITS_KEEP_QUOTA | LIMITS_LESS_LIMIT);
	s->value = arena_strdup(a, value);
	return s->value ? 0 : error_set(e, ENOMEM, "settle the limits");
}

int limits_settle(const struct cgroup *cg, const struct limits_plan *p, struct arena *a,
		  struct limits_plan *ret, struct error *e)
{
	char cpu_max[64] = CPU_MAX_NEW, period[64];
	struct limits_step *steps = arena_array(a, p->n, sizeof(*steps));
	size_t i;
	int r = 0;

	if (p->n && !steps)
		return error_set(e, ENOMEM, "settle the limits");
	/* Where there is no such file, writing it will tell why. */
	if (cg)
		(void)file_read_line(cg->fd, "cpu.max", cpu_max, sizeof(cpu_max));
	strcpy(period, strchr(cpu_max, ' ') ? strchr(cpu_max, ' ') + 1 : "100000");

	for (i = 0; i < p->n && r == 0; i++) {
		steps[i] = p->steps[i];
		r = settle_step(cg, &steps[i], a, e);
		if (r == 0 && str_eq(steps[i].file, "cpu.max") &&
		    settle_cpu_max(&steps[i], period, sizeof(period), a) == -ENOMEM)
			r = error_set(e, ENOMEM, "settle the limits");
	}
	if (r < 0)
		return r;
	*ret = *p;
	ret->steps = steps;
	return 0;
}
