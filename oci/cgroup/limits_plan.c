/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/limits.h"
#include "spec/spec.h"

#define RESOURCES "linux.resources."

/* --- building ----------------------------------------------------------------------------- */

struct builder {
	struct arena *arena;
	const struct spec_resources *r;
	struct limits_plan plan;
};

static const char *plan_json(struct builder *b, enum limits_id id)
{
	return arena_printf(b->arena, RESOURCES "%s", limits_table[id].json);
}

static const char *plan_json_at(struct builder *b, enum limits_id id, size_t i)
{
	return arena_printf(b->arena, RESOURCES "%s[%zu]", limits_table[id].json, i);
}

static void plan_put(struct builder *b, const struct limits_step *step)
{
	b->plan.steps[b->plan.n++] = *step;
	if (step->controller < CGROUP_CONTROLLERS)
		b->plan.controllers |= CGROUP_BIT(step->controller);
}

static void plan_add_at(struct builder *b, enum limits_id id, const char *json,
			const char *value, uint32_t flags)
{
	const struct limits_row *t = &limits_table[id];

	plan_put(b, &(struct limits_step){ .row = t,
					   .json = json,
					   .file = t->file,
					   .value = value,
					   .controller = t->controller,
					   .flags = flags });
}

static void plan_add(struct builder *b, enum limits_id id, const char *value, uint32_t flags)
{
	plan_add_at(b, id, plan_json(b, id), value, flags);
}

static void plan_ignore(struct builder *b, const char *json)
{
	b->plan.ignored[b->plan.n_ignored++] = json;
}

static const char *number(struct builder *b, uint64_t value)
{
	return arena_printf(b->arena, "%" PRIu64, value);
}

/* -1 is "max", as cgroup v1 had it. */
static const char *limit(struct builder *b, int64_t value)
{
	return value == -1 ? "max" : number(b, (uint64_t)value);
}

/* --- the resources, in the order of writing ----------------------------------------------- */

static void plan_pids(struct builder *b)
{
	const struct opt_i64 *l = &b->r->pids_limit;

	/*
	 * Nothing could be cloned into a cgroup with pids.max 0, and systemd has no such value.
	 * With 1 the container's process is there and can make no other: the same limit.
	 */
	if (l->set)
		plan_add(b, LIMIT_PIDS,
			 l->value < 0 ? "max" : number(b, l->value ? l->value : 1), 0);
}

static int memory_check(const struct opt_i64 *v, enum limits_id id, struct error *e)
{
	if (!v->set || v->value >= -1)
		return 0;
	return error_say(e, EINVAL,
			 RESOURCES "%s is %" PRId64 ": it is a number of bytes, or -1 for no "
				   "limit",
			 limits_table[id].json, v->value);
}

/* OCI counts memory and swap together; the file counts swap alone. */
static int plan_swap(struct builder *b, struct error *e)
{
	int64_t memory = b->r->memory_limit.set ? b->r->memory_limit.value : 0;
	int64_t both = b->r->memory_swap.set ? b->r->memory_swap.value : 0;

	/* Without swap in the kernel there is no file, and nothing to forbid. */
	if (both == -1 || (!b->r->memory_swap.set && memory == -1)) {
		plan_add(b, LIMIT_MEMORY_SWAP, "max", LIMITS_SKIP_MISSING);
	} else if (b->r->memory_swap.set && both == 0) {
		/* Whatever memory has of it, nothing is left for swap. */
		plan_add(b, LIMIT_MEMORY_SWAP, "0", LIMITS_SKIP_MISSING);
	} else if (both > 0 && memory == 0) {
		plan_add(b, LIMIT_MEMORY_SWAP, number(b, (uint64_t)both), LIMITS_LESS_LIMIT);
	} else if (both > 0 && memory < 0) {
		return error_say(e, EINVAL,
				 RESOURCES
				 "memory.swap is %" PRId64
				 ", but memory.limit is -1: it limits memory and swap "
				 "together",
				 both);
	} else if (both > 0 && both < memory) {
		return error_say(e, EINVAL,
				 RESOURCES "memory.swap is %" PRId64
					   ", which is less than memory.limit, %" PRId64
					   ": it limits memory and swap together",
				 both, memory);
	} else if (both > 0) {
		plan_add(b, LIMIT_MEMORY_SWAP, number(b, (uint64_t)(both - memory)),
			 both == memory ? LIMITS_SKIP_MISSING : 0);
	}
	return 0;
}

