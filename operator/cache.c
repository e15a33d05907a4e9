// SPDX-License-Identifier: Apache-2.0
#include "cache.h"

#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "base/str.h"
#include "db/db.h"
#include "record.h"

#define FIRST_SLOTS 64

void cache_init(struct cache *c, void (*changed)(void *arg, struct record *r, int priority),
		void *arg)
{
	*c = (struct cache){ .changed = changed, .arg = arg };
}

/* --- the table --- */

static size_t slot_of(const struct cache *c, const char *namespace, const char *name)
{
	return (text_digest(namespace) * 31 + text_digest(name)) & (c->slots - 1);
}

struct record *cache_find(const struct cache *c, const char *namespace, const char *name)
{
	struct record *r = c->slots ? c->table[slot_of(c, namespace, name)] : NULL;

	while (r && (strcmp(r->name, name) != 0 || strcmp(r->namespace, namespace) != 0))
		r = r->chain;
	return r;
}

static bool grow(struct cache *c)
{
	struct cache wider = { .slots = c->slots ? c->slots * 2 : FIRST_SLOTS };

	wider.table = calloc(wider.slots, sizeof(*wider.table));
	if (!wider.table)
		return false;
	for (size_t i = 0; i < c->slots; i++) {
		while (c->table[i]) {
			struct record *r = c->table[i];
			size_t to = slot_of(&wider, r->namespace, r->name);

			c->table[i] = r->chain;
			r->chain = wider.table[to];
			wider.table[to] = r;
		}
	}
	free(c->table);
	c->table = wider.table;
	c->slots = wider.slots;
	return true;
}

static struct record *make(struct cache *c, const char *namespace, const char *name)
{
	struct record *r = cache_find(c, namespace, name);
	size_t slot;

	if (r)
		return r;
	if (c->records >= c->slots && !grow(c))
		return NULL;
	r = calloc(1, sizeof(*r) + strlen(namespace) + strlen(name) + 2);
	if (!r)
		return NULL;
	r->namespace = (char *)(r + 1);
	strcpy(r->namespace, namespace);
	r->name = r->namespace + strlen(namespace) + 1;
	strcpy(r->name, name);
	slot = slot_of(c, namespace, name);
	r->chain = c->table[slot];
	c->table[slot] = r;
	c->records++;
	return r;
}

static void record_free(struct record *r)
{
	queue_item_done(&r->item);
	while (r->observed.pods) {
		struct seen_pod *p = r->observed.pods;

		r->observed.pods = p->next;
		free(p);
	}
	while (r->observed.claims) {
		struct seen_claim *p = r->observed.claims;

		r->observed.claims = p->next;
		free(p);
	}
	free(r->spec);
	free(r->trouble);
	free(r->declared_failed);
	free(r);
}

void cache_release(struct cache *c, struct record *r)
{
	bool left = r->exists || r->in_flight || r->item.active || r->observed.pods ||
		    r->observed.claims;
	struct record **at;

	for (int i = 0; i < CHILD_MAX; i++)
		left |= r->observed.children[i].present;
	if (left)
		return;
	at = &c->table[slot_of(c, r->namespace, r->name)];
	while (*at != r)
		at = &(*at)->chain;
	*at = r->chain;
	c->records--;
	record_free(r);
}

void cache_done(struct cache *c)
{
	for (size_t i = 0; i < c->slots; i++) {
		while (c->table[i]) {
			struct record *r = c->table[i];

			c->table[i] = r->chain;
			record_free(r);
		}
	}
	free(c->table);
	*c = (struct cache){ 0 };
}

void cache_each(struct cache *c, void (*each)(void *arg, struct record *r), void *arg)
{
	for (size_t i = 0; i < c->slots; i++) {
		for (struct record *r = c->table[i], *next; r; r = next) {
			next = r->chain;
			each(arg, r);
		}
	}
}

static void tell(struct cache *c, struct record *r, bool initial)
{
	c->changed(c->arg, r, initial ? QUEUE_LOW : QUEUE_HIGH);
}

/* --- news --- */

/* "db-12" behind "db-": 12; -1: none. */
static int ordinal_of(const char *name, const char *prefix, const char *database)
{
	size_t len = strlen(prefix), more = strlen(database);
	uint32_t n;

	if (strncmp(name, prefix, len) != 0 || strncmp(name + len, database, more) != 0 ||
	    name[len + more] != '-' || str_to_u32(name + len + more + 1, &n) < 0 || n > 9999)
		return -1;
	return (int)n;
}

/* Pods and claims are lists by ordinal: both begin with their link. */
#define REMOVE(list, gone)                       \
	do {                                     \
		__typeof__(list) *_at = &(list); \
		while (*_at && *_at != (gone))   \
			_at = &(*_at)->next;     \
		if (*_at)                        \
			*_at = (gone)->next;     \
		free(gone);                      \
	} while (0)

/*
 * Whose object this is: for a child by its owner, which it keeps when somebody takes our label
 * off, and by the label where it has none.
 */
static const char *database_of(enum kind kind, const json_t *object)
{
	const json_t *owner = object_controller(object);

	if (kind == KIND_DATABASE)
		return object_name(object);
	if (str_eq(tree_string(owner, "kind"), kind_table[KIND_DATABASE].name))
		return tree_string(owner, "name");
	return object_label(object, OBJECT_LABEL);
}

static struct record *record_of(struct cache *c, enum kind kind, const json_t *object)
{
	const char *namespace = object_namespace(object);
	const char *name = database_of(kind, object);

	return namespace && name && object_name(object) ? make(c, namespace, name) : NULL;
}

