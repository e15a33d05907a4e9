/* SPDX-License-Identifier: Apache-2.0 */

/* The meet of what a process may be: run and exec alike. */
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/capability.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"

#define IO_CLASS_REALTIME 1 /* IOPRIO_CLASS_RT */

int field_no_new_privileges(struct merge *m, const struct policy_rule *r)
{
	struct spec_process *p = &m->spec->process;

	if (!r->process.no_new_privileges || p->no_new_privileges)
		return 0;
	p->no_new_privileges = true;
	return merge_note(m, "process.noNewPrivileges", "false", "true");
}

static int groups_meet(struct merge *m, uint64_t min)
{
	const struct spec_user *u = &m->spec->process.user;
	char text[16], field[64] = "process.user.gid";
	uint32_t gid = u->gid;
	size_t i = 0;

	for (;; gid = u->additional_gids[i++]) {
		if (gid < min) {
			snprintf(text, sizeof(text), "%u", gid);
			return merge_refuse(m, field, text, "must be at least %llu",
					    (unsigned long long)min);
		}
		if (i == u->n_additional_gids)
			return 0;
		snprintf(field, sizeof(field), "process.user.additionalGids[%zu]", i);
	}
}

int field_user(struct merge *m, const struct policy_rule *r)
{
	const struct policy_process *p = &r->process;
	uint32_t uid = m->spec->process.user.uid;
	bool userns = m->spec->linux_.namespaces[SPEC_NS_USER].present;
	char text[16];

	snprintf(text, sizeof(text), "%u", uid);
	if (uid == 0 && p->root == POLICY_ROOT_NEVER)
		return merge_refuse(m, "process.user.uid", text, "root is not allowed");
	if (uid == 0 && p->root == POLICY_ROOT_USERNS && !userns)
		return merge_refuse(m, "process.user.uid", text,
				    "root is only allowed in a user namespace");
	if (p->min_uid.set && uid < p->min_uid.value)
		return merge_refuse(m, "process.user.uid", text, "must be at least %llu",
				    (unsigned long long)p->min_uid.value);
	return p->min_gid.set ? groups_meet(m, p->min_gid.value) : 0;
}

/* --- capabilities -------------------------------------------------------------------------------- */

static int caps_text(uint64_t set, struct buf *ret)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < 64; i++)
		if ((set & 1ull << i) &&
		    buf_addf(ret, "%s%s", ret->len ? " " : "", capability_name(i, name)) < 0)
			return -1;
	return ret->len ? 0 : buf_adds(ret, "none");
}

static int caps_cut(struct merge *m, const char *field, uint64_t *set, uint64_t ceiling)
{
	autobuf was = { .max = 8192 }, is = { .max = 8192 };
	uint64_t before = *set;

	if ((before & ceiling) == before)
		return 0;
	*set &= ceiling;
	if (caps_text(before, &was) < 0 || caps_text(*set, &is) < 0)
		return merge_no_memory(m);
	return merge_note(m, field, was.data, is.data);
}

/* Five sets at once, then what depends on another: what could not be given is not asked for. */
static int caps_meet(struct merge *m, const struct spec_capabilities *most)
{
	struct spec_capabilities *c = &m->spec->process.capabilities;
	uint64_t inheritable = most->inheritable & most->bounding & c->bounding;
	int r;

	if ((r = caps_cut(m, "process.capabilities.bounding", &c->bounding, most->bounding)) <
		    0 ||
	    (r = caps_cut(m, "process.capabilities.permitted", &c->permitted,
			  most->permitted)) < 0 ||
	    (r = caps_cut(m, "process.capabilities.effective", &c->effective,
			  most->effective & most->permitted)) < 0 ||
	    (r = caps_cut(m, "process.capabilities.inheritable", &c->inheritable,
			  inheritable)) < 0)
		return r;
	return caps_cut(m, "process.capabilities.ambient", &c->ambient,
			most->ambient & c->permitted & c->inheritable);
}

