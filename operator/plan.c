// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include "api/object.h"
#include "base/str.h"
#include "engine/engine.h"

#define DAY_S 86400

const char *action_name(enum action_type type)
{
	static const char *const names[] = { "create",       "apply",   "delete",   "orphan",
					     "grow",         "restart", "label",    "finalizer",
					     "delete claim", "issue",   "listen to" };

	return names[type];
}

struct action *plan_add(struct plan *p, enum action_type type, enum child child)
{
	/* The last place is written over and over: 64 actions in one pass are not reached with
	 * 15 replicas, and what is left out would be found by the next pass. */
	struct action *a = &p->actions[p->n < PLAN_MAX ? p->n++ : PLAN_MAX - 1];

	*a = (struct action){ .type = type, .child = child, .ordinal = -1 };
	return a;
}

struct quantity plan_size(const struct database *d, const struct observed *o)
{
	int64_t size = quantity_units(&d->size);

	if (o->children[CHILD_STATEFULSET].present && o->statefulset.size > size)
		size = o->statefulset.size;
	for (const struct seen_claim *c = o->claims; c; c = c->next)
		if (c->ordinal < d->replicas && c->requested > size)
			size = c->requested;
	return size == quantity_units(&d->size) ? d->size
						: quantity_of_units(size, QUANTITY_BINARY);
}

static bool is_secret(enum child c)
{
	return child_table[c].kind == KIND_SECRET;
}

void plan_wanted(const struct database *d, const struct db_circumstances *at,
		 uint64_t ret[CHILD_MAX])
{
	for (int c = 0; c < CHILD_MAX; c++) {
		json_auto_t *child = db_child(d, (enum child)c, at);

		if (!child)
			ret[c] = 0;
		else if (is_secret((enum child)c))
			ret[c] = object_labels_digest(child);
		else
			ret[c] = object_wanted_digest(child);
	}
}

static bool differs(const struct seen *s, uint64_t wanted)
{
	return s->owned != wanted && !(s->wanted == wanted && s->accepted == s->owned);
}

/* Unseen, it is only looked after where we have reason to think that it is not there. */
static bool secret_there(const struct plan_input *in, enum child c)
{
	return in->blind ? in->made & 1u << c : in->observed->children[c].present;
}

/* Is a third of its time all that is left to it, or is it made from what is no more? */
static bool certificate_is_due(const struct plan_input *in)
{
	const struct seen_certificate *c = &in->observed->certificate;
	uint64_t authority = in->blind ? 0 : in->observed->authority.authority;

	return c->not_after - in->now < in->database->tls_days * DAY_S / 3 ||
	       c->made_from != db_certificate_digest(in->database) ||
	       (authority && c->authority != authority);
}

/*
 * The authority comes first and the certificate that it signs last, when all that clients are told by is
 * there.
 */
static bool is_next(const struct plan_input *in, enum child c)
{
	for (enum child before = CHILD_AUTHORITY; before < c; before++)
		if (in->wanted[before] && !secret_there(in, before) &&
		    (before == CHILD_AUTHORITY || c == CHILD_CERTIFICATE))
			return false;
	return true;
}

static void plan_secret(const struct plan_input *in, enum child c, struct plan *p)
{
	const struct seen *s = &in->observed->children[c];

	if (!is_next(in, c))
		return;
	if (c == CHILD_CERTIFICATE && (!secret_there(in, c) || certificate_is_due(in)))
		plan_add(p, ACTION_ISSUE, c);
	else if (!secret_there(in, c))
		plan_add(p, ACTION_CREATE, c);
	else if (!in->blind && !s->deleting && differs(s, in->wanted[c])) {
		struct action *a = plan_add(p, ACTION_APPLY, c);

		a->version = s->version;
		a->wanted = in->wanted[c];
	}
}

static void plan_child(const struct plan_input *in, enum child c, struct plan *p)
{
	const struct seen *s = &in->observed->children[c];
	uint64_t wanted = in->wanted[c];
	struct action *a;

	if (!s->present) {
		if (wanted)
			plan_add(p, ACTION_CREATE, c)->wanted = wanted;
	} else if (s->deleting) {
		/* Its end is news, and then it is made again. */
	} else if (s->owner != in->uid) {
		/* A namesake that was deleted leaves children to the garbage collector. */
		if (s->owner)
			p->old_children = true;
		else if (wanted)
			p->conflicts |= 1u << c;
	} else if (!wanted) {
		plan_add(p, ACTION_DELETE, c)->version = s->version;
	} else if (differs(s, wanted)) {
		a = plan_add(p, ACTION_APPLY, c);
		a->version = s->version;
		a->wanted = wanted;
	}
}

/* Claims first: they must have their size before the StatefulSet says so for new ones. */
static bool plan_claims(const struct plan_input *in, struct plan *p)
{
	int64_t size = quantity_units(&p->size);
	bool all = true;

	for (const struct seen_claim *c = in->observed->claims; c; c = c->next) {
		struct action *a;

		if (c->deleting || !c->bound)
			continue;
		if (c->capacity && c->capacity < c->requested)
			p->resizing = true;
		if (c->requested >= size || !in->database->resize)
			continue;
		a = plan_add(p, ACTION_GROW, CHILD_MAX);
		a->ordinal = c->ordinal;
		a->version = c->version;
		p->resizing = true;
		all = false;
	}
	return all;
}