static int plan_memory(struct builder *b, struct error *e)
{
	const struct spec_resources *r = b->r;
	int err;

	if ((err = memory_check(&r->memory_limit, LIMIT_MEMORY_LIMIT, e)) < 0 ||
	    (err = memory_check(&r->memory_swap, LIMIT_MEMORY_SWAP, e)) < 0 ||
	    (err = memory_check(&r->memory_reservation, LIMIT_MEMORY_RESERVATION, e)) < 0 ||
	    (err = plan_swap(b, e)) < 0)
		return err;
	if (r->memory_limit.set && r->memory_limit.value != 0)
		plan_add(b, LIMIT_MEMORY_LIMIT, limit(b, r->memory_limit.value), 0);
	if (r->memory_reservation.set && r->memory_reservation.value != 0)
		plan_add(b, LIMIT_MEMORY_RESERVATION, limit(b, r->memory_reservation.value), 0);

	b->plan.check_usage = r->memory_check_before_update;
	b->plan.memory_limit = r->memory_limit.set ? r->memory_limit.value : 0;
	b->plan.memory_swap = r->memory_swap.set ? r->memory_swap.value : 0;
	return 0;
}

static int device_check(int64_t major, int64_t minor, const char *json, struct error *e)
{
	if (major >= 0 && major <= UINT32_MAX && minor >= 0 && minor <= UINT32_MAX)
		return 0;
	return error_say(e, EINVAL, "%s: %" PRId64 ":%" PRId64 " is no device number", json,
			 major, minor);
}

static int weight_check(uint64_t weight, const char *json, struct error *e)
{
	if (weight >= 10 && weight <= 1000)
		return 0;
	return error_say(e, EINVAL, "%s: the weight %" PRIu64 " is not in 10 to 1000", json,
			 weight);
}

/* BFQ, where the kernel has it, takes the weight as it stands; the others' scale is wider. */
static int plan_io_weight(struct builder *b, struct error *e)
{
	const struct spec_resources *r = b->r;
	uint64_t weight = r->blkio_weight.set ? r->blkio_weight.value : 0;
	size_t i;
	int err;

	if (weight) {
		const char *json = plan_json(b, LIMIT_IO_WEIGHT);

		err = weight_check(weight, json, e);
		if (err < 0)
			return err;
		plan_add_at(b, LIMIT_BFQ_WEIGHT, json, number(b, weight), LIMITS_ELSE_NEXT);
		plan_add_at(b, LIMIT_IO_WEIGHT, json, number(b, limits_io_weight(weight)), 0);
	}
	for (i = 0; i < r->n_blkio_weight_devices; i++) {
		const struct spec_weight_device *d = &r->blkio_weight_devices[i];
		const char *json = plan_json_at(b, LIMIT_IO_WEIGHT_DEVICE, i);

		if (d->leaf_weight.set)
			plan_ignore(b, arena_printf(b->arena, "%s.leafWeight", json));
		if (!d->weight.set || d->weight.value == 0)
			continue;
		if ((err = device_check(d->major, d->minor, json, e)) < 0 ||
		    (err = weight_check(d->weight.value, json, e)) < 0)
			return err;
		plan_add_at(b, LIMIT_BFQ_WEIGHT_DEVICE, json,
			    arena_printf(b->arena, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major,
					 d->minor, d->weight.value),
			    LIMITS_ELSE_NEXT);
		plan_add_at(b, LIMIT_IO_WEIGHT_DEVICE, json,
			    arena_printf(b->arena, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major,
					 d->minor, limits_io_weight(d->weight.value)),
			    0);
	}
	return 0;
}

