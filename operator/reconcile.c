// SPDX-License-Identifier: Apache-2.0
#include "reconcile.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "operator.h"

/*
 * The life of a Database, as it is looked at again and again: from whatever is observed now to
 * what is wanted now, never from what has just happened. Every step can be killed at any point;
 * the next look goes on from where things are.
 *
 *	read     the spec, with defaults and rules           api/database.c
 *	plan     wanted against observed: ordered actions    db/, plan.c, roll.c, finalize.c
 *	apply    the actions, all at once, one write each    apply.c
 *	status   what people see, if it changed              status.c, events.c
 *	end      look again: when news come, and in any case after half a minute
 */
#define SAFETY_NET_MS 30000

/* The API server says so as well, where it knows such rules. */
static void check_major(struct pass *p)
{
	int has = atoi(p->r->engine_version), wants = database_major(&p->database);

	if (has && wants != has)
		problems_add(&p->problems, "version",
			     "the data are those of version %d, and %d cannot read them: "
			     "upgrades of the data are not done yet; go back to %d, or make a "
			     "new Database and restore a dump into it",
			     has, wants, has);
}

static bool pass_read(struct pass *p)
{
	struct record *r = p->r;
	json_auto_t *spec = json_loads(r->spec ? r->spec : "{}", 0, NULL);

	problems_init(&p->problems);
	if (database_read(&p->database, r->namespace, r->name, r->uid, r->generation, spec,
			  &p->problems) < 0)
		return false;
	check_major(p);
	p->paused = p->database.pause && !r->deleting;
	return true;
}

/* Digests of what is wanted are good for as long as what they are made from stays the same. */
static const uint64_t *pass_wanted(struct pass *p, const struct db_circumstances *at)
{
	struct record *r = p->r;
	uint64_t key = (uint64_t)r->generation * 31 + (uint64_t)quantity_units(&at->size);

	key = (key * 31 + r->uid_digest) * 31 + (uint64_t)at->api[KIND_BUDGET];
	key = key ? key : 1;
	/* Without generations nothing says that a spec is still the same. */
	if (r->wanted_for != key || !r->generation) {
		plan_wanted(&p->database, at, r->wanted);
		r->wanted_for = key;
	}
	return r->wanted;
}

static void pass_plan(struct pass *p)
{
	struct record *r = p->r;
	struct plan_input in = {
		.database = &p->database,
		.observed = &r->observed,
		.now = time(NULL),
		.uid = r->uid_digest,
		.conflicts = r->conflicts,
		.made = r->made,
		.blind = p->o->blind,
		.finalizer = r->finalizer,
		.deleting = r->deleting,
	};

	r->listening = false;
	/* A spec that is wrong, or paused, changes nothing; going away it may always. */
	if (!r->deleting && (p->problems.count || p->paused)) {
		p->plan.size = plan_size(&p->database, &r->observed);
		return;
	}
	for (int k = 0; k < KIND_MAX; k++)
		in.at.api[k] = operator_api(p->o, (enum kind)k);
	in.at.size = plan_size(&p->database, &r->observed);
	if (!r->deleting)
		in.wanted = pass_wanted(p, &in.at);
	plan_make(&in, &p->plan);
	r->conflicts = p->plan.conflicts;
	r->listening = p->plan.listening;
	if (!p->plan.n && !r->conflicts)
		r->settled_generation = r->generation;
}

/*
 * With steps to do the next look, when they are done, has more to say than this one: a status between
 * them is a write for nobody, and the slowest of them. But whoever fights with us over a child, look by
 * look, must not keep it from being written.
 */
#define UNSAID_MOST 4

static bool pass_goes_on(struct pass *p)
{
	struct record *r = p->r;

	if (!p->plan.n || p->plan.conflicts || p->plan.resizing || p->plan.outdated ||
	    r->deleting || r->trouble || r->item.failures || r->unsaid == UNSAID_MOST) {
		r->unsaid = 0;
		return false;
	}
	r->unsaid++;
	return true;
}

static void pass_done(struct pass *p)
{
	problems_done(&p->problems);
	database_done(&p->database);
}

void reconcile(struct operator_ *o, struct record *r)
{
	struct pass p = { .o = o, .r = r };

	r->failed = false;
	r->retry_after_ms = 0;
	o->metrics.reconciles++;
	if (r->exists && pass_read(&p)) {
		pass_plan(&p);
		events_of_pass(&p);
		apply_plan(&p);
		if (!pass_goes_on(&p))
			status_write(&p);
		log_debug("%s/%s: %u to do, %u under way", r->namespace, r->name, p.plan.n,
			  r->in_flight);
	}
	pass_done(&p);
	if (!r->in_flight)
		reconcile_end(o, r);
}

void reconcile_end(struct operator_ *o, struct record *r)
{
	bool worked = r->worked;

	r->worked = false;
	if (r->failed) {
		o->metrics.reconcile_errors++;
	} else if (worked) {
		/* What was done may have opened the way for more. */
		queue_add(&r->item, QUEUE_HIGH);
	} else if (r->trouble) {
		/* Over; the next look says so in the status. */
		free(r->trouble);
		r->trouble = NULL;
		queue_add(&r->item, QUEUE_HIGH);
	}
	queue_finish(&r->item, r->failed,
		     r->failed      ? r->retry_after_ms
		     : !r->exists   ? 0
		     : r->listening ? LISTEN_S * 1000
				    : SAFETY_NET_MS);
	cache_release(&o->cache, r);
}
