// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "api/quantity.h"
#include "base/str.h"
#include "db/db.h"

/* --- Databases --- */

static void keep_spec(struct record *r, const json_t *object)
{
	const json_t *spec = tree_get(object, "spec");
	char *text = spec ? tree_text(spec) : strdup("{}");

	/* Without memory for the new one the old one stays: the next news or the safety net. */
	if (!text)
		return;
	free(r->spec);
	r->spec = text;
}

bool record_take_database(struct record *r, const json_t *object)
{
	const char *uid = object_uid(object);
	const json_t *status = tree_get(object, "status");
	int64_t generation = tree_integer(object, "metadata.generation", 0);
	bool deleting = object_deleting(object);
	bool finalizer = object_has_finalizer(object, OBJECT_FINALIZER);
	uint64_t digest = json_object_size(status) ? tree_digest(status, 0) : 0;
	bool news = !r->exists || r->generation != generation || r->deleting != deleting ||
		    r->finalizer != finalizer || r->status != digest || !str_eq(r->uid, uid);

	/* Without generations (a CRD without status) only the spec itself tells. */
	if (!r->spec || !r->exists || r->generation != generation || !str_eq(r->uid, uid))
		keep_spec(r, object);
	if (!str_eq(r->uid, uid)) {
		/* Another Database of the same name: nothing we knew of the old one holds. */
		r->conflicts = r->made = r->dropped = r->told = 0;
		r->wanted_for = r->invalid_for = 0;
		r->settled_generation = 0;
		r->observed.declared = (struct seen_declared){ 0 };
		free(r->trouble);
		r->trouble = NULL;
	}
	str_copy(r->uid, sizeof(r->uid), uid ? uid : "");
	r->uid_digest = text_digest(r->uid);
	r->exists = true;
	r->generation = generation;
	r->deleting = deleting;
	r->finalizer = finalizer;
	r->status = digest;
	snprintf(r->engine_version, sizeof(r->engine_version), "%s",
		 tree_string(status, "version") ? tree_string(status, "version") : "");
	r->observed_generation = tree_integer(status, "observedGeneration", 0);
	conditions_read(tree_get(status, "conditions"), &r->marks);
	if (tree_string(status, "credentials.superuserSecret"))
		r->made |= 1u << CHILD_SUPERUSER;
	if (tree_string(status, "credentials.applicationSecret"))
		r->made |= 1u << CHILD_APPLICATION;
	if (tree_string(status, "tls.authoritySecret"))
		r->made |= 1u << CHILD_AUTHORITY;
	if (tree_string(status, "tls.issued"))
		r->made |= 1u << CHILD_CERTIFICATE;
	r->made &= (uint16_t)~r->dropped;
	if (!r->observed.declared.digest && tree_string(status, "declared"))
		r->observed.declared.digest =
			strtoull(tree_string(status, "declared"), NULL, 16);
	/* What we know already may be newer than what the status says of it. */
	if (!r->observed.certificate.not_after)
		r->observed.certificate =
			seen_certificate_read(tree_string(status, "tls.issued"));
	return news;
}

/* --- children --- */

static bool take_statefulset(struct record *r, const json_t *object)
{
	struct seen_statefulset *s = &r->observed.statefulset, before = *s;
	const char *revision = tree_string(object, "status.updateRevision");
	struct quantity size = { 0 };

	*s = (struct seen_statefulset){
		.fixed = db_statefulset_fixed(object, &size),
		.revision = revision ? text_digest(revision) : 0,
		.current = tree_integer(object, "status.observedGeneration", 0) >=
			   tree_integer(object, "metadata.generation", 0),
		.replicas = (int32_t)tree_integer(object, "spec.replicas", 1),
	};
	s->size = quantity_units(&size);
	return before.fixed != s->fixed || before.size != s->size ||
	       before.revision != s->revision || before.current != s->current ||
	       before.replicas != s->replicas;
}

static bool take_certificate(struct seen_certificate *c, const json_t *object)
{
	struct seen_certificate before = *c;

	*c = seen_certificate_read(object_annotation(object, OBJECT_CERTIFICATE));
	return before.not_after != c->not_after || before.made_from != c->made_from ||
	       before.authority != c->authority;
}