static uint64_t fixed_digest(const struct plan_input *in, const struct plan *p)
{
	json_auto_t *wanted = db_statefulset(in->database, &p->size);
	struct quantity size;

	return db_statefulset_fixed(wanted, &size);
}

static void plan_statefulset(const struct plan_input *in, struct plan *p)
{
	const struct seen *s = &in->observed->children[CHILD_STATEFULSET];
	const struct seen_statefulset *more = &in->observed->statefulset;
	bool ours = s->present && !s->deleting && s->owner == in->uid;
	bool claims_ready = plan_claims(in, p);

	if (!ours) {
		plan_child(in, CHILD_STATEFULSET, p);
		return;
	}
	if (differs(s, in->wanted[CHILD_STATEFULSET]) && more->fixed != fixed_digest(in, p)) {
		p->fixed_differs = true;
		return;
	}
	if (more->size < quantity_units(&p->size)) {
		p->resizing = true;
		if (claims_ready)
			plan_add(p, ACTION_ORPHAN, CHILD_STATEFULSET)->version = s->version;
		return;
	}
	plan_child(in, CHILD_STATEFULSET, p);
}

/* Which of two or more is the primary; of one alone nobody asks. */
static void plan_roles(const struct plan_input *in, struct plan *p)
{
	if (in->database->replicas < 2)
		return;
	for (const struct seen_pod *pod = in->observed->pods; pod; pod = pod->next) {
		enum role role = pod->ordinal ? ROLE_REPLICA : ROLE_PRIMARY;
		struct action *a;

		if (pod->deleting || pod->role == role ||
		    pod->ordinal >= in->database->replicas)
			continue;
		a = plan_add(p, ACTION_ROLE, CHILD_MAX);
		a->ordinal = pod->ordinal;
		a->role = role;
		a->uid = pod->uid;
	}
}

static void plan_roll(const struct plan_input *in, struct plan *p)
{
	const struct observed *o = in->observed;
	struct action next;

	p->outdated = roll_outdated(o, in->database->replicas);
	if (!p->outdated || str_eq(in->database->update, "OnDelete"))
		return;
	/* With anything else to do the revision to reach may not be the last one. */
	if (!p->n && roll_next(o, in->database->replicas, &next))
		*plan_add(p, ACTION_RESTART, CHILD_MAX) = next;
}

/* A certificate that is there serves until the new one comes. */
static bool comes_before_pods(const struct plan_input *in, const struct action *a)
{
	return a->child < CHILD_READ_WRITE &&
	       (a->type != ACTION_ISSUE || !secret_there(in, CHILD_CERTIFICATE));
}

static void plan_children(const struct plan_input *in, struct plan *p)
{
	bool before = false;

	for (int c = 0; c < CHILD_MAX; c++)
		if (in->wanted[c] && !in->observed->children[c].present)
			p->conflicts |= in->conflicts & 1u << c;
	for (int c = 0; c < CHILD_STATEFULSET; c++) {
		if (!is_secret((enum child)c))
			plan_child(in, (enum child)c, p);
		else if (in->wanted[c])
			plan_secret(in, (enum child)c, p);
	}
	for (int c = CHILD_STATEFULSET + 1; c < CHILD_MAX; c++)
		plan_child(in, (enum child)c, p);
	for (unsigned i = 0; i < p->n; i++)
		before |= comes_before_pods(in, &p->actions[i]);
	/* Pods must find their files, passwords and names, so what makes pods comes after. */
	if (!before && !(p->conflicts & ((1u << CHILD_READ_WRITE) - 1)))
		plan_statefulset(in, p);
}

static bool primary_is_ready(const struct observed *o)
{
	return o->pods && o->pods->ordinal == 0 && o->pods->ready && !o->pods->deleting;
}

static void plan_listen(const struct plan_input *in, struct plan *p)
{
	const struct seen_declared *seen = &in->observed->declared;
	uint64_t wanted = in->database->engine->declared(in->database);
	bool patient = seen->wanted == wanted && (seen->failed || seen->tries == LISTEN_TRIES);
	struct action *a;

	if (!wanted || (seen->digest == wanted && !seen->failed) ||
	    !primary_is_ready(in->observed))
		return;
	p->listening = !patient;
	if (seen->wanted == wanted &&
	    in->now - seen->asked < (patient ? LISTEN_S * 5 : LISTEN_S))
		return;
	a = plan_add(p, ACTION_LISTEN, CHILD_MAX);
	a->ordinal = 0;
	a->wanted = wanted;
}

void plan_make(const struct plan_input *in, struct plan *ret)
{
	struct plan_input own = *in;
	uint64_t wanted[CHILD_MAX];

	*ret = (struct plan){ .size = plan_size(in->database, in->observed) };
	if (in->deleting) {
		finalize_plan(in, ret);
		return;
	}
	ret->shrink = quantity_compare(&ret->size, &in->database->size) > 0;
	own.at.size = ret->size;
	if (!own.wanted) {
		plan_wanted(in->database, &own.at, wanted);
		own.wanted = wanted;
	}
	if (database_deletes_data(in->database) != in->finalizer) {
		/* Before anything exists that it must clean up. */
		plan_add(ret, ACTION_FINALIZER, CHILD_MAX)->wanted = !in->finalizer;
		return;
	}
	plan_children(&own, ret);
	plan_roles(&own, ret);
	plan_roll(&own, ret);
	/* Before there is nothing else to do, what is declared is not with the primary. */
	if (!ret->n)
		plan_listen(&own, ret);
}
