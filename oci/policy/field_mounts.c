/* SPDX-License-Identifier: Apache-2.0 */

/* The meet of mounts: where from, what kind, with which flags. */
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"

static const char *mount_field(char *dst, size_t size, size_t i, const char *what)
{
	snprintf(dst, size, "mounts[%zu].%s", i, what);
	return dst;
}

static int source_meet(struct merge *m, const struct policy_mounts *p, size_t i)
{
	const char *source = m->spec->mounts[i].source;
	char field[48];
	size_t k;
	int r;

	mount_field(field, sizeof(field), i, "source");
	for (k = 0; k < p->denied_sources.n; k++) {
		r = m->facts->source_reaches(m->facts->arg, i, source, p->denied_sources.v[k]);
		if (r < 0)
			return merge_refuse(m, field, source, "cannot tell what it is: %s",
					    error_name(-r));
		if (r)
			return merge_refuse(m, field, source, "reaches %s of the host",
					    p->denied_sources.v[k]);
	}
	return 0;
}

int field_mount_sources(struct merge *m, const struct policy_rule *r)
{
	size_t i;
	int err = 0;

	if (r->mounts.denied_sources.n == 0)
		return 0;
	for (i = 0; err == 0 && i < m->spec->n_mounts; i++)
		if (m->spec->mounts[i].bind && !str_empty(m->spec->mounts[i].source))
			err = source_meet(m, &r->mounts, i);
	return err;
}

static int loose_meet(struct merge *m, const struct policy_mounts *p, size_t i,
		      const char *what, const char *path)
{
	char field[48];
	size_t k;
	int r;

	mount_field(field, sizeof(field), i, what);
	if (path[0] != '/')
		return merge_refuse(m, field, path,
				    "must be absolute where the node denies sources");
	for (k = 0; k < p->denied_sources.n; k++) {
		r = m->facts->path_reaches(m->facts->arg, path, p->denied_sources.v[k]);
		if (r < 0)
			return merge_refuse(m, field, path, "cannot tell what it is: %s",
					    error_name(-r));
		if (r)
			return merge_refuse(m, field, path, "reaches %s of the host",
					    p->denied_sources.v[k]);
	}
	return 0;
}

/* "lowerdir=/a:/b\:c": the folders of an overlay, of which a backslash is part of the name. */
static int layers_meet(struct merge *m, const struct policy_mounts *p, size_t i,
		       const char *list)
{
	char path[PATH_MAX];
	size_t n;
	int err = 0;

	while (err == 0 && *list) {
		for (n = 0; *list && *list != ':' && n + 1 < sizeof(path); list++) {
			if (*list == '\\' && list[1])
				list++;
			path[n++] = *list;
		}
		path[n] = '\0';
		if (*list && *list != ':')
			return merge_refuse(m, "mounts", path, "is too long");
		list += *list == ':';
		if (n)
			err = loose_meet(m, p, i, "options", path);
	}
	return err;
}

/* What an overlay shows is somewhere else, and so is what lies on a disk. */
int field_mount_layers(struct merge *m, const struct policy_rule *r)
{
	static const char *const keys[] = { "lowerdir=", "upperdir=", "workdir=", "lowerdir+=",
					    "datadir+=" };
	size_t i, k, d;
	int err = 0;

	if (r->mounts.denied_sources.n == 0)
		return 0;
	for (i = 0; err == 0 && i < m->spec->n_mounts; i++) {
		const struct spec_mount *mt = &m->spec->mounts[i];

		if (mt->bind)
			continue;
		if (mt->source && mt->source[0] == '/')
			err = loose_meet(m, &r->mounts, i, "source", mt->source);
		for (d = 0; err == 0 && d < mt->data.n; d++)
			for (k = 0; err == 0 && k < ARRAY_SIZE(keys); k++)
				if (str_starts(mt->data.v[d], keys[k]))
					err = layers_meet(m, &r->mounts, i,
							  mt->data.v[d] + strlen(keys[k]));
	}
	return err;
}

int field_root_path(struct merge *m, const struct policy_rule *r)
{
	const struct spec_strings *denied = &r->mounts.denied_sources;
	const char *path = m->spec->root_path;
	size_t k;
	int reaches;

	for (k = 0; path && k < denied->n; k++) {
		reaches = m->facts->root_reaches(m->facts->arg, path, denied->v[k]);
		if (reaches < 0)
			return merge_refuse(m, "root.path", path, "cannot tell what it is: %s",
					    error_name(-reaches));
		if (reaches)
			return merge_refuse(m, "root.path", path, "reaches %s of the host",
					    denied->v[k]);
	}
	return 0;
}

static bool mappings_equal(const struct spec_id_mapping *a, size_t n_a,
			   const struct spec_id_mapping *b, size_t n_b)
{
	size_t i, k;

	if (n_a != n_b)
		return false;
	for (i = 0; i < n_a; i++) {
		for (k = 0; k < n_b; k++)
			if (!a[i].relative && a[i].container_id == b[k].container_id &&
			    a[i].host_id == b[k].host_id && a[i].size == b[k].size)
				break;
		if (k == n_b)
			return false;
	}
	return true;
}

/* The container's, by its own word or by the same numbers; of a namespace that is joined none are known. */
static bool idmap_is_own(const struct spec *s, const struct spec_mount *mt)
{
	const struct spec_linux *l = &s->linux_;
	const struct spec_namespace *user = &l->namespaces[SPEC_NS_USER];

	if (!mt->n_uid_mappings && !mt->n_gid_mappings && !mt->idmap_option)
		return user->present;
	return user->present && !user->path &&
	       mappings_equal(mt->uid_mappings, mt->n_uid_mappings, l->uid_mappings,
			      l->n_uid_mappings) &&
	       mappings_equal(mt->gid_mappings, mt->n_gid_mappings, l->gid_mappings,
			      l->n_gid_mappings);
}

