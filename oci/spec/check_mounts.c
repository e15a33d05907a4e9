/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/rules.h"

/* Files of procfs that lxcfs and its like lay their own over. Nothing else of it may be covered. */
static const char *const proc_files[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
};

/*
 * A mount over /proc turns writes of the runtime and of LSM libraries into writes to a fake file
 * (CVE-2019-16884, CVE-2019-19921). That a bind over /proc is a procfs is verified when it is made.
 */
static int mount_proc(struct rules *r, const struct spec_mount *m)
{
	size_t i;

	if (str_eq(m->destination, "/proc")) {
		if (m->bind || m->remount || str_eq(m->type, "proc"))
			return 0;
		return rules_refuse(r,
				    "a file system of type \"%s\" on /proc would hide procfs",
				    rules_show(r, m->type));
	}
	if (!str_starts(m->destination, "/proc/"))
		return 0;
	for (i = 0; i < ARRAY_SIZE(proc_files); i++)
		if (str_eq(m->destination, proc_files[i]))
			return 0;
	return rules_refuse(r, "\"%s\" is inside /proc, where only a few files may be covered",
			    rules_show(r, m->destination));
}

static int mount_origin(struct rules *r, const struct spec_mount *m, size_t i)
{
	if (m->bind && !m->remount && !m->source)
		return rules_refuse(rules_at(r, "mounts[%zu].source", i),
				    "is missing: a bind mount needs one");
	if (!m->bind && !m->remount && !m->type)
		return rules_refuse(rules_at(r, "mounts[%zu].type", i),
				    "is missing, and no option says \"bind\" or \"rbind\"");
	if (m->tmpcopyup && !str_eq(m->type, "tmpfs"))
		return rules_refuse(rules_at(r, "mounts[%zu].options", i),
				    "\"tmpcopyup\" is for type \"tmpfs\" only");
	return 0;
}

static int mount_idmap_option(struct rules *r, const struct spec_mount *m, size_t i)
{
	if (m->idmap_option && !m->n_uid_mappings && !m->n_gid_mappings)
		return rules_refuse(
			rules_at(r, "mounts[%zu].options", i),
			"\"%s\" is no mapping like idmap=uids=0-1000-1;gids=0-1000-1",
			rules_show(r, m->idmap_option));
	return 0;
}

/* Of a place that is there already: a file system that is yet to be made has the owners it is given. */
static int mount_idmap_bind(struct rules *r, const struct spec_mount *m, size_t i)
{
	if (!m->idmap || m->bind)
		return 0;
	return rules_refuse(rules_at(r, "mounts[%zu].options", i),
			    "an id map is for bind mounts only");
}

static int mount_mappings(struct rules *r, const struct spec_mount *m, size_t i)
{
	const struct spec_namespace *user = &r->spec->linux_.namespaces[SPEC_NS_USER];
	char path[64];
	int err;

	if (!m->n_uid_mappings != !m->n_gid_mappings)
		return rules_refuse(rules_at(r, "mounts[%zu]", i),
				    "uidMappings and gidMappings go together, %s is missing",
				    m->n_uid_mappings ? "gidMappings" : "uidMappings");
	if (m->idmap && !m->n_uid_mappings && !user->present)
		return rules_refuse(rules_at(r, "mounts[%zu].options", i),
				    "\"%s\" without uidMappings takes those of the user "
				    "namespace, and there is none",
				    m->idmap_rec ? "ridmap" : "idmap");

	if (!m->n_uid_mappings)
		return 0;
	str_format(path, sizeof(path), "mounts[%zu].uidMappings", i);
	err = rules_id_mappings(r, path, m->uid_mappings, m->n_uid_mappings);
	if (err < 0)
		return err;
	str_format(path, sizeof(path), "mounts[%zu].gidMappings", i);
	return rules_id_mappings(r, path, m->gid_mappings, m->n_gid_mappings);
}

static int mount_check(struct rules *r, const struct spec_mount *m, size_t i)
{
	int err;

	if (m->destination[0] != '/')
		return rules_absolute(rules_at(r, "mounts[%zu].destination", i),
				      m->destination);
	if (str_eq(m->destination, "/"))
		return rules_refuse(rules_at(r, "mounts[%zu].destination", i),
				    "\"/\" is what root.path says");
	err = mount_origin(r, m, i);
	if (err == 0 && str_starts(m->destination, "/proc"))
		err = mount_proc(rules_at(r, "mounts[%zu].destination", i), m);
	if (err == 0)
		err = mount_idmap_option(r, m, i);
	if (err == 0)
		err = mount_mappings(r, m, i);
	if (err == 0)
		err = mount_idmap_bind(r, m, i);
	return err;
}

int rules_mounts(struct rules *r, const struct spec_mount *mounts, size_t n)
{
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		err = mount_check(r, &mounts[i], i);
		if (err < 0)
			return err;
	}
	return 0;
}