static bool is_of_database(const json_t *object)
{
	return str_eq(object_label(object, "app.kubernetes.io/component"), "database");
}

/*
 * A list is the whole truth whatever its versions are: after a cluster was restored from a backup
 * they are lower than those we remember.
 */
static bool take(struct record *r, enum kind kind, const json_t *object, uint32_t round,
		 bool initial)
{
	uint64_t version = object_version(object);
	const char *name = object_name(object);
	enum child child;
	struct seen *s;
	int ordinal;

	switch (kind) {
	case KIND_DATABASE:
		if (!initial && version < r->version)
			return false;
		r->version = version;
		r->round = round;
		return record_take_database(r, object);
	case KIND_POD:
		ordinal = ordinal_of(name, "", r->name);
		return ordinal >= 0 && is_of_database(object) &&
		       record_take_pod(r, ordinal, object, version, round, initial);
	case KIND_CLAIM:
		ordinal = ordinal_of(name, "data-", r->name);
		return ordinal >= 0 &&
		       record_take_claim(r, ordinal, object, version, round, initial);
	default:
		child = child_find(kind, r->name, name);
		if (child == CHILD_MAX)
			return false;
		s = &r->observed.children[child];
		if (!initial && version < s->version)
			return false;
		s->version = version;
		s->round = round;
		return record_take_child(r, child, object);
	}
}

void cache_object(struct cache *c, enum kind kind, const json_t *object, uint32_t round,
		  bool initial)
{
	struct record *r = record_of(c, kind, object);

	if (!r)
		return;
	if (take(r, kind, object, round, initial))
		tell(c, r, initial);
	else
		cache_release(c, r);
}

/* What stays behind is the version, so that late news of it are not taken for a new one. */
static void child_ended(struct seen *s, uint64_t version)
{
	*s = (struct seen){ .version = version > s->version ? version : s->version };
}

static void database_ended(struct record *r)
{
	r->exists = r->deleting = r->finalizer = false;
	r->generation = 0;
	r->status = r->uid_digest = 0;
	*r->uid = 0;
}

void cache_gone(struct cache *c, enum kind kind, const json_t *object)
{
	struct record *r = record_of(c, kind, object);
	uint64_t version = object_version(object);
	const char *name = object_name(object);
	enum child child;
	int ordinal;

	if (!r)
		return;
	if (kind == KIND_DATABASE) {
		if (version >= r->version) {
			r->version = version;
			database_ended(r);
		}
	} else if (kind == KIND_POD) {
		ordinal = ordinal_of(name, "", r->name);
		for (struct seen_pod *p = r->observed.pods; p; p = p->next) {
			if (p->ordinal == ordinal && str_eq(p->uid, object_uid(object))) {
				REMOVE(r->observed.pods, p);
				break;
			}
		}
	} else if (kind == KIND_CLAIM) {
		ordinal = ordinal_of(name, "data-", r->name);
		for (struct seen_claim *p = r->observed.claims; p; p = p->next) {
			if (p->ordinal == ordinal && p->version <= version) {
				REMOVE(r->observed.claims, p);
				break;
			}
		}
	} else {
		child = child_find(kind, r->name, name);
		if (child != CHILD_MAX && version >= r->observed.children[child].version)
			child_ended(&r->observed.children[child], version);
	}
	tell(c, r, false);
	cache_release(c, r);
}

void cache_child_gone(struct cache *c, struct record *r, enum child child)
{
	struct seen *s = &r->observed.children[child];

	if (s->present) {
		child_ended(s, s->version);
		tell(c, r, false);
	}
}

/* --- what a list did not name --- */

struct sweep {
	struct cache *c;
	enum kind kind;
	const char *namespace;
	uint32_t round;
};

static bool sweep_pods(struct record *r, uint32_t round)
{
	bool any = false;

	for (struct seen_pod *p = r->observed.pods, *next; p; p = next) {
		next = p->next;
		if (p->round != round) {
			REMOVE(r->observed.pods, p);
			any = true;
		}
	}
	return any;
}

static bool sweep_claims(struct record *r, uint32_t round)
{
	bool any = false;

	for (struct seen_claim *p = r->observed.claims, *next; p; p = next) {
		next = p->next;
		if (p->round != round) {
			REMOVE(r->observed.claims, p);
			any = true;
		}
	}
	return any;
}

static bool sweep_children(struct record *r, enum kind kind, uint32_t round)
{
	bool any = false;

	for (int i = 0; i < CHILD_MAX; i++) {
		struct seen *s = &r->observed.children[i];

		if (child_table[i].kind == kind && s->present && s->round != round) {
			child_ended(s, s->version);
			any = true;
		}
	}
	return any;
}

static void sweep_record(void *arg, struct record *r)
{
	struct sweep *s = arg;
	bool any = false;

	if (s->namespace && !str_eq(s->namespace, r->namespace))
		return;
	switch (s->kind) {
	case KIND_DATABASE:
		any = r->exists && r->round != s->round;
		if (any)
			database_ended(r);
		break;
	case KIND_POD:
		any = sweep_pods(r, s->round);
		break;
	case KIND_CLAIM:
		any = sweep_claims(r, s->round);
		break;
	default:
		any = sweep_children(r, s->kind, s->round);
		break;
	}
	if (!any)
		return;
	tell(s->c, r, true);
	cache_release(s->c, r);
}

void cache_sweep(struct cache *c, enum kind kind, const char *namespace, uint32_t round)
{
	struct sweep s = { c, kind, namespace, round };

	cache_each(c, sweep_record, &s);
}
