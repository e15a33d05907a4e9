/* SPDX-License-Identifier: Apache-2.0 */

/* The meet of namespaces, paths, sysctls, devices, hooks, annotations and the cgroup's place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"
#include "spec/sysctl.h"

/* --- namespaces ---------------------------------------------------------------------------------- */

static int namespace_meet(struct merge *m, enum spec_ns ns)
{
	const struct spec_namespace *n = &m->spec->linux_.namespaces[ns];
	char field[48];
	int r;

	snprintf(field, sizeof(field), "linux.namespaces[%s]", spec_ns_name(ns));
	if (!n->present)
		return merge_refuse(m, field, NULL, "must not be the host's: list it");
	if (!n->path)
		return 0;
	r = m->facts->namespace_is_host(m->facts->arg, ns, n->path);
	if (r < 0)
		return merge_refuse(m, field, n->path, "cannot tell whose it is: %s",
				    error_name(-r));
	return r ? merge_refuse(m, field, n->path, "is the host's own") : 0;
}

int field_namespaces(struct merge *m, const struct policy_rule *r)
{
	int i, err = 0;

	for (i = 0; err == 0 && i < SPEC_NS_COUNT; i++)
		if (r->namespaces[i])
			err = namespace_meet(m, i);
	return err;
}

static int mappings_meet(struct merge *m, const struct policy_user_namespace *u,
			 const char *name, const struct spec_id_mapping *v, size_t n)
{
	char field[64], text[64];
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < n; i++) {
		snprintf(field, sizeof(field), "linux.%s[%zu]", name, i);
		snprintf(text, sizeof(text), "%u %u %u", v[i].container_id, v[i].host_id,
			 v[i].size);
		if (u->min_host_id.set && v[i].host_id < u->min_host_id.value)
			err = merge_refuse(m, field, text, "host ids begin at %llu",
					   (unsigned long long)u->min_host_id.value);
		else if (u->max_size.set && v[i].size > u->max_size.value)
			err = merge_refuse(m, field, text, "at most %llu ids",
					   (unsigned long long)u->max_size.value);
	}
	return err;
}

int field_user_namespace(struct merge *m, const struct policy_rule *r)
{
	const struct spec_linux *l = &m->spec->linux_;
	int err;

	err = mappings_meet(m, &r->user_namespace, "uidMappings", l->uid_mappings,
			    l->n_uid_mappings);
	return err < 0 ? err
		       : mappings_meet(m, &r->user_namespace, "gidMappings", l->gid_mappings,
				       l->n_gid_mappings);
}

/* --- paths --------------------------------------------------------------------------------------- */

int field_root_readonly(struct merge *m, const struct policy_rule *r)
{
	if (!r->root_readonly || m->spec->root_readonly)
		return 0;
	m->spec->root_readonly = true;
	return merge_note(m, "root.readonly", "false", "true");
}

static int paths_add(struct merge *m, const char *field, struct spec_strings *list,
		     const struct spec_strings *more)
{
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < more->n; i++) {
		char **v;

		if (merge_has(list, more->v[i]))
			continue;
		v = merge_append(m, list, more->v[i]);
		if (!v)
			return merge_no_memory(m);
		*list = (struct spec_strings){ list->n + 1, v };
		err = merge_note(m, field, NULL, more->v[i]);
	}
	return err;
}

int field_masked_paths(struct merge *m, const struct policy_rule *r)
{
	return paths_add(m, "linux.maskedPaths", &m->spec->linux_.masked_paths,
			 &r->masked_paths);
}

int field_readonly_paths(struct merge *m, const struct policy_rule *r)
{
	return paths_add(m, "linux.readonlyPaths", &m->spec->linux_.readonly_paths,
			 &r->readonly_paths);
}

/* --- sysctls ------------------------------------------------------------------------------------- */

/* "net.ipv4.x" and "net/ipv4/x" are one. */
static bool sysctl_allowed(const struct spec_strings *allowed, const char *name)
{
	char path[512], other[512];
	size_t i;

	if (sysctl_path(name, path, sizeof(path)) < 0)
		return false;
	for (i = 0; i < allowed->n; i++)
		if (sysctl_path(allowed->v[i], other, sizeof(other)) == 0 &&
		    str_eq(path, other))
			return true;
	return false;
}

int field_sysctl(struct merge *m, const struct policy_rule *r)
{
	const struct spec_pairs *p = &m->spec->linux_.sysctl;
	size_t i;
	int err = 0;

	for (i = 0; r->sysctl.set && err == 0 && i < p->n; i++)
		if (!sysctl_allowed(&r->sysctl.names, p->v[i].key))
			err = merge_refuse(m, "linux.sysctl", p->v[i].key,
					   "is not in the list of sysctls");
	return err;
}

/* --- devices ------------------------------------------------------------------------------------- */