int field_capabilities(struct merge *m, const struct policy_rule *r)
{
	const struct policy_process *p = &r->process;
	uint64_t ceiling = p->caps_set ? p->caps_ceiling : UINT64_MAX;
	struct spec_capabilities most = {
		.bounding = ceiling,
		.permitted = ceiling,
		.effective = ceiling,
		.inheritable = p->clear_inheritable ? 0 : ceiling,
		.ambient = p->clear_ambient ? 0 : ceiling,
	};

	if (!p->caps_set && !p->clear_inheritable && !p->clear_ambient)
		return 0;
	return caps_meet(m, &most);
}

/* --- limits -------------------------------------------------------------------------------------- */

static struct spec_rlimit *rlimit_find(const struct spec_process *p, int resource)
{
	size_t i;

	for (i = 0; i < p->n_rlimits; i++)
		if (p->rlimits[i].resource == resource)
			return &p->rlimits[i];
	return NULL;
}

/* The list again, its own and with one more where it lacks this limit. */
static struct spec_rlimit *rlimit_own(struct merge *m, const struct policy_rlimit *l,
				      const struct rlimit *own)
{
	struct spec_process *p = &m->spec->process;
	struct spec_rlimit *v = arena_array(m->arena, p->n_rlimits + 1, sizeof(*v));

	if (!v)
		return NULL;
	if (p->n_rlimits)
		memcpy(v, p->rlimits, p->n_rlimits * sizeof(*v));
	p->rlimits = v;
	if (!rlimit_find(p, l->resource))
		v[p->n_rlimits++] = (struct spec_rlimit){ .resource = l->resource,
							  .name = l->name,
							  .soft = own->rlim_cur,
							  .hard = own->rlim_max };
	return rlimit_find(p, l->resource);
}

/* A limit that the spec lacks is the runtime's own: that is what must not grow. */
static int rlimit_meet(struct merge *m, const struct policy_rlimit *l)
{
	const struct spec_rlimit *has = rlimit_find(&m->spec->process, l->resource);
	bool asked = rlimit_find(&m->request->process, l->resource);
	uint64_t most = l->max.set ? l->max.value : UINT64_MAX, soft, hard;
	struct spec_rlimit *mine;
	char field[64], was[64], is[64];
	struct rlimit own = { 0 };
	int r = has ? 0 : m->facts->inherited_rlimit(m->facts->arg, l->resource, &own);

	if (r < 0)
		return error_set(m->e, -r, "ask for our own %s", l->name);
	soft = has ? has->soft : own.rlim_cur;
	hard = has ? has->hard : own.rlim_max;
	if (!asked && l->fallback.set && l->fallback.value < most)
		most = l->fallback.value;
	if (soft <= most && hard <= most)
		return 0;
	mine = rlimit_own(m, l, &own);
	if (!mine)
		return merge_no_memory(m);
	if (mine->soft > most)
		mine->soft = most;
	if (mine->hard > most)
		mine->hard = most;
	snprintf(field, sizeof(field), "process.rlimits[%s]", l->name);
	snprintf(was, sizeof(was), "%llu:%llu", (unsigned long long)soft,
		 (unsigned long long)hard);
	snprintf(is, sizeof(is), "%llu:%llu", (unsigned long long)mine->soft,
		 (unsigned long long)mine->hard);
	return merge_note(m, field, asked ? was : NULL, is);
}

int field_rlimits(struct merge *m, const struct policy_rule *r)
{
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < r->process.n_rlimits; i++)
		err = rlimit_meet(m, &r->process.rlimits[i]);
	return err;
}