bool record_take_child(struct record *r, enum child child, const json_t *object)
{
	struct seen *s = &r->observed.children[child];
	const char *owner = tree_string(object_controller(object), "uid");
	uint64_t owner_digest = owner ? text_digest(owner) : 0;
	uint64_t owned = child_table[child].kind == KIND_SECRET
				 ? object_labels_digest(object)
				 : object_owned_digest(object, OBJECT_MANAGER);
	bool deleting = object_deleting(object);
	bool news = !s->present || s->deleting != deleting || s->owner != owner_digest ||
		    s->owned != owned;

	s->present = true;
	s->deleting = deleting;
	s->owner = owner_digest;
	s->owned = owned;
	if (child == CHILD_STATEFULSET)
		news |= take_statefulset(r, object);
	if (child == CHILD_AUTHORITY)
		news |= take_certificate(&r->observed.authority, object);
	if (child == CHILD_CERTIFICATE)
		news |= take_certificate(&r->observed.certificate, object);
	return news;
}

#define FIND_OR_ADD(list, number)                                           \
	({                                                                  \
		__typeof__(list) *_at = &(list), _found;                    \
		while (*_at && (*_at)->ordinal < (number))                  \
			_at = &(*_at)->next;                                \
		_found = *_at && (*_at)->ordinal == (number) ? *_at : NULL; \
		if (!_found && (_found = calloc(1, sizeof(*_found)))) {     \
			_found->ordinal = (int16_t)(number);                \
			_found->next = *_at;                                \
			*_at = _found;                                      \
		}                                                           \
		_found;                                                     \
	})

static bool condition_true(const json_t *object, const char *type)
{
	json_t *item;
	size_t i;

	json_array_foreach(tree_get(object, "status.conditions"), i,
			   item) if (str_eq(tree_string(item, "type"),
					    type)) return str_eq(tree_string(item, "status"),
								 "True");
	return false;
}

/* What a pod waits for, unless it is on its ordinary way. */
static const char *pod_trouble(const json_t *object)
{
	json_t *item;
	size_t i;

	json_array_foreach(tree_get(object, "status.conditions"), i, item)
	{
		if (str_eq(tree_string(item, "type"), "PodScheduled") &&
		    str_eq(tree_string(item, "status"), "False"))
			return tree_string(item, "reason");
	}
	json_array_foreach(tree_get(object, "status.containerStatuses"), i, item)
	{
		const char *reason = tree_string(item, "state.waiting.reason");

		if (reason && !str_eq(reason, "ContainerCreating") &&
		    !str_eq(reason, "PodInitializing"))
			return reason;
	}
	return NULL;
}

bool record_take_pod(struct record *r, int ordinal, const json_t *object, uint64_t version,
		     uint32_t round, bool initial)
{
	struct seen_pod *p = FIND_OR_ADD(r->observed.pods, ordinal), before;
	const char *revision = object_label(object, "controller-revision-hash");
	const char *uid = object_uid(object), *why = pod_trouble(object);

	if (!p || (!initial && version < p->version && str_eq(p->uid, uid)))
		return false;
	before = *p;
	p->round = round;
	p->version = version;
	p->revision = revision ? text_digest(revision) : 0;
	p->ready = condition_true(object, "Ready");
	p->deleting = object_deleting(object);
	p->role = (uint8_t)role_from_name(object_label(object, OBJECT_ROLE_LABEL));
	str_copy(p->uid, sizeof(p->uid), uid ? uid : "");
	snprintf(p->why, sizeof(p->why), "%s", why ? why : "");
	return before.revision != p->revision || before.ready != p->ready ||
	       before.deleting != p->deleting || before.role != p->role ||
	       !str_eq(before.uid, p->uid) || !str_eq(before.why, p->why);
}

static int64_t bytes_at(const json_t *object, const char *path)
{
	const char *text = tree_string(object, path);
	struct quantity q;

	return text && quantity_parse(text, &q) == 0 ? quantity_units(&q) : 0;
}

bool record_take_claim(struct record *r, int ordinal, const json_t *object, uint64_t version,
		       uint32_t round, bool initial)
{
	struct seen_claim *p = FIND_OR_ADD(r->observed.claims, ordinal), before;

	if (!p || (!initial && version < p->version))
		return false;
	before = *p;
	p->round = round;
	p->version = version;
	p->requested = bytes_at(object, "spec.resources.requests.storage");
	p->capacity = bytes_at(object, "status.capacity.storage");
	p->bound = str_eq(tree_string(object, "status.phase"), "Bound");
	p->deleting = object_deleting(object);
	return before.requested != p->requested || before.capacity != p->capacity ||
	       before.bound != p->bound || before.deleting != p->deleting;
}