static bool number_meets(int64_t a, int64_t b, int64_t *ret)
{
	if (a != SPEC_DEVICE_ANY && b != SPEC_DEVICE_ANY && a != b)
		return false;
	*ret = a == SPEC_DEVICE_ANY ? b : a;
	return true;
}

static bool device_meets(const struct spec_device_rule *a, const struct spec_device_rule *b,
			 struct spec_device_rule *ret)
{
	*ret = *b;
	ret->access = a->access & b->access;
	return (a->type == 'a' || a->type == b->type) && ret->access &&
	       number_meets(a->major, b->major, &ret->major) &&
	       number_meets(a->minor, b->minor, &ret->minor);
}

/* Two rules say the same where one of them was cut by itself: then nothing is worth a note. */
static bool device_same(const struct spec_device_rule *a, const struct spec_device_rule *b)
{
	return a->allow == b->allow && a->type == b->type && a->major == b->major &&
	       a->minor == b->minor && a->access == b->access;
}

/*
 * The last rule that names a device decides, and what none names is denied. So a list stays itself,
 * in order, while each rule that allows becomes what it has in common with each of the policy's.
 */
static size_t devices_meet(const struct spec_resources *res, const struct policy_devices *d,
			   struct spec_device_rule *ret)
{
	size_t i, k, n = 0;

	for (i = 0; i < res->n_devices; i++) {
		if (!res->devices[i].allow)
			ret[n++] = res->devices[i];
		for (k = 0; res->devices[i].allow && k < d->n; k++)
			if (device_meets(&res->devices[i], &d->allow[k], &ret[n]))
				n++;
	}
	return n;
}

static int device_text(const struct spec_device_rule *d, struct buf *ret)
{
	char major[24] = "*", minor[24] = "*";

	if (d->major != SPEC_DEVICE_ANY)
		snprintf(major, sizeof(major), "%lld", (long long)d->major);
	if (d->minor != SPEC_DEVICE_ANY)
		snprintf(minor, sizeof(minor), "%lld", (long long)d->minor);
	return buf_addf(ret, "%s%s%c %s:%s %s%s%s", ret->len ? ", " : "",
			d->allow ? "" : "not ", d->type, major, minor,
			d->access & SPEC_ACCESS_READ ? "r" : "",
			d->access & SPEC_ACCESS_WRITE ? "w" : "",
			d->access & SPEC_ACCESS_MKNOD ? "m" : "");
}

static int devices_text(const struct spec_device_rule *v, size_t n, struct buf *ret)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (device_text(&v[i], ret) < 0)
			return -ENOMEM;
	return ret->len ? 0 : buf_adds(ret, "none");
}

