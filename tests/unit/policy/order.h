/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>
#include <sys/mount.h>

#include "base/str.h"
#include "policy/field.h"
#include "policy/merge.h"
#include "spec/spec.h"

/*
 * The order that policies live in: does `b` allow anything that `a` does not? Written apart from the
 * meets, field by field, by what each value lets a container do. Also a host that is none.
 */

#define ORDER_NATIVE 1u

static uint64_t order_rlimit(const struct spec *s, const struct policy_facts *f, int resource,
			     bool hard)
{
	struct rlimit own;
	size_t i;

	for (i = 0; i < s->process.n_rlimits; i++)
		if (s->process.rlimits[i].resource == resource)
			return hard ? s->process.rlimits[i].hard : s->process.rlimits[i].soft;
	f->inherited_rlimit(f->arg, resource, &own);
	return hard ? own.rlim_max : own.rlim_cur;
}

static bool order_has_all(const struct spec_strings *more, const struct spec_strings *less)
{
	size_t i;

	for (i = 0; i < less->n; i++)
		if (!merge_has(more, less->v[i]))
			return false;
	return true;
}

/* As the kernel's filter decides: the last rule that names the device and the access. */
static bool order_device(const struct spec_resources *r, char type, int64_t major,
			 int64_t minor, uint32_t access)
{
	bool allowed = false;
	size_t i;

	for (i = 0; i < r->n_devices; i++) {
		const struct spec_device_rule *d = &r->devices[i];

		if ((d->type == 'a' || d->type == type) && (d->access & access) &&
		    (d->major == SPEC_DEVICE_ANY || d->major == major) &&
		    (d->minor == SPEC_DEVICE_ANY || d->minor == minor))
			allowed = d->allow;
	}
	return allowed;
}

static bool order_devices(const struct spec_resources *a, const struct spec_resources *b)
{
	int major, minor, bit, type;

	for (type = 0; type < 2; type++)
		for (major = 0; major < 4; major++)
			for (minor = 0; minor < 4; minor++)
				for (bit = 0; bit < 3; bit++)
					if (order_device(b, "cb"[type], major, minor,
							 1u << bit) &&
					    !order_device(a, "cb"[type], major, minor,
							  1u << bit))
						return false;
	return true;
}

static const char *order_unified(const struct spec_resources *r, const char *key)
{
	const char *v = NULL;
	size_t i;

	for (i = 0; i < r->unified.n; i++)
		if (str_eq(r->unified.v[i].key, key))
			v = r->unified.v[i].value;
	return v;
}

static uint64_t order_number(const char *text)
{
	uint64_t v = UINT64_MAX;

	(void)str_to_u64(text, &v);
	return v;
}

static uint64_t order_memory(const struct spec_resources *r)
{
	const char *u = order_unified(r, "memory.max");

	if (u)
		return order_number(u);
	return r->memory_limit.set && r->memory_limit.value > 0
		       ? (uint64_t)r->memory_limit.value
		       : UINT64_MAX;
}

static uint64_t order_swap(const struct spec_resources *r)
{
	const char *u = order_unified(r, "memory.swap.max");

	if (u)
		return order_number(u);
	if (!r->memory_swap.set || r->memory_swap.value <= 0 || !r->memory_limit.set ||
	    r->memory_limit.value <= 0)
		return UINT64_MAX;
	return (uint64_t)(r->memory_swap.value - r->memory_limit.value);
}

static uint64_t order_pids(const struct spec_resources *r)
{
	const char *u = order_unified(r, "pids.max");

	if (u)
		return order_number(u);
	return r->pids_limit.set && r->pids_limit.value >= 0 ? (uint64_t)r->pids_limit.value
							     : UINT64_MAX;
}

static double order_cpu(const struct spec_resources *r)
{
	double period = r->cpu_period.set && r->cpu_period.value ? (double)r->cpu_period.value
								 : 100000.0;

	return r->cpu_quota.set && r->cpu_quota.value > 0 ? (double)r->cpu_quota.value / period
							  : 1e18;
}

static uint64_t order_throttle(const struct spec_throttles *t, int64_t minor)
{
	uint64_t rate = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].major == 8 && t->v[i].minor == minor)
			rate = t->v[i].rate;
	return rate ? rate : UINT64_MAX;
}

static uint64_t order_pages(const struct spec_resources *r, const char *size)
{
	uint64_t limit = UINT64_MAX;
	size_t i;

	for (i = 0; i < r->n_hugepages; i++)
		if (str_eq(r->hugepages[i].page_size, size))
			limit = r->hugepages[i].limit;
	return limit;
}

static uint64_t order_rdma(const struct spec_resources *r, const char *device, bool objects)
{
	uint64_t limit = UINT64_MAX;
	size_t i;

	for (i = 0; i < r->n_rdma; i++) {
		const struct opt_u64 *v =
			objects ? &r->rdma[i].hca_objects : &r->rdma[i].hca_handles;

		if (str_eq(r->rdma[i].device, device) && v->set)
			limit = v->value;
	}
	return limit;
}