/* With other ids than its own a container writes files of root's to where the host sees them. */
int field_mount_idmap(struct merge *m, const struct policy_rule *r)
{
	enum policy_idmap most = r->mounts.idmap;
	char field[48];
	size_t i;
	int err = 0;

	for (i = 0; most != POLICY_IDMAP_ANY && err == 0 && i < m->spec->n_mounts; i++) {
		const struct spec_mount *mt = &m->spec->mounts[i];

		if (!mt->idmap || (most == POLICY_IDMAP_OWN && idmap_is_own(m->spec, mt)))
			continue;
		err = merge_refuse(m, mount_field(field, sizeof(field), i, "uidMappings"),
				   mt->idmap_option,
				   most == POLICY_IDMAP_NONE
					   ? "no mount may be id-mapped"
					   : "must be the container's own mappings");
	}
	return err;
}

int field_mount_types(struct merge *m, const struct policy_rule *r)
{
	char field[48];
	size_t i;
	int err = 0;

	for (i = 0; r->mounts.types.set && err == 0 && i < m->spec->n_mounts; i++) {
		const struct spec_mount *mt = &m->spec->mounts[i];
		const char *type = mt->bind ? "bind" : mt->type;

		if (!mt->remount && !merge_has(&r->mounts.types.names, type ?: ""))
			err = merge_refuse(m, mount_field(field, sizeof(field), i, "type"),
					   type, "is not in the list of file systems");
	}
	return err;
}

static int flags_text(uint64_t flags, struct buf *ret)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} names[] = { { MOUNT_ATTR_NOSUID, "nosuid" },
		      { MOUNT_ATTR_NODEV, "nodev" },
		      { MOUNT_ATTR_NOEXEC, "noexec" },
		      { MOUNT_ATTR_RDONLY, "ro" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if ((flags & names[i].flag) &&
		    buf_addf(ret, "%s%s", ret->len ? " " : "", names[i].name) < 0)
			return -1;
	return 0;
}

/* A tree gets them everywhere: what is mounted below would lack them. */
static int flags_meet(struct merge *m, struct spec_mount *mt, size_t i, uint64_t flags)
{
	uint64_t missing = flags & ~(mt->attr_set & ~mt->attr_clear);
	autobuf text = { .max = 256 };
	char field[48];

	if (mt->bind_rec)
		missing |= flags & ~(mt->attr_set_rec & ~mt->attr_clear_rec);
	if (!missing)
		return 0;
	mt->attr_set |= flags;
	mt->attr_clear &= ~flags;
	mt->attr_clear_rec &= ~flags;
	if (mt->bind_rec)
		mt->attr_set_rec |= flags;
	if (flags_text(missing, &text) < 0)
		return merge_no_memory(m);
	return merge_note(m, mount_field(field, sizeof(field), i, "options"), NULL, text.data);
}

int field_mount_flags(struct merge *m, const struct policy_rule *r)
{
	struct spec *s = m->spec;
	struct spec_mount *v;
	size_t i;
	int err = 0;

	if (r->mounts.bind_flags == 0 || s->n_mounts == 0)
		return 0;
	v = arena_array(m->arena, s->n_mounts, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	memcpy(v, s->mounts, s->n_mounts * sizeof(*v));
	s->mounts = v;
	for (i = 0; err == 0 && i < s->n_mounts; i++)
		/* A remount would take off again what its mount got. */
		if (v[i].bind || v[i].remount)
			err = flags_meet(m, &v[i], i, r->mounts.bind_flags);
	return err;
}

static enum policy_propagation propagation_of(uint64_t flags)
{
	if (flags & MS_SHARED)
		return POLICY_PROPAGATION_SHARED;
	return flags & MS_SLAVE ? POLICY_PROPAGATION_SLAVE : POLICY_PROPAGATION_PRIVATE;
}

int field_mount_propagation(struct merge *m, const struct policy_rule *r)
{
	static const char *const names[] = { "private", "slave", "shared", "any" };
	enum policy_propagation most = r->mounts.propagation;
	const struct spec *s = m->spec;
	char field[48];
	size_t i;
	int err = 0;

	if (propagation_of(s->linux_.rootfs_propagation) > most)
		err = merge_refuse(m, "linux.rootfsPropagation",
				   names[propagation_of(s->linux_.rootfs_propagation)],
				   "at most %s is allowed", names[most]);
	for (i = 0; err == 0 && i < s->n_mounts; i++)
		if (propagation_of(s->mounts[i].propagation) > most)
			err = merge_refuse(m, mount_field(field, sizeof(field), i, "options"),
					   names[propagation_of(s->mounts[i].propagation)],
					   "at most %s is allowed", names[most]);
	return err;
}

static bool paths_in_proc(const struct spec_strings *paths)
{
	size_t i;

	for (i = 0; i < paths->n; i++)
		if (merge_path_below(paths->v[i], "/proc"))
			return true;
	return false;
}

/* What is hidden in /proc would be seen in a second one. */
int field_mount_proc(struct merge *m, const struct policy_rule *r)
{
	const struct spec *s = m->spec;
	char field[48];
	size_t i;
	int err = 0;

	if (!paths_in_proc(&r->masked_paths) && !paths_in_proc(&r->readonly_paths))
		return 0;
	for (i = 0; err == 0 && i < s->n_mounts; i++)
		if (!s->mounts[i].bind && str_eq(s->mounts[i].type, "proc") &&
		    !str_eq(s->mounts[i].destination, "/proc"))
			err = merge_refuse(
				m, mount_field(field, sizeof(field), i, "destination"),
				s->mounts[i].destination,
				"a second procfs would show what is masked in /proc");
	return err;
}