int field_device_rules(struct merge *m, const struct policy_rule *r)
{
	struct spec_resources *res = &m->spec->linux_.resources;
	autobuf was = { .max = 1 << 20 }, is = { .max = 1 << 20 };
	struct spec_device_rule *v;
	size_t i, n;

	if (!r->devices.set || res->n_devices == 0)
		return 0;
	v = arena_array(m->arena, res->n_devices * (r->devices.n + 1), sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	n = devices_meet(res, &r->devices, v);
	for (i = 0; i < n && n == res->n_devices && device_same(&v[i], &res->devices[i]); i++)
		;
	if (i == n && n == res->n_devices)
		return 0;
	if (devices_text(res->devices, res->n_devices, &was) < 0 || devices_text(v, n, &is) < 0)
		return merge_no_memory(m);
	res->devices = v;
	res->n_devices = n;
	return merge_note(m, "linux.resources.devices", was.data, is.data);
}

static bool node_allowed(const struct spec_device *d, const struct policy_devices *allowed)
{
	char type = d->type == 'u' ? 'c' : d->type;
	size_t i;

	if (type == 'p')
		return true;
	for (i = 0; i < allowed->n; i++) {
		const struct spec_device_rule *a = &allowed->allow[i];

		if (a->type == type && (a->major == SPEC_DEVICE_ANY || a->major == d->major) &&
		    (a->minor == SPEC_DEVICE_ANY || a->minor == d->minor))
			return true;
	}
	return false;
}

int field_device_nodes(struct merge *m, const struct policy_rule *r)
{
	struct spec_linux *l = &m->spec->linux_;
	struct spec_device *v;
	size_t i, n = 0;
	int err = 0;

	if (!r->devices.set || l->n_devices == 0)
		return 0;
	v = arena_array(m->arena, l->n_devices, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	for (i = 0; err == 0 && i < l->n_devices; i++) {
		if (node_allowed(&l->devices[i], &r->devices))
			v[n++] = l->devices[i];
		else
			err = merge_note(m, "linux.devices", l->devices[i].path, "not made");
	}
	l->devices = v;
	l->n_devices = n;
	return err;
}

/* --- hooks --------------------------------------------------------------------------------------- */

static bool hook_args_fit(const struct policy_hook *allowed, const struct spec_hook *h)
{
	size_t i;

	if (!allowed->args.set)
		return true;
	if (allowed->args.names.n != h->args.n)
		return false;
	for (i = 0; i < h->args.n && str_eq(allowed->args.names.v[i], h->args.v[i]); i++)
		;
	return i == h->args.n;
}

/* What decides which code runs, as LD_PRELOAD does, would make a digest worthless. */
static bool hook_env_fits(const struct policy_hook *allowed, const struct spec_hook *h)
{
	char name[256];
	size_t i, n;

	for (i = 0; i < h->env.n; i++) {
		n = strcspn(h->env.v[i], "=");
		if (n >= sizeof(name))
			return false;
		memcpy(name, h->env.v[i], n);
		name[n] = '\0';
		if (!merge_has(&allowed->env, name))
			return false;
	}
	return true;
}

static bool hook_fits(struct merge *m, const struct policy_hook *allowed,
		      const struct spec_hook *h, enum spec_hook_stage stage)
{
	char digest[SHA256_HEX];

	if (!str_eq(allowed->path, h->path) ||
	    (allowed->stages.set &&
	     !merge_has(&allowed->stages.names, spec_hook_stage_name(stage))) ||
	    !hook_args_fit(allowed, h) || !hook_env_fits(allowed, h))
		return false;
	return !allowed->sha256 ||
	       (m->facts->hook_digest(m->facts->arg, h->path, digest) == 0 &&
		str_eq(digest, allowed->sha256));
}

static int hook_meet(struct merge *m, const struct policy_hooks *allowed,
		     enum spec_hook_stage stage, size_t i)
{
	const struct spec_hook *h = &m->spec->hooks[stage].v[i];
	char field[64];
	size_t k;

	for (k = 0; k < allowed->n; k++)
		if (hook_fits(m, &allowed->v[k], h, stage))
			return 0;
	snprintf(field, sizeof(field), "hooks.%s[%zu].path", spec_hook_stage_name(stage), i);
	return merge_refuse(m, field, h->path,
			    "is not in the list of hooks with this stage, contents, "
			    "arguments and variables");
}

int field_hooks(struct merge *m, const struct policy_rule *r)
{
	size_t i;
	int s, err = 0;

	for (s = 0; r->hooks.set && s < SPEC_HOOK_STAGES; s++)
		for (i = 0; err == 0 && i < m->spec->hooks[s].n; i++)
			err = hook_meet(m, &r->hooks, s, i);
	return err;
}

/* --- the rest ------------------------------------------------------------------------------------ */

int field_net_devices(struct merge *m, const struct policy_rule *r)
{
	const struct spec_linux *l = &m->spec->linux_;
	size_t i;
	int err = 0;

	for (i = 0; r->net_devices.set && err == 0 && i < l->n_net_devices; i++)
		if (!merge_has_like(&r->net_devices.names, l->net_devices[i].host_name))
			err = merge_refuse(m, "linux.netDevices", l->net_devices[i].host_name,
					   "is not in the list of network devices");
	return err;
}

/* Classes are few, and who shares one shares its part of the cache. */
int field_rdt(struct merge *m, const struct policy_rule *r)
{
	const struct spec_intel_rdt *rdt = &m->spec->linux_.intel_rdt;
	const char *class = rdt->clos_id ?: "";

	if (!r->rdt_classes.set || !rdt->present ||
	    merge_has_like(&r->rdt_classes.names, class))
		return 0;
	return merge_refuse(m, "linux.intelRdt.closID", class, "is not in the list of classes");
}

static bool starts_with_any(const char *s, const struct spec_strings *prefixes)
{
	size_t i;

	for (i = 0; i < prefixes->n; i++)
		if (str_starts(s, prefixes->v[i]))
			return true;
	return false;
}

int field_annotations(struct merge *m, const struct policy_rule *r)
{
	struct spec_pairs *p = &m->spec->annotations;
	struct spec_pair *v;
	size_t i, n = 0;
	int err = 0;

	if (r->strip_annotations.n == 0 || p->n == 0)
		return 0;
	v = arena_array(m->arena, p->n, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	for (i = 0; err == 0 && i < p->n; i++) {
		if (!starts_with_any(p->v[i].key, &r->strip_annotations))
			v[n++] = p->v[i];
		else
			err = merge_note(m, "annotations", p->v[i].key, "stripped");
	}
	*p = (struct spec_pairs){ n, v };
	return err;
}

int field_cgroup(struct merge *m, const struct policy_rule *r)
{
	const char *cgroup = m->facts->cgroup;
	size_t i;

	if (r->cgroup_parents.n == 0)
		return 0;
	for (i = 0; i < r->cgroup_parents.n; i++)
		if (merge_path_below(cgroup, r->cgroup_parents.v[i]) &&
		    !str_eq(cgroup, r->cgroup_parents.v[i]))
			return 0;
	return merge_refuse(m, "linux.cgroupsPath", cgroup,
			    "lies below none of the cgroups that containers may be in");
}
