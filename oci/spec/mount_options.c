/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/mount_options.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/mount_idmap.h"
#include "spec/names.h"
#include "spec/spec.h"

#define MS_RECURSIVE 16384 /* MS_REC; the rest of sys/mount.h clashes with linux/mount.h */

enum option_kind {
	OPTION_NOTHING,
	OPTION_SET, /* value: MOUNT_ATTR_* */
	OPTION_CLEAR,
	OPTION_SET_REC,
	OPTION_CLEAR_REC,
	OPTION_ATIME, /* value: what the field becomes */
	OPTION_ATIME_REC,
	OPTION_NOT_ATIME, /* value: what the field was, if it is to become the kernel's default */
	OPTION_NOT_ATIME_REC,
	OPTION_PROPAGATION,
	OPTION_ON, /* offset: a bool of struct spec_mount */
	OPTION_OFF,
	OPTION_RBIND,
	OPTION_RIDMAP,
};

struct option {
	const char *name;
	enum option_kind kind;
	uint64_t value;
	size_t offset;
};

#define ON(name, member)                                                \
	{                                                               \
		name, OPTION_ON, 0, offsetof(struct spec_mount, member) \
	}
#define OFF(name, member)                                                \
	{                                                                \
		name, OPTION_OFF, 0, offsetof(struct spec_mount, member) \
	}