static int plan_throttles(struct builder *b, enum limits_id id, const struct spec_throttles *t,
			  const char *key, struct error *e)
{
	size_t i;
	int err;

	for (i = 0; i < t->n; i++) {
		const struct spec_throttle_device *d = &t->v[i];
		const char *json = plan_json_at(b, id, i);

		err = device_check(d->major, d->minor, json, e);
		if (err < 0)
			return err;
		/* 0 took a limit away in cgroup v1; the kernel refuses it in v2. */
		plan_add_at(b, id, json,
			    arena_printf(b->arena, "%" PRId64 ":%" PRId64 " %s=%s", d->major,
					 d->minor, key, d->rate ? number(b, d->rate) : "max"),
			    0);
	}
	return 0;
}

static int plan_io(struct builder *b, struct error *e)
{
	const struct spec_resources *r = b->r;
	int err;

	if ((err = plan_io_weight(b, e)) < 0 ||
	    (err = plan_throttles(b, LIMIT_READ_BPS, &r->throttle_read_bps, "rbps", e)) < 0 ||
	    (err = plan_throttles(b, LIMIT_WRITE_BPS, &r->throttle_write_bps, "wbps", e)) < 0 ||
	    (err = plan_throttles(b, LIMIT_READ_IOPS, &r->throttle_read_iops, "riops", e)) <
		    0 ||
	    (err = plan_throttles(b, LIMIT_WRITE_IOPS, &r->throttle_write_iops, "wiops", e)) <
		    0)
		return err;
	return 0;
}

static void plan_cpu_max(struct builder *b)
{
	const struct spec_resources *r = b->r;
	int64_t quota = r->cpu_quota.set ? r->cpu_quota.value : 0;
	uint64_t period = r->cpu_period.set ? r->cpu_period.value : 0;
	const char *text;

	if (quota == 0 && period == 0)
		return;
	if (quota == 0) {
		plan_add(b, LIMIT_CPU_PERIOD, number(b, period), LIMITS_KEEP_QUOTA);
		return;
	}
	/* One word alone leaves the period as it is: 100000 in a new cgroup. */
	text = quota < 0 ? "max" : number(b, (uint64_t)quota);
	if (period)
		text = arena_printf(b->arena, "%s %" PRIu64, text, period);
	plan_add(b, LIMIT_CPU_QUOTA, text, 0);
}

static int plan_cpu(struct builder *b, struct error *e)
{
	const struct spec_resources *r = b->r;
	bool quota = (r->cpu_quota.set && r->cpu_quota.value) ||
		     (r->cpu_period.set && r->cpu_period.value);

	if (r->cpu_idle.set) {
		if (r->cpu_idle.value != 0 && r->cpu_idle.value != 1)
			return error_say(e, EINVAL,
					 RESOURCES "cpu.idle is %" PRId64
						   ": it is 0 (ordinary) or 1 (idle)",
					 r->cpu_idle.value);
		plan_add(b, LIMIT_CPU_IDLE, r->cpu_idle.value ? "1" : "0", 0);
	}
	if (r->cpu_shares.set && r->cpu_shares.value) {
		/* The kernel refuses a weight for what only gets what is left over. */
		if (r->cpu_idle.set && r->cpu_idle.value)
			plan_ignore(b, RESOURCES "cpu.shares");
		else
			plan_add(b, LIMIT_CPU_SHARES,
				 number(b, limits_cpu_weight(r->cpu_shares.value)), 0);
	}
	if (r->cpu_burst.set)
		plan_add(b, LIMIT_CPU_BURST, number(b, r->cpu_burst.value),
			 quota ? LIMITS_RETRY : 0);
	plan_cpu_max(b);
	return 0;
}

