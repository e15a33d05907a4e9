/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/rules.h"

#define SWAPPINESS_MAX 100
#define PERIOD_MIN     1000 /* us; the kernel's bounds of cpu.max */
#define PERIOD_MAX     1000000
#define WEIGHT_MIN     10
#define WEIGHT_MAX     1000

static int limit_check(struct rules *r, const char *path, const char *key,
		       const struct opt_i64 *limit)
{
	if (!limit->set || limit->value >= -1)
		return 0;
	return rules_refuse(rules_at(r, "%s.%s", path, key),
			    "%lld is no limit; -1 says there is none", (long long)limit->value);
}

static int resources_memory(struct rules *r, const struct spec_resources *res, const char *path)
{
	const struct {
		const char *key;
		const struct opt_i64 *limit;
	} limits[] = {
		{ "memory.limit", &res->memory_limit },
		{ "memory.reservation", &res->memory_reservation },
		{ "memory.swap", &res->memory_swap },
		{ "memory.kernel", &res->memory_kernel },
		{ "memory.kernelTCP", &res->memory_kernel_tcp },
		{ "pids.limit", &res->pids_limit },
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		err = limit_check(r, path, limits[i].key, limits[i].limit);
		if (err < 0)
			return err;
	}
	if (res->memory_swap.set && res->memory_swap.value > 0 && res->memory_limit.set &&
	    res->memory_swap.value < res->memory_limit.value)
		return rules_refuse(
			rules_at(r, "%s.memory.swap", path),
			"%lld is memory and swap together, below memory.limit, %lld",
			(long long)res->memory_swap.value, (long long)res->memory_limit.value);
	if (res->memory_swappiness.set && res->memory_swappiness.value > SWAPPINESS_MAX)
		return rules_refuse(rules_at(r, "%s.memory.swappiness", path),
				    "%llu is out of range: 0 to %d",
				    (unsigned long long)res->memory_swappiness.value,
				    SWAPPINESS_MAX);
	return 0;
}

/* Digits, commas, dashes and what the kernel's lists may hold besides ("0-31:1/4"). */
static int cpuset_check(struct rules *r, const char *path, const char *key, const char *list)
{
	if (!list || list[strspn(list, "0123456789,-:/ ")] == '\0')
		return 0;
	return rules_refuse(rules_at(r, "%s.cpu.%s", path, key), "\"%s\" is no list like 0-3,7",
			    rules_show(r, list));
}

static int resources_cpu(struct rules *r, const struct spec_resources *res, const char *path)
{
	const struct opt_u64 *period = &res->cpu_period, *burst = &res->cpu_burst;
	int err;

	if (period->set && period->value &&
	    (period->value < PERIOD_MIN || period->value > PERIOD_MAX))
		return rules_refuse(rules_at(r, "%s.cpu.period", path),
				    "%llu is out of range: %d to %d",
				    (unsigned long long)period->value, PERIOD_MIN, PERIOD_MAX);
	if (burst->set && res->cpu_quota.set && res->cpu_quota.value > 0 &&
	    burst->value > (uint64_t)res->cpu_quota.value)
		return rules_refuse(rules_at(r, "%s.cpu.burst", path),
				    "%llu is more than cpu.quota, %lld",
				    (unsigned long long)burst->value,
				    (long long)res->cpu_quota.value);
	if (res->cpu_idle.set && res->cpu_idle.value != 0 && res->cpu_idle.value != 1)
		return rules_refuse(rules_at(r, "%s.cpu.idle", path), "%lld is neither 0 nor 1",
				    (long long)res->cpu_idle.value);
	err = cpuset_check(r, path, "cpus", res->cpu_cpus);
	return err < 0 ? err : cpuset_check(r, path, "mems", res->cpu_mems);
}

static int weight_check(struct rules *r, const struct opt_u64 *weight)
{
	if (!weight->set || weight->value == 0 ||
	    (weight->value >= WEIGHT_MIN && weight->value <= WEIGHT_MAX))
		return 0;
	return rules_refuse(r, "%llu is out of range: %d to %d",
			    (unsigned long long)weight->value, WEIGHT_MIN, WEIGHT_MAX);
}

static int number_check(struct rules *r, int64_t major, int64_t minor)
{
	if (major >= 0 && minor >= 0 && major <= UINT32_MAX && minor <= UINT32_MAX)
		return 0;
	return rules_refuse(r, "%lld:%lld is no device", (long long)major, (long long)minor);
}

static int throttles_check(struct rules *r, const char *path, const char *key,
			   const struct spec_throttles *t)
{
	size_t i;
	int err;

	for (i = 0; i < t->n; i++) {
		rules_at(r, "%s.blockIO.%s[%zu]", path, key, i);
		err = number_check(r, t->v[i].major, t->v[i].minor);
		if (err < 0)
			return err;
	}
	return 0;
}