/* Sorted by name (strcmp): looked up by bsearch(3). */
static const struct option options[] = {
	OFF("async", sync),
	{ "atime", OPTION_NOT_ATIME, MOUNT_ATTR_NOATIME },
	ON("bind", bind),
	ON("copy-symlink", copy_symlink),
	{ "defaults", OPTION_NOTHING },
	{ "dev", OPTION_CLEAR, MOUNT_ATTR_NODEV },
	{ "diratime", OPTION_CLEAR, MOUNT_ATTR_NODIRATIME },
	ON("dirsync", dirsync),
	{ "exec", OPTION_CLEAR, MOUNT_ATTR_NOEXEC },
	ON("idmap", idmap),
	ON("iversion", iversion),
	ON("lazytime", lazytime),
	OFF("loud", silent),
	ON("mand", mand),
	{ "noatime", OPTION_ATIME, MOUNT_ATTR_NOATIME },
	{ "nodev", OPTION_SET, MOUNT_ATTR_NODEV },
	{ "nodiratime", OPTION_SET, MOUNT_ATTR_NODIRATIME },
	{ "noexec", OPTION_SET, MOUNT_ATTR_NOEXEC },
	OFF("noiversion", iversion),
	OFF("nolazytime", lazytime),
	OFF("nomand", mand),
	{ "norelatime", OPTION_NOT_ATIME, MOUNT_ATTR_RELATIME },
	{ "nostrictatime", OPTION_NOT_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "nosuid", OPTION_SET, MOUNT_ATTR_NOSUID },
	{ "nosymfollow", OPTION_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "private", OPTION_PROPAGATION },
	{ "ratime", OPTION_NOT_ATIME_REC, MOUNT_ATTR_NOATIME },
	{ "rbind", OPTION_RBIND },
	{ "rdev", OPTION_CLEAR_REC, MOUNT_ATTR_NODEV },
	{ "rdiratime", OPTION_CLEAR_REC, MOUNT_ATTR_NODIRATIME },
	{ "relatime", OPTION_ATIME, MOUNT_ATTR_RELATIME },
	ON("remount", remount),
	{ "rexec", OPTION_CLEAR_REC, MOUNT_ATTR_NOEXEC },
	{ "ridmap", OPTION_RIDMAP },
	{ "rnoatime", OPTION_ATIME_REC, MOUNT_ATTR_NOATIME },
	{ "rnodev", OPTION_SET_REC, MOUNT_ATTR_NODEV },
	{ "rnodiratime", OPTION_SET_REC, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", OPTION_SET_REC, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", OPTION_NOT_ATIME_REC, MOUNT_ATTR_RELATIME },
	{ "rnostrictatime", OPTION_NOT_ATIME_REC, MOUNT_ATTR_STRICTATIME },
	{ "rnosuid", OPTION_SET_REC, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", OPTION_SET_REC, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", OPTION_SET, MOUNT_ATTR_RDONLY },
	{ "rprivate", OPTION_PROPAGATION },
	{ "rrelatime", OPTION_ATIME_REC, MOUNT_ATTR_RELATIME },
	{ "rro", OPTION_SET_REC, MOUNT_ATTR_RDONLY },
	{ "rrw", OPTION_CLEAR_REC, MOUNT_ATTR_RDONLY },
	{ "rshared", OPTION_PROPAGATION },
	{ "rslave", OPTION_PROPAGATION },
	{ "rstrictatime", OPTION_ATIME_REC, MOUNT_ATTR_STRICTATIME },
	{ "rsuid", OPTION_CLEAR_REC, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", OPTION_CLEAR_REC, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", OPTION_PROPAGATION },
	{ "rw", OPTION_CLEAR, MOUNT_ATTR_RDONLY },
	{ "shared", OPTION_PROPAGATION },
	ON("silent", silent),
	{ "slave", OPTION_PROPAGATION },
	{ "strictatime", OPTION_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "suid", OPTION_CLEAR, MOUNT_ATTR_NOSUID },
	{ "symfollow", OPTION_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	ON("sync", sync),
	ON("tmpcopyup", tmpcopyup),
	{ "unbindable", OPTION_PROPAGATION },
};

static int option_compare(const void *key, const void *option)
{
	return strcmp(key, ((const struct option *)option)->name);
}

const char *mount_option_name(size_t i)
{
	return i < ARRAY_SIZE(options) ? options[i].name : NULL;
}

/* A recursive option is also the last word on the mount itself. */
static void attr_set(struct spec_mount *m, uint64_t bit, bool recursive)
{
	if (recursive) {
		m->attr_set_rec |= bit;
		m->attr_clear_rec &= ~bit;
		m->attr_clear &= ~bit;
	} else {
		m->attr_set |= bit;
		m->attr_clear &= ~bit;
	}
}

static void attr_clear(struct spec_mount *m, uint64_t bit, bool recursive)
{
	if (recursive) {
		m->attr_clear_rec |= bit;
		m->attr_set_rec &= ~bit;
		m->attr_set &= ~bit;
	} else {
		m->attr_clear |= bit;
		m->attr_set &= ~bit;
	}
}

/*
 * How access times are kept is a field of three values, not a set of bits: to change it
 * mount_setattr(2) wants the whole field cleared.
 */
static void atime_set(struct spec_mount *m, uint64_t value, bool recursive)
{
	uint64_t *set = recursive ? &m->attr_set_rec : &m->attr_set;
	uint64_t *clear = recursive ? &m->attr_clear_rec : &m->attr_clear;

	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
	*clear |= MOUNT_ATTR__ATIME;
	if (recursive) {
		m->attr_set &= ~(uint64_t)MOUNT_ATTR__ATIME;
		m->attr_clear &= ~(uint64_t)MOUNT_ATTR__ATIME;
	}
}

/*
 * "atime" is "not noatime" and means the kernel's default, relatime, but leaves an earlier
 * strictatime alone; "nostrictatime" likewise. "norelatime" takes an earlier relatime back and
 * nothing else, as the kernel's default stays.
 */
static void atime_unset(struct spec_mount *m, uint64_t value, bool recursive)
{
	uint64_t set = recursive ? m->attr_set_rec : m->attr_set;
	uint64_t clear = recursive ? m->attr_clear_rec : m->attr_clear;
	bool chosen = clear & MOUNT_ATTR__ATIME;

	if (chosen && (set & MOUNT_ATTR__ATIME) != value)
		return;
	if (value != MOUNT_ATTR_RELATIME)
		atime_set(m, MOUNT_ATTR_RELATIME, recursive);
	else if (recursive)
		m->attr_clear_rec &= ~(uint64_t)MOUNT_ATTR__ATIME;
	else
		m->attr_clear &= ~(uint64_t)MOUNT_ATTR__ATIME;
}

static void option_apply(struct spec_mount *m, const struct option *o)
{
	bool *flag = (bool *)((char *)m + o->offset);
	uint64_t propagation;

	switch (o->kind) {
	case OPTION_NOTHING:
		break;
	case OPTION_SET:
	case OPTION_SET_REC:
		attr_set(m, o->value, o->kind == OPTION_SET_REC);
		break;
	case OPTION_CLEAR:
	case OPTION_CLEAR_REC:
		attr_clear(m, o->value, o->kind == OPTION_CLEAR_REC);
		break;
	case OPTION_ATIME:
	case OPTION_ATIME_REC:
		atime_set(m, o->value, o->kind == OPTION_ATIME_REC);
		break;
	case OPTION_NOT_ATIME:
	case OPTION_NOT_ATIME_REC:
		atime_unset(m, o->value, o->kind == OPTION_NOT_ATIME_REC);
		break;
	case OPTION_PROPAGATION:
		propagation = spec_name_find(spec_propagation_names, o->name)->value;
		m->propagation = propagation & ~(uint64_t)MS_RECURSIVE;
		m->propagation_rec = propagation & MS_RECURSIVE;
		break;
	case OPTION_ON:
		*flag = true;
		break;
	case OPTION_OFF:
		*flag = false;
		break;
	case OPTION_RBIND:
		m->bind = m->bind_rec = true;
		break;
	case OPTION_RIDMAP:
		m->idmap = m->idmap_rec = true;
		break;
	}
	/* The file system itself follows the mount's own read-only, not the tree's. */
	if (o->value == MOUNT_ATTR_RDONLY && (o->kind == OPTION_SET || o->kind == OPTION_CLEAR))
		m->sb_readonly = o->kind == OPTION_SET;
}

/* Forgets an earlier resolution: all that lies between the options and the mappings. */
static void mount_reset(struct spec_mount *m)
{
	size_t from = offsetof(struct spec_mount, attr_set);

	memset((char *)m + from, 0, offsetof(struct spec_mount, n_uid_mappings) - from);
}

static bool option_is_mapping(const char *name)
{
	return str_starts(name, "idmap=") || str_starts(name, "ridmap=");
}

int mount_options_resolve(struct arena *a, struct spec_mount *m)
{
	size_t i;

	mount_reset(m);
	m->data.v = arena_array(a, m->options.n + 1, sizeof(*m->data.v));
	if (!m->data.v)
		return -ENOMEM;

	m->bind = str_eq(m->type, "bind");
	for (i = 0; i < m->options.n; i++) {
		const char *name = m->options.v[i];
		const struct option *o =
			bsearch(name, options, ARRAY_SIZE(options), sizeof(*o), option_compare);

		if (o)
			option_apply(m, o);
		else if (option_is_mapping(name))
			m->idmap_option = name;
		else if (*name)
			m->data.v[m->data.n++] = (char *)name;
	}
	if (m->idmap_option)
		return mount_idmap_parse(a, m);
	/* Mappings without "idmap" are meant all the same, and for as much as is bound. */
	if (!m->idmap && (m->n_uid_mappings || m->n_gid_mappings)) {
		m->idmap = true;
		m->idmap_rec = m->bind_rec;
	}
	return 0;
}
