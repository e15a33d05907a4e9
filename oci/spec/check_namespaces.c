/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/rules.h"

#define MAPPINGS_MAX     340        /* UID_GID_MAP_MAX_EXTENTS of the kernel */
#define IDS_END          UINT32_MAX /* (uid_t)-1 is no id: a range ends before it */
#define NANOSECS_PER_SEC 1000000000u
#define NET_NAME_MAX     15 /* IFNAMSIZ with its NUL */

static bool ranges_meet(uint32_t a, uint32_t b, uint32_t size_a, uint32_t size_b)
{
	return a < b ? b - a < size_a : a - b < size_b;
}

int rules_id_mappings(struct rules *r, const char *path, const struct spec_id_mapping *maps,
		      size_t n)
{
	size_t i, j;

	if (n > MAPPINGS_MAX)
		return rules_refuse(rules_at(r, "%s", path),
				    "%zu mappings are too many for the kernel, at most %d", n,
				    MAPPINGS_MAX);
	for (i = 0; i < n; i++) {
		const struct spec_id_mapping *m = &maps[i];

		rules_at(r, "%s[%zu]", path, i);
		if (m->size == 0)
			return rules_refuse(r, "a size of 0 maps nothing");
		if (m->size > IDS_END - m->container_id || m->size > IDS_END - m->host_id)
			return rules_refuse(r,
					    "%u ids from %u and %u on go past the last id, %u",
					    m->size, m->container_id, m->host_id, IDS_END - 1);
		for (j = 0; j < i; j++) {
			if (ranges_meet(maps[j].container_id, m->container_id, maps[j].size,
					m->size))
				return rules_refuse(r, "overlaps [%zu] inside the container",
						    j);
			if (ranges_meet(maps[j].host_id, m->host_id, maps[j].size, m->size))
				return rules_refuse(r, "overlaps [%zu] on the host", j);
		}
	}
	return 0;
}

static int user_namespace(struct rules *r, const struct spec_linux *l)
{
	const struct spec_namespace *user = &l->namespaces[SPEC_NS_USER];
	const char *given = l->n_uid_mappings ? "uidMappings" : "gidMappings";
	const char *missing = l->n_uid_mappings ? "gidMappings" : "uidMappings";
	int err;

	if (!user->present && (l->n_uid_mappings || l->n_gid_mappings))
		return rules_refuse(rules_at(r, "linux.%s", given),
				    "is for a user namespace, which linux.namespaces lacks");
	if (user->present && !user->path && !(l->n_uid_mappings && l->n_gid_mappings)) {
		rules_refuse(rules_at(r, "linux.%s", missing),
			     "is missing: nobody would exist in the user namespace");
		error_hint(r->e, "map root at least: [{\"containerID\": 0, \"hostID\": 1000, "
				 "\"size\": 1}], with your own id for 1000");
		return -EINVAL;
	}
	err = rules_id_mappings(r, "linux.uidMappings", l->uid_mappings, l->n_uid_mappings);
	if (err < 0)
		return err;
	return rules_id_mappings(r, "linux.gidMappings", l->gid_mappings, l->n_gid_mappings);
}

/* "config-linux.md", Namespaces: of a type that is not listed the container has the runtime's own. */
static int shared_mounts(struct rules *r, const struct spec_linux *l)
{
	if (l->namespaces[SPEC_NS_MOUNT].present)
		return 0;
	if (l->namespaces[SPEC_NS_USER].present) {
		rules_refuse(rules_at(r, "linux.namespaces"),
			     "a container with a user namespace can mount nothing in the mount "
			     "namespace of the runtime");
		error_hint(r->e, "list \"mount\", too, or leave \"user\" out");
		return -EINVAL;
	}
	if (l->rootfs_propagation) {
		rules_refuse(rules_at(r, "linux.rootfsPropagation"),
			     "is for a mount namespace, which linux.namespaces lacks: the root "
			     "is private in the runtime's own");
		error_hint(r->e, "list \"mount\" in linux.namespaces, or leave this out");
		return -EINVAL;
	}
	return 0;
}

static int time_offset(struct rules *r, const struct spec_linux *l, const char *clock,
		       const struct spec_time_offset *offset)
{
	const struct spec_namespace *time = &l->namespaces[SPEC_NS_TIME];

	if (!offset->present)
		return 0;
	rules_at(r, "linux.timeOffsets.%s", clock);
	if (!time->present || time->path)
		return rules_refuse(
			r, "is for a new time namespace, which linux.namespaces lacks");
	if (offset->nanosecs >= NANOSECS_PER_SEC)
		return rules_refuse(r, "%u nanoseconds are a second or more", offset->nanosecs);
	return 0;
}

int rules_namespaces(struct rules *r, const struct spec_linux *l)
{
	const char *path;
	int ns, err;

	rules_at(r, "linux.namespaces");
	for (ns = 0; ns < SPEC_NS_COUNT; ns++) {
		path = l->namespaces[ns].path;
		if (path && path[0] != '/')
			return rules_refuse(
				r, "the path \"%s\" of the %s namespace is not absolute",
				rules_show(r, path), spec_ns_name(ns));
	}
	err = user_namespace(r, l);
	if (err == 0)
		err = shared_mounts(r, l);
	if (err == 0)
		err = time_offset(r, l, "monotonic", &l->offset_monotonic);
	if (err == 0)
		err = time_offset(r, l, "boottime", &l->offset_boottime);
	return err;
}

/* The kernel's dev_valid_name(): also what a path below /sys/class/net can say. */
static bool net_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NET_NAME_MAX && !str_eq(name, ".") && !str_eq(name, "..") &&
	       rules_is_one_line(name) && !strpbrk(name, "/: ");
}

static int net_name(struct rules *r, const char *name)
{
	if (net_name_is_valid(name))
		return 0;
	return rules_refuse(r, "\"%s\" is no name of a network device", rules_show(r, name));
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int net_devices_repeated(struct rules *r, const struct spec_linux *l)
{
	autofree const void **names = calloc(l->n_net_devices + 1, sizeof(*names));
	size_t i, n = 0, at = 0;
	int found;

	if (!names)
		return error_say(r->e, ENOMEM, "not enough memory for the network devices");
	for (i = 0; i < l->n_net_devices; i++) {
		const struct spec_net_device *d = &l->net_devices[i];
		const char *name = d->name ? d->name : d->host_name;

		if (!strstr(name, "%d")) /* the kernel finds a number */
			names[n++] = name;
	}
	found = rules_repeated(names, n, name_compare, &at);
	if (found < 0)
		return error_say(r->e, ENOMEM, "not enough memory for the network devices");
	if (found == 0)
		return 0;
	return rules_refuse(rules_at(r, "linux.netDevices"),
			    "two devices would be \"%s\" in the container",
			    rules_show(r, names[at]));
}

int rules_net_devices(struct rules *r, const struct spec_linux *l)
{
	size_t i;
	int err;

	if (l->n_net_devices && !l->namespaces[SPEC_NS_NETWORK].present)
		return rules_refuse(rules_at(r, "linux.netDevices"),
				    "is for a network namespace, which linux.namespaces lacks");
	for (i = 0; i < l->n_net_devices; i++) {
		const struct spec_net_device *d = &l->net_devices[i];

		err = net_name(rules_at(r, "linux.netDevices[\"%s\"]",
					rules_show(r, d->host_name)),
			       d->host_name);
		if (err == 0 && d->name)
			err = net_name(rules_at(r, "linux.netDevices[\"%s\"].name",
						rules_show(r, d->host_name)),
				       d->name);
		if (err < 0)
			return err;
	}
	return net_devices_repeated(r, l);
}
