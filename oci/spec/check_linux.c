/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/mempolicy.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/names.h"
#include "spec/rules.h"

#define MAJOR_MAX   4095    /* 12 bits of dev_t in the kernel */
#define MINOR_MAX   1048575 /* 20 bits */
#define CGROUP_MAX  4095    /* bytes of cgroupsPath, and of each of its parts */
#define CGROUP_PART 255

static int device_check(struct rules *r, const struct spec_device *d, size_t i)
{
	int err;

	err = rules_absolute(rules_at(r, "linux.devices[%zu].path", i), d->path);
	if (err < 0 || d->type == 'p')
		return err;
	if (d->major < 0 || d->major > MAJOR_MAX)
		return rules_refuse(rules_at(r, "linux.devices[%zu].major", i),
				    "%lld is out of range: 0 to %d", (long long)d->major,
				    MAJOR_MAX);
	if (d->minor < 0 || d->minor > MINOR_MAX)
		return rules_refuse(rules_at(r, "linux.devices[%zu].minor", i),
				    "%lld is out of range: 0 to %d", (long long)d->minor,
				    MINOR_MAX);
	return 0;
}

static int linux_devices(struct rules *r, const struct spec_linux *l)
{
	size_t i;
	int err;

	for (i = 0; i < l->n_devices; i++) {
		err = device_check(r, &l->devices[i], i);
		if (err < 0)
			return err;
	}
	return 0;
}

static int path_list(struct rules *r, const char *key, const struct spec_strings *paths)
{
	size_t i;

	for (i = 0; i < paths->n; i++)
		if (paths->v[i][0] != '/')
			return rules_absolute(rules_at(r, "linux.%s[%zu]", key, i),
					      paths->v[i]);
	return 0;
}

/* "/a/b", or "slice:prefix:name" for systemd: in neither may a part climb. */
static int linux_cgroups_path(struct rules *r, const struct spec_linux *l)
{
	const char *p = l->cgroups_path;
	int err;

	if (!p)
		return 0;
	err = rules_one_line(rules_at(r, "linux.cgroupsPath"), p);
	if (err < 0)
		return err;
	if (strlen(p) > CGROUP_MAX)
		return rules_refuse(r, "%zu bytes are too long, at most %d", strlen(p),
				    CGROUP_MAX);
	while (*p) {
		size_t len = strcspn(p, "/:");

		if (len == 2 && strncmp(p, "..", 2) == 0)
			return rules_refuse(r, "\"%s\" climbs out by \"..\"",
					    rules_show(r, l->cgroups_path));
		if (len > CGROUP_PART)
			return rules_refuse(r, "a part of %zu bytes is too long, at most %d",
					    len, CGROUP_PART);
		p += len + (p[len] != '\0');
	}
	return 0;
}

/* The class is a folder below the mounted resctrl, beside its own files. */
static bool clos_id_is_valid(const char *id)
{
	static const char *const taken[] = { ".", "..", "info", "mon_data", "mon_groups" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(taken); i++)
		if (str_eq(id, taken[i]))
			return false;
	return str_eq(id, "/") || (!strchr(id, '/') && rules_is_one_line(id));
}

static int linux_intel_rdt(struct rules *r, const struct spec_intel_rdt *rdt)
{
	size_t i;
	int err;

	if (rdt->clos_id && !clos_id_is_valid(rdt->clos_id))
		return rules_refuse(rules_at(r, "linux.intelRdt.closID"),
				    "\"%s\" is no name of a class",
				    rules_show(r, rdt->clos_id));
	err = rules_one_line(rules_at(r, "linux.intelRdt.l3CacheSchema"), rdt->l3_cache_schema);
	if (err < 0)
		return err;
	err = rules_one_line(rules_at(r, "linux.intelRdt.memBwSchema"), rdt->mem_bw_schema);
	if (err < 0)
		return err;
	if (rdt->mem_bw_schema && !str_starts(rdt->mem_bw_schema, "MB:"))
		return rules_refuse(
			r, "\"%s\" must begin with MB:", rules_show(r, rdt->mem_bw_schema));
	for (i = 0; i < rdt->schemata.n; i++) {
		err = rules_one_line(rules_at(r, "linux.intelRdt.schemata[%zu]", i),
				     rdt->schemata.v[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

/* set_mempolicy(2): which modes take nodes, and which flags exclude each other. */
static int linux_memory_policy(struct rules *r, const struct spec_memory_policy *p)
{
	const uint32_t both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
	const char *mode = spec_name_of(spec_memory_policy_mode_names, (uint64_t)p->mode);

	if (!p->present)
		return 0;
	rules_at(r, "linux.memoryPolicy.nodes");
	if (p->nodes && !rules_is_list(p->nodes))
		return rules_refuse(r, "\"%s\" is no list of nodes like 0-3,7",
				    rules_show(r, p->nodes));
	if (p->nodes && (p->mode == MPOL_DEFAULT || p->mode == MPOL_LOCAL))
		return rules_refuse(r, "%s takes no nodes", mode);
	if (!p->nodes && p->mode != MPOL_DEFAULT && p->mode != MPOL_LOCAL &&
	    p->mode != MPOL_PREFERRED)
		return rules_refuse(r, "is missing: %s needs nodes", mode);
	if ((p->flags & both) == both)
		return rules_refuse(
			rules_at(r, "linux.memoryPolicy.flags"),
			"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each "
			"other");
	return 0;
}

int rules_linux(struct rules *r, const struct spec_linux *l)
{
	int err;

	err = linux_devices(r, l);
	if (err == 0)
		err = path_list(r, "maskedPaths", &l->masked_paths);
	if (err == 0)
		err = path_list(r, "readonlyPaths", &l->readonly_paths);
	if (err == 0)
		err = linux_cgroups_path(r, l);
	if (err == 0)
		err = rules_one_line(rules_at(r, "linux.mountLabel"), l->mount_label);
	if (err == 0)
		err = linux_intel_rdt(r, &l->intel_rdt);
	if (err == 0)
		err = linux_memory_policy(r, &l->memory_policy);
	return err;
}
