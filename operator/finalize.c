// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "plan.h"

/*
 * The garbage collector takes away what the Database owns. Only with deletionPolicy Delete there
 * is something that it cannot do: claims and generated passwords, which have no owner because
 * they outlive a Database by default.
 */
static bool drop_secrets(const struct plan_input *in, struct plan *p)
{
	static const enum child secrets[] = { CHILD_AUTHORITY, CHILD_CERTIFICATE,
					      CHILD_SUPERUSER, CHILD_APPLICATION };
	bool left = false;

	for (unsigned i = 0; i < ARRAY_SIZE(secrets); i++) {
		const struct seen *s = &in->observed->children[secrets[i]];
		bool there = in->blind ? in->made & 1u << secrets[i] : s->present;

		if (!there || in->conflicts & 1u << secrets[i])
			continue;
		left = true;
		if (!s->deleting)
			plan_add(p, ACTION_DELETE, secrets[i])->version = s->version;
	}
	return left;
}

static bool drop_claims(const struct plan_input *in, struct plan *p)
{
	for (const struct seen_claim *c = in->observed->claims; c; c = c->next) {
		struct action *a;

		if (c->deleting)
			continue;
		a = plan_add(p, ACTION_DROP_CLAIM, CHILD_MAX);
		a->ordinal = c->ordinal;
		a->version = c->version;
	}
	return in->observed->claims;
}

void finalize_plan(const struct plan_input *in, struct plan *p)
{
	const struct seen *s = &in->observed->children[CHILD_STATEFULSET];
	bool left = false;

	if (!in->finalizer)
		return;
	if (database_deletes_data(in->database)) {
		/* First what would make new claims. */
		if (s->present && s->owner == in->uid) {
			left = true;
			if (!s->deleting)
				plan_add(p, ACTION_DELETE, CHILD_STATEFULSET)->version =
					s->version;
		} else {
			left |= drop_claims(in, p);
		}
		left |= drop_secrets(in, p);
	}
	if (!left)
		plan_add(p, ACTION_FINALIZER, CHILD_MAX);
}
