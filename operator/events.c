// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/str.h"
#include "operator.h"
#include "reconcile.h"

/* What is worth a word to people: what is wrong, and what we do to their data and pods. */
static void emit(struct pass *p, bool warning, const char *reason, const char *note)
{
	events_emit(&p->o->events, &(struct event){
					   .api_version = kind_table[KIND_DATABASE].apis[0],
					   .kind = "Database",
					   .namespace = p->r->namespace,
					   .name = p->r->name,
					   .uid = p->r->uid,
					   .warning = warning,
					   .reason = reason,
					   .action = "Reconcile",
					   .note = note,
				   });
}

static void emit_action(struct pass *p, const struct action *a)
{
	char note[160], size[QUANTITY_TEXT_MAX];

	switch (a->type) {
	case ACTION_CREATE:
		if (a->child != CHILD_STATEFULSET)
			return;
		snprintf(note, sizeof(note), "StatefulSet %s is created", p->r->name);
		emit(p, false, "Created", note);
		return;
	case ACTION_RESTART:
		snprintf(note, sizeof(note), "pod %s-%d is replaced by one of the new revision",
			 p->r->name, a->ordinal);
		emit(p, false, "PodReplaced", note);
		return;
	case ACTION_GROW:
		snprintf(note, sizeof(note), "claim data-%s-%d grows to %s", p->r->name,
			 a->ordinal, quantity_text(&p->plan.size, size));
		emit(p, false, "StorageResized", note);
		return;
	case ACTION_ORPHAN:
		emit(p, false, "StatefulSetRecreated",
		     "the StatefulSet is made anew for its larger claims; its pods stay");
		return;
	case ACTION_ISSUE:
		if (!p->r->observed.certificate.not_after)
			return;
		snprintf(note, sizeof(note), "Secret %s%s gets a new certificate", p->r->name,
			 child_table[CHILD_CERTIFICATE].suffix);
		emit(p, false, "CertificateRenewed", note);
		return;
	case ACTION_DROP_CLAIM:
		snprintf(note, sizeof(note),
			 "claim data-%s-%d is deleted (deletionPolicy Delete)", p->r->name,
			 a->ordinal);
		emit(p, false, "DataDeleted", note);
		return;
	default:
		return;
	}
}

void events_of_pass(struct pass *p)
{
	struct record *r = p->r;
	uint64_t key = (uint64_t)r->generation + 1;

	/* An operator that was there before has told it. */
	if (r->marks.status[CONDITION_SPEC_VALID] == CONDITION_FALSE &&
	    r->observed_generation == r->generation)
		r->invalid_for = key;

	if (!r->deleting && p->problems.count && r->invalid_for != key)
		emit(p, true, "SpecInvalid", problems_text(&p->problems));
	if (!r->deleting && (p->plan.shrink || p->plan.fixed_differs) && r->invalid_for != key)
		emit(p, true, "SpecInvalid",
		     p->plan.shrink ? "spec.storage.size: volumes cannot shrink"
				    : "spec.storage: storageClassName and accessModes cannot "
				      "change");
	if (p->problems.count || p->plan.shrink || p->plan.fixed_differs)
		r->invalid_for = key;
	if (p->plan.conflicts && r->marks.status[CONDITION_READY] != CONDITION_TRUE &&
	    !r->trouble)
		emit(p, true, "NameConflict",
		     "an object that is not this Database's has a name it needs");
	for (unsigned i = 0; i < p->plan.n; i++)
		emit_action(p, &p->plan.actions[i]);
}