/* Limits of devices: of the kernel's, the last one written holds. */
static const char *order_device_limits(const struct spec_resources *a,
				       const struct spec_resources *b)
{
	static const char *const sizes[] = { "2MB", "1GB", "64KB" }, *const adapters[] = {
		"mlx0", "mlx1", "mlx2"
	};
	int64_t i;

	for (i = 0; i < 3; i++) {
		if (order_throttle(&b->throttle_read_bps, i) >
			    order_throttle(&a->throttle_read_bps, i) ||
		    order_throttle(&b->throttle_write_bps, i) >
			    order_throttle(&a->throttle_write_bps, i) ||
		    order_throttle(&b->throttle_read_iops, i) >
			    order_throttle(&a->throttle_read_iops, i) ||
		    order_throttle(&b->throttle_write_iops, i) >
			    order_throttle(&a->throttle_write_iops, i))
			return "linux.resources.blockIO";
		if (order_pages(b, sizes[i]) > order_pages(a, sizes[i]))
			return "linux.resources.hugepageLimits";
		if (order_rdma(b, adapters[i], false) > order_rdma(a, adapters[i], false) ||
		    order_rdma(b, adapters[i], true) > order_rdma(a, adapters[i], true))
			return "linux.resources.rdma";
	}
	if ((b->cpu_shares.set && b->cpu_shares.value ? b->cpu_shares.value : 1024) >
	    (a->cpu_shares.set && a->cpu_shares.value ? a->cpu_shares.value : 1024))
		return "linux.resources.cpu.shares";
	if (b->blkio_weight.set != a->blkio_weight.set ||
	    b->blkio_weight.value > a->blkio_weight.value)
		return "linux.resources.blockIO.weight";
	if (a->n_blkio_weight_devices &&
	    b->blkio_weight_devices[0].weight.value > a->blkio_weight_devices[0].weight.value)
		return "linux.resources.blockIO.weightDevice";
	return NULL;
}

/* Every rule that was there still is, and no ABI more. */
static bool order_seccomp(const struct spec_seccomp *a, const struct spec_seccomp *b)
{
	size_t i, k;

	if (!a->present)
		return true;
	if (b->flags & ~a->flags)
		return false;
	for (i = 0; i < a->n_ceilings; i++) {
		for (k = 0; k < b->n_ceilings &&
			    b->ceilings[k].default_errno != a->ceilings[i].default_errno;
		     k++)
			;
		if (k == b->n_ceilings)
			return false;
	}
	if (!b->present || b->n_rules < a->n_rules ||
	    (a->default_action != b->default_action && a->default_action != 0x7fff0000))
		return false;
	for (i = 0; i < a->n_rules; i++) {
		for (k = 0; k < b->n_rules && (b->rules[k].action != a->rules[i].action ||
					       b->rules[k].names.v != a->rules[i].names.v);
		     k++)
			;
		if (k == b->n_rules)
			return false;
	}
	for (i = 0; i < b->n_architectures; i++) {
		for (k = 0;
		     k < a->n_architectures && a->architectures[k] != b->architectures[i]; k++)
			;
		/* The native one always is. */
		if (k == a->n_architectures && b->architectures[i] != ORDER_NATIVE)
			return false;
	}
	return true;
}

/* Whether each layer of a is in b. */
static bool order_landlock(const struct spec_landlock *a, const struct spec_landlock *b)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		const struct spec_landlock_layer *x = &a->v[i];

		for (k = 0; k < b->n; k++)
			if ((x->scoped & ~b->v[k].scoped) == 0 &&
			    (!x->required || b->v[k].required) &&
			    (!x->writes_set || (b->v[k].writes_set &&
						order_has_all(&x->writes, &b->v[k].writes))))
				break;
		if (k == b->n)
			return false;
	}
	return true;
}