static void plan_cpuset(struct builder *b)
{
	if (!str_empty(b->r->cpu_cpus))
		plan_add(b, LIMIT_CPU_CPUS, b->r->cpu_cpus, 0);
	if (!str_empty(b->r->cpu_mems))
		plan_add(b, LIMIT_CPU_MEMS, b->r->cpu_mems, 0);
}

/* It becomes part of a file's name. */
static bool page_size_valid(const char *s)
{
	size_t digits = s ? strspn(s, "0123456789") : 0;

	return digits > 0 && digits < 20 &&
	       (str_eq(s + digits, "KB") || str_eq(s + digits, "MB") ||
		str_eq(s + digits, "GB"));
}

static int plan_hugetlb(struct builder *b, struct error *e)
{
	size_t i;

	for (i = 0; i < b->r->n_hugepages; i++) {
		const struct spec_hugepage_limit *h = &b->r->hugepages[i];
		struct limits_step step = {
			.row = &limits_table[LIMIT_HUGETLB],
			.json = plan_json_at(b, LIMIT_HUGETLB, i),
			.value = number(b, h->limit),
			.controller = CGROUP_HUGETLB,
		};
		char shown[64];

		if (!page_size_valid(h->page_size))
			return error_say(e, EINVAL,
					 RESOURCES "hugepageLimits[%zu].pageSize is \"%s\": it "
						   "has the form 64KB, 2MB or 1GB",
					 i, str_show(shown, sizeof(shown), h->page_size ?: ""));
		step.file = arena_printf(b->arena, "hugetlb.%s.max", h->page_size);
		plan_put(b, &step);

		/* Reservations, since Linux 5.7: without it a limit kills by SIGBUS. */
		step.row = &limits_table[LIMIT_HUGETLB_RSVD];
		step.file = arena_printf(b->arena, "hugetlb.%s.rsvd.max", h->page_size);
		step.flags = LIMITS_SKIP_MISSING;
		plan_put(b, &step);
	}
	return 0;
}

static int plan_rdma(struct builder *b, struct error *e)
{
	size_t i;

	for (i = 0; i < b->r->n_rdma; i++) {
		const struct spec_rdma *d = &b->r->rdma[i];
		char shown[64];

		if (str_empty(d->device) || strpbrk(d->device, " \t\n="))
			return error_say(e, EINVAL,
					 RESOURCES "rdma: \"%s\" is no device's name",
					 str_show(shown, sizeof(shown), d->device ?: ""));
		if (!d->hca_handles.set && !d->hca_objects.set)
			continue;
		plan_add_at(
			b, LIMIT_RDMA,
			arena_printf(b->arena, RESOURCES "rdma[\"%s\"]", d->device),
			arena_printf(b->arena, "%s%s%s%s%s", d->device,
				     d->hca_handles.set ? " hca_handle=" : "",
				     d->hca_handles.set ? number(b, d->hca_handles.value) : "",
				     d->hca_objects.set ? " hca_object=" : "",
				     d->hca_objects.set ? number(b, d->hca_objects.value) : ""),
			0);
	}
	return 0;
}

/* These are no limits: they move, stop or kill processes, of the container or of others. */
static const char *const unified_refused[] = {
	"cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "cgroup.type",
};

static const char *unified_fault(const char *key)
{
	size_t i;

	if (strchr(key, '/'))
		return "it is the name of a file in the cgroup and can hold no '/'";
	if (!strchr(key, '.') || key[0] == '.' || strlen(key) > NAME_MAX)
		return "it is the name of a file in the cgroup, such as \"memory.high\"";
	for (i = 0; key[i]; i++)
		if (!isgraph((unsigned char)key[i]))
			return "it is the name of a file in the cgroup, in plain characters";
	for (i = 0; i < ARRAY_SIZE(unified_refused); i++)
		if (str_eq(key, unified_refused[i]))
			return "it sets no limit, but moves, stops or kills processes";
	return NULL;
}

static enum cgroup_controller unified_controller(const char *key)
{
	size_t len = strcspn(key, "."), i;

