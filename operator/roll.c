// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

/*
 * Rolling: replicas first, from the highest number down, one at a time and each ready before the
 * next goes; the primary last. A pod that is broken and old goes at once: a template that never
 * worked is mended by the next one, without anybody deleting pods.
 */
static bool outdated(const struct observed *o, const struct seen_pod *p)
{
	return p->revision != o->statefulset.revision;
}

static bool counts(const struct seen_pod *p, int64_t replicas)
{
	return p->ordinal < replicas;
}

bool roll_outdated(const struct observed *o, int64_t replicas)
{
	if (!o->children[CHILD_STATEFULSET].present || !o->statefulset.current ||
	    !o->statefulset.revision)
		return false;
	for (const struct seen_pod *p = o->pods; p; p = p->next)
		if (counts(p, replicas) && outdated(o, p))
			return true;
	return false;
}

static bool take(const struct seen_pod *p, struct action *ret)
{
	*ret = (struct action){
		.type = ACTION_RESTART,
		.child = CHILD_MAX,
		.ordinal = p->ordinal,
		.version = p->version,
		.uid = p->uid,
	};
	return true;
}

bool roll_next(const struct observed *o, int64_t replicas, struct action *ret)
{
	const struct seen_pod *broken = NULL, *old = NULL;
	bool all_ready = true;
	int64_t there = 0;

	for (const struct seen_pod *p = o->pods; p; p = p->next) {
		if (!counts(p, replicas))
			continue;
		if (p->deleting)
			return false;
		there++;
		/* In the order of numbers: the last one seen of each is the highest. */
		if (outdated(o, p) && !p->ready)
			broken = p;
		if (outdated(o, p))
			old = p;
		all_ready &= p->ready;
	}
	if (broken)
		return take(broken, ret);
	if (!old || !all_ready || there < replicas)
		return false;
	return take(old, ret);
}