/* The field that is wider in b, or NULL. */
static inline const char *order_widened(const struct spec *a, const struct spec *b,
					const struct policy_facts *f)
{
	int64_t own_score = 0;
	const struct spec_capabilities *x = &a->process.capabilities,
				       *y = &b->process.capabilities;
	const struct spec_resources *r = &a->linux_.resources, *s = &b->linux_.resources;
	size_t i, k;

	if ((y->bounding & ~x->bounding) || (y->permitted & ~x->permitted) ||
	    (y->effective & ~x->effective) || (y->inheritable & ~x->inheritable) ||
	    (y->ambient & ~x->ambient))
		return "process.capabilities";
	if (a->process.no_new_privileges && !b->process.no_new_privileges)
		return "process.noNewPrivileges";
	for (i = 0; i < 4; i++)
		if (order_rlimit(b, f, (int)i, true) > order_rlimit(a, f, (int)i, true) ||
		    order_rlimit(b, f, (int)i, false) > order_rlimit(a, f, (int)i, false))
			return "process.rlimits";
	f->inherited_oom_score_adj(f->arg, &own_score);
	if ((b->process.oom_score_adj.set ? b->process.oom_score_adj.value : own_score) <
	    (a->process.oom_score_adj.set ? a->process.oom_score_adj.value : own_score))
		return "process.oomScoreAdj";
	if (!order_seccomp(&a->linux_.seccomp, &b->linux_.seccomp))
		return "linux.seccomp";
	if (!order_landlock(&a->linux_.landlock, &b->linux_.landlock))
		return "landlock";
	if (a->root_readonly && !b->root_readonly)
		return "root.readonly";
	if (!order_has_all(&b->linux_.masked_paths, &a->linux_.masked_paths))
		return "linux.maskedPaths";
	if (!order_has_all(&b->linux_.readonly_paths, &a->linux_.readonly_paths))
		return "linux.readonlyPaths";
	for (i = 0; i < a->n_mounts; i++)
		if ((a->mounts[i].attr_set & ~b->mounts[i].attr_set) ||
		    (b->mounts[i].attr_clear & ~a->mounts[i].attr_clear))
			return "mounts.options";
	if (!order_devices(r, s))
		return "linux.resources.devices";
	if (b->linux_.n_devices > a->linux_.n_devices)
		return "linux.devices";
	for (i = 0; i < b->annotations.n; i++) {
		for (k = 0;
		     k < a->annotations.n && a->annotations.v[k].key != b->annotations.v[i].key;
		     k++)
			;
		if (k == a->annotations.n)
			return "annotations";
	}
	if (order_memory(s) > order_memory(r))
		return "linux.resources.memory.limit";
	if (order_swap(s) > order_swap(r))
		return "linux.resources.memory.swap";
	if (order_pids(s) > order_pids(r))
		return "linux.resources.pids.limit";
	if (b->process.scheduler.nice < a->process.scheduler.nice)
		return "process.scheduler.nice";
	if (order_cpu(s) > order_cpu(r))
		return "linux.resources.cpu.quota";
	return order_device_limits(r, s);
}

/* --- a host -------------------------------------------------------------------------------------- */

static int order_namespace(void *arg, enum spec_ns ns, const char *path)
{
	(void)arg, (void)ns;
	return str_eq(path, "/host");
}

static int order_source(void *arg, size_t i, const char *source, const char *denied)
{
	(void)arg, (void)i;
	return merge_path_below(source, denied) || merge_path_below(denied, source);
}

static int order_path(void *arg, const char *path, const char *denied)
{
	(void)arg;
	return path[0] == '/' &&
	       (merge_path_below(path, denied) || merge_path_below(denied, path));
}

static int order_names(void *arg, enum policy_names which, struct arena *a,
		       struct spec_strings *ret)
{
	static char disks[][8] = { "8:0", "8:1" }, sizes[][8] = { "2MB", "1GB" },
		    adapters[][8] = { "mlx0", "mlx1" };
	static char *v[3][2] = { { disks[0], disks[1] },
				 { sizes[0], sizes[1] },
				 { adapters[0], adapters[1] } };

	(void)arg, (void)a;
	*ret = (struct spec_strings){ 2, v[which] };
	return 0;
}

static int order_hook(void *arg, const char *path, char ret[SHA256_HEX])
{
	(void)arg, (void)path;
	memset(ret, 'a', SHA256_HEX - 1);
	ret[SHA256_HEX - 1] = '\0';
	return 0;
}

static int order_profile(void *arg, struct arena *a, const struct policy_profile *p,
			 uint64_t bounding, struct spec_seccomp *ret, struct error *e)
{
	static uint32_t arch[1] = { ORDER_NATIVE };

	(void)arg, (void)a, (void)bounding, (void)e;
	*ret = (struct spec_seccomp){ .present = true,
				      .default_action = 0x50000,
				      .default_errno = (uint32_t)p->text[0],
				      .n_architectures = 1,
				      .architectures = arch };
	return 0;
}

static int order_own_rlimit(void *arg, int resource, struct rlimit *ret)
{
	(void)arg, (void)resource;
	*ret = (struct rlimit){ 50, 60 };
	return 0;
}

static int order_own_score(void *arg, int64_t *ret)
{
	(void)arg;
	*ret = -5;
	return 0;
}

static struct policy_facts order_facts(void)
{
	struct policy_facts f = {
		.native_arch = ORDER_NATIVE,
		.cgroup = "/pods/a",
		.inherited_rlimit = order_own_rlimit,
		.inherited_oom_score_adj = order_own_score,
		.namespace_is_host = order_namespace,
		.source_reaches = order_source,
		.path_reaches = order_path,
		.root_reaches = order_path,
		.names = order_names,
		.hook_digest = order_hook,
		.profile = order_profile,
	};

	return f;
}