	/* Pressure is told for every cgroup, whatever its controllers. */
	if (str_ends(key, ".pressure"))
		return CGROUP_CORE;
	for (i = 0; i < CGROUP_CONTROLLERS; i++)
		if (strlen(cgroup_controller_name(i)) == len &&
		    strncmp(key, cgroup_controller_name(i), len) == 0)
			return i;
	return CGROUP_CORE;
}

static int plan_unified(struct builder *b, struct error *e)
{
	size_t i;

	for (i = 0; i < b->r->unified.n; i++) {
		const struct spec_pair *p = &b->r->unified.v[i];
		const char *fault = unified_fault(p->key);
		char shown[64];

		if (fault)
			return error_say(e, EINVAL, RESOURCES "unified[\"%s\"]: %s",
					 str_show(shown, sizeof(shown), p->key), fault);
		plan_put(b, &(struct limits_step){
				    .row = limits_row_of(p->key),
				    .json = arena_printf(b->arena, RESOURCES "unified[\"%s\"]",
							 p->key),
				    .file = p->key,
				    .value = p->value,
				    .controller = unified_controller(p->key),
				    .flags = strchr(p->value, '\n') ? LIMITS_BY_LINE : 0 });
	}
	return 0;
}

static void plan_ignored(struct builder *b)
{
	const struct spec_resources *r = b->r;

	if (r->memory_kernel.set)
		plan_ignore(b, RESOURCES "memory.kernel");
	if (r->memory_kernel_tcp.set)
		plan_ignore(b, RESOURCES "memory.kernelTCP");
	if (r->memory_swappiness.set)
		plan_ignore(b, RESOURCES "memory.swappiness");
	if (r->disable_oom_killer)
		plan_ignore(b, RESOURCES "memory.disableOOMKiller");
	if (r->cpu_rt_runtime.set)
		plan_ignore(b, RESOURCES "cpu.realtimeRuntime");
	if (r->cpu_rt_period.set)
		plan_ignore(b, RESOURCES "cpu.realtimePeriod");
	if (r->blkio_leaf_weight.set)
		plan_ignore(b, RESOURCES "blockIO.leafWeight");
	if (r->network_class_id.set)
		plan_ignore(b, RESOURCES "network.classID");
	if (r->network_priorities)
		plan_ignore(b, RESOURCES "network.priorities");
}

int limits_plan(struct arena *a, const struct spec_resources *r, struct limits_plan *ret,
		struct error *e)
{
	struct builder b = { .arena = a, .r = r };
	size_t most = LIMIT_MEMORY_HIGH + 2 * r->n_blkio_weight_devices +
		      r->throttle_read_bps.n + r->throttle_write_bps.n +
		      r->throttle_read_iops.n + r->throttle_write_iops.n + 2 * r->n_hugepages +
		      r->n_rdma + r->unified.n;
	int err;

	b.plan.steps = arena_array(a, most, sizeof(*b.plan.steps));
	b.plan.ignored =
		arena_array(a, 16 + r->n_blkio_weight_devices, sizeof(*b.plan.ignored));
	if (!b.plan.steps || !b.plan.ignored)
		return error_set(e, ENOMEM, "plan the limits");

	plan_pids(&b);
	if ((err = plan_memory(&b, e)) < 0 || (err = plan_io(&b, e)) < 0 ||
	    (err = plan_cpu(&b, e)) < 0)
		return err;
	plan_cpuset(&b);
	if ((err = plan_hugetlb(&b, e)) < 0 || (err = plan_rdma(&b, e)) < 0 ||
	    (err = plan_unified(&b, e)) < 0)
		return err;
	plan_ignored(&b);
	if (a->failed)
		return error_set(e, ENOMEM, "plan the limits");
	*ret = b.plan;
	return 0;
}

const struct limits_step *limits_first_of(const struct limits_plan *p, enum cgroup_controller c)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->steps[i].controller == c)
			return &p->steps[i];
	return NULL;
}