static int weight_devices_check(struct rules *r, const struct spec_resources *res,
				const char *path)
{
	size_t i;
	int err;

	for (i = 0; i < res->n_blkio_weight_devices; i++) {
		const struct spec_weight_device *d = &res->blkio_weight_devices[i];

		rules_at(r, "%s.blockIO.weightDevice[%zu]", path, i);
		err = number_check(r, d->major, d->minor);
		if (err == 0)
			err = weight_check(r, &d->weight);
		if (err == 0)
			err = weight_check(r, &d->leaf_weight);
		if (err < 0)
			return err;
		if (!d->weight.set && !d->leaf_weight.set)
			return rules_refuse(r, "has neither weight nor leafWeight");
	}
	return 0;
}

static int resources_block_io(struct rules *r, const struct spec_resources *res,
			      const char *path)
{
	int err;

	err = weight_check(rules_at(r, "%s.blockIO.weight", path), &res->blkio_weight);
	if (err == 0)
		err = weight_check(rules_at(r, "%s.blockIO.leafWeight", path),
				   &res->blkio_leaf_weight);
	if (err == 0)
		err = weight_devices_check(r, res, path);
	if (err == 0)
		err = throttles_check(r, path, "throttleReadBpsDevice",
				      &res->throttle_read_bps);
	if (err == 0)
		err = throttles_check(r, path, "throttleWriteBpsDevice",
				      &res->throttle_write_bps);
	if (err == 0)
		err = throttles_check(r, path, "throttleReadIOPSDevice",
				      &res->throttle_read_iops);
	if (err == 0)
		err = throttles_check(r, path, "throttleWriteIOPSDevice",
				      &res->throttle_write_iops);
	return err;
}

/* "64KB", "2MB", "1GB": a part of a file's name in the cgroup. */
static bool page_size_is_valid(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return digits > 0 && digits < 20 && s[digits] && strchr("KMGTPE", s[digits]) &&
	       str_eq(s + digits + 1, "B");
}

static int resources_hugepages(struct rules *r, const struct spec_resources *res,
			       const char *path)
{
	size_t i;

	for (i = 0; i < res->n_hugepages; i++)
		if (!page_size_is_valid(res->hugepages[i].page_size))
			return rules_refuse(rules_at(r, "%s.hugepageLimits[%zu].pageSize", path,
						     i),
					    "\"%s\" is no size like 64KB, 2MB or 1GB",
					    rules_show(r, res->hugepages[i].page_size));
	return 0;
}

static int resources_rdma(struct rules *r, const struct spec_resources *res, const char *path)
{
	size_t i;

	for (i = 0; i < res->n_rdma; i++) {
		const struct spec_rdma *d = &res->rdma[i];

		rules_at(r, "%s.rdma[\"%s\"]", path, rules_show(r, d->device));
		if (d->device[0] == '\0' || !rules_is_one_line(d->device) ||
		    strchr(d->device, ' '))
			return rules_refuse(r, "\"%s\" is no name of a device",
					    rules_show(r, d->device));
		if (!d->hca_handles.set && !d->hca_objects.set)
			return rules_refuse(r, "has neither hcaHandles nor hcaObjects");
	}
	return 0;
}

/* Files by which processes are moved, stopped or ended; limits are in none of them. */
static const char *const core_files[] = {
	"cgroup.freeze",          "cgroup.kill",    "cgroup.procs",
	"cgroup.subtree_control", "cgroup.threads", "cgroup.type",
};

static int resources_unified(struct rules *r, const struct spec_resources *res,
			     const char *path)
{
	size_t i, n;

	for (i = 0; i < res->unified.n; i++) {
		const char *name = res->unified.v[i].key;

		rules_at(r, "%s.unified[\"%s\"]", path, rules_show(r, name));
		if (strchr(name, '/') || name[0] == '.' || !strchr(name, '.') ||
		    !rules_is_one_line(name))
			return rules_refuse(r, "\"%s\" is no name of a cgroup's file",
					    rules_show(r, name));
		for (n = 0; n < ARRAY_SIZE(core_files); n++)
			if (str_eq(name, core_files[n]))
				return rules_refuse(r, "\"%s\" is the runtime's own",
						    rules_show(r, name));
	}
	return 0;
}

int rules_resources(struct rules *r, const struct spec_resources *res, const char *path)
{
	int err;

	err = resources_memory(r, res, path);
	if (err == 0)
		err = resources_cpu(r, res, path);
	if (err == 0)
		err = resources_block_io(r, res, path);
	if (err == 0)
		err = resources_hugepages(r, res, path);
	if (err == 0)
		err = resources_rdma(r, res, path);
	if (err == 0)
		err = resources_unified(r, res, path);
	return err;
}