int field_oom_score_adj(struct merge *m, const struct policy_rule *r)
{
	const struct opt_i64 *min = &r->process.min_oom_score_adj;
	struct opt_i64 *v = &m->spec->process.oom_score_adj;
	int64_t was = v->value;
	bool set = v->set;
	int err;

	if (!min->set)
		return 0;
	err = set ? 0 : m->facts->inherited_oom_score_adj(m->facts->arg, &was);
	if (err < 0)
		return error_set(m->e, -err, "ask for our own oom_score_adj");
	if (was >= min->value)
		return 0;
	*v = (struct opt_i64){ .set = true, .value = min->value };
	return merge_note_number(m, "process.oomScoreAdj", set, was, v->value);
}

int field_realtime(struct merge *m, const struct policy_rule *r)
{
	const struct spec_process *p = &m->spec->process;
	uint32_t policy = p->scheduler.policy;

	if (!r->process.no_realtime)
		return 0;
	if (p->scheduler.present &&
	    (policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE))
		return merge_refuse(m, "process.scheduler.policy", NULL,
				    "real-time scheduling is not allowed");
	if (p->io_priority.present && p->io_priority.class == IO_CLASS_REALTIME)
		return merge_refuse(m, "process.ioPriority.class", NULL,
				    "real-time I/O is not allowed");
	return 0;
}

int field_nice(struct merge *m, const struct policy_rule *r)
{
	const struct opt_i64 *min = &r->process.min_nice;
	struct spec_scheduler *s = &m->spec->process.scheduler;
	int64_t was = s->nice;

	if (!min->set || !s->present || was >= min->value)
		return 0;
	s->nice = (int32_t)min->value;
	return merge_note_number(m, "process.scheduler.nice", true, was, s->nice);
}

int field_apparmor(struct merge *m, const struct policy_rule *r)
{
	const char *name = m->spec->process.apparmor_profile;

	if (!r->process.apparmor.set)
		return 0;
	if (str_empty(name))
		name = "unconfined";
	if (merge_has_like(&r->process.apparmor.names, name))
		return 0;
	return merge_refuse(m, "process.apparmorProfile", name,
			    "is not in the list of profiles");
}

/* "user:role:type:level": the type decides what the process may do. */
static const char *label_type(const char *label, char *dst, size_t size)
{
	const char *type = label ? strchr(label, ':') : NULL;
	size_t n;

	type = type ? strchr(type + 1, ':') : NULL;
	if (str_empty(label))
		return "unconfined";
	if (!type)
		return label;
	n = strcspn(++type, ":");
	if (n >= size)
		return label;
	memcpy(dst, type, n);
	dst[n] = '\0';
	return dst;
}

int field_selinux(struct merge *m, const struct policy_rule *r)
{
	const char *label = m->spec->process.selinux_label;
	char type[256];

	if (!r->process.selinux.set ||
	    merge_has_like(&r->process.selinux.names, label_type(label, type, sizeof(type))))
		return 0;
	return merge_refuse(m, "process.selinuxLabel", str_empty(label) ? "unconfined" : label,
			    "its type is not in the list");
}

/* --- exec ---------------------------------------------------------------------------------------- */

int field_exec(struct merge *m, const struct policy_rule *r)
{
	const struct spec_process *own = m->facts->container;
	struct spec_process *p = &m->spec->process;
	int err;

	if (!r->exec_as_container || !own)
		return 0;
	err = caps_meet(m, &own->capabilities);
	if (err == 0 && own->no_new_privileges && !p->no_new_privileges) {
		p->no_new_privileges = true;
		err = merge_note(m, "process.noNewPrivileges", "false", "true");
	}
	if (err == 0 && p->user.uid == 0 && own->user.uid != 0)
		err = merge_refuse(m, "process.user.uid", "0", "the container is not root");
	if (err == 0 && !str_eq(p->apparmor_profile, own->apparmor_profile))
		err = merge_refuse(m, "process.apparmorProfile", p->apparmor_profile,
				   "is not the container's own");
	if (err == 0 && !str_eq(p->selinux_label, own->selinux_label))
		err = merge_refuse(m, "process.selinuxLabel", p->selinux_label,
				   "is not the container's own");
	return err;
}
