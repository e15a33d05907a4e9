// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/object.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/connection.h"
#include "kube/refusal.h"
#include "kube/verb.h"
#include "operator.h"
#include "reconcile.h"

/*
 * One action on its way: a request, its answer, and for a new child a look before, because an
 * apply would quietly take over what somebody else has put in its place.
 */
struct effect {
	struct operator_ *o;
	struct record *r;
	struct action action;
	enum kind kind;
	char *name; /* of the object */
	json_t *body;
	bool looked;
};

static void effect_free(struct effect *f)
{
	free(f->name);
	json_decref(f->body);
	free(f);
}

static const char *what(const struct effect *f)
{
	return f->action.child < CHILD_MAX ? child_table[f->action.child].what
					   : kind_table[f->kind].name;
}

static void end(struct effect *f)
{
	struct operator_ *o = f->o;
	struct record *r = f->r;

	effect_free(f);
	if (--r->in_flight == 0)
		reconcile_end(o, r);
}

/* --- failure --- */

static void set_trouble(struct record *r, const char *text)
{
	char *copy = strdup(text);

	if (copy) {
		free(r->trouble);
		r->trouble = copy;
	}
}

/*
 * What is told to people and what is not: a view that was old, a lease that was lost and a
 * namespace on its way out are the ordinary course of things.
 */
static void fail(struct effect *f, enum refusal why, const struct error *e,
		 unsigned retry_after_ms)
{
	struct record *r = f->r;
	char text[2048];

	r->failed = true;
	if (r->retry_after_ms < retry_after_ms)
		r->retry_after_ms = retry_after_ms;
	if (why == REFUSAL_CONFLICT || e->errnum == ECANCELED)
		return;
	if (why == REFUSAL_TERMINATING) {
		r->retry_after_ms = 10000;
		return;
	}
	snprintf(text, sizeof(text), "%s %s %s: %s", action_name(f->action.type), what(f),
		 f->name, e->text);
	if (!str_eq(r->trouble, text)) {
		struct error told = *e;

		error_prefix(&told, "%s/%s: %s %s %s", r->namespace, r->name,
			     action_name(f->action.type), what(f), f->name);
		log_error(&told);
		set_trouble(r, text);
	}
}

static void conflict(struct effect *f)
{
	struct record *r = f->r;

	if (!(r->conflicts & 1u << f->action.child))
		log_warning("%s/%s: a %s %s that is not the Database's stands in the way",
			    r->namespace, r->name, kind_table[f->kind].name, f->name);
	r->conflicts |= (uint16_t)(1u << f->action.child);
	r->failed = true;
}

/* --- answers --- */

static void hear(struct effect *f, const struct answer *a)
{
	json_auto_t *object = tree_load(a->body, a->len);
	const char *kind = tree_string(object, "kind");

	if (!kind || str_eq(kind, "Status"))
		return;
	operator_heard(f->o, f->kind, object);
	if (f->action.child < CHILD_MAX && f->kind != KIND_SECRET) {
		struct seen *s = &f->r->observed.children[f->action.child];

		/* Its own spelling of what we sent: no reason to send it again. */
		s->wanted = f->action.wanted;
		s->accepted = object_owned_digest(object, OBJECT_MANAGER);
	}
}

/* The end of what no watch tells of is news all the same: the next pass goes on from there. */
static void forget_made(struct effect *f)
{
	uint16_t bit = (uint16_t)(1u << f->action.child);

	f->r->made &= (uint16_t)~bit;
	if (f->kind != KIND_SECRET || !f->o->blind)
		return;
	f->r->dropped |= f->r->deleting ? bit : 0;
	queue_add(&f->r->item, QUEUE_HIGH);
}

static void mark_deleting(struct effect *f)
{
	struct observed *o = &f->r->observed;

	if (f->action.child < CHILD_MAX) {
		forget_made(f);
		if (o->children[f->action.child].present)
			o->children[f->action.child].deleting = true;
		return;
	}
	for (struct seen_pod *p = o->pods; p && f->kind == KIND_POD; p = p->next)
		if (p->ordinal == f->action.ordinal && p->version == f->action.version)
			p->deleting = true;
	for (struct seen_claim *c = o->claims; c && f->kind == KIND_CLAIM; c = c->next)
		if (c->ordinal == f->action.ordinal)
			c->deleting = true;
}

static void on_done(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	bool deletes = f->action.type == ACTION_DELETE || f->action.type == ACTION_ORPHAN ||
		       f->action.type == ACTION_RESTART || f->action.type == ACTION_DROP_CLAIM;

	if (why == REFUSAL_NONE && deletes)
		mark_deleting(f);
	else if (why == REFUSAL_NONE)
		hear(f, a);
	else if (why == REFUSAL_NOT_FOUND && deletes && f->action.child < CHILD_MAX) {
		forget_made(f);
		cache_child_gone(&f->o->cache, f->r, f->action.child);
	} else if (why != REFUSAL_NOT_FOUND || !deletes)
		fail(f, why, &e, a->retry_after_ms);
	end(f);
}

/* --- sending --- */

static bool send(struct effect *f, enum verb verb, bool metadata_only, bool dry_run,
		 void (*done)(void *arg, const struct answer *a))
{
	autofree char *path = kind_path(f->kind, operator_api(f->o, f->kind), f->r->namespace,
					verb == VERB_CREATE ? NULL : f->name);
	bool manages = verb != VERB_GET && verb != VERB_DELETE;

	if (!path || verb_send(f->o->connection,
			       &(struct verb_call){
				       .verb = verb,
				       .path = path,
				       .manager = manages ? OBJECT_MANAGER : NULL,
				       .body = verb == VERB_GET ? NULL : f->body,
				       .metadata_only = metadata_only,
				       .dry_run = dry_run,
				       .done = done,
				       .arg = f,
			       },
			       NULL) < 0) {
		struct error e = ERROR_INIT;

		error_set(&e, ENOMEM, "request");
		fail(f, REFUSAL_UNREACHABLE, &e, 0);
		return false;
	}
	return true;
}

static void send_or_end(struct effect *f, enum verb verb, bool metadata_only, bool dry_run,
			void (*done)(void *arg, const struct answer *a))
{
	if (!send(f, verb, metadata_only, dry_run, done))
		end(f);
}

static void set_version(json_t *body, uint64_t version)
{
	if (version)
		tree_set(tree_get(body, "metadata"), "resourceVersion",
			 json_sprintf("%llu", (unsigned long long)version));
}

/* --- a new child --- */

static void on_looked(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = NULL;

	if (why == REFUSAL_NOT_FOUND) {
		f->r->conflicts &= (uint16_t) ~(1u << f->action.child);
		send_or_end(f, VERB_APPLY, false, false, on_done);
		return;
	}
	if (why != REFUSAL_NONE) {
		fail(f, why, &e, a->retry_after_ms);
		end(f);
		return;
	}
	object = tree_load(a->body, a->len);
	if (str_eq(tree_string(object_controller(object), "uid"), f->r->uid)) {
		/* Ours: the watch has not said so yet, or our labels were taken off. */
		f->r->conflicts &= (uint16_t) ~(1u << f->action.child);
		set_version(f->body, object_version(object));
		send_or_end(f, VERB_APPLY, false, false, on_done);
		return;
	}
	if (object_deleting(object))
		f->r->failed = true;
	else
		conflict(f);
	end(f);
}

/* --- a new Secret --- */

#define PASSWORD_BYTES 24

static int make_password(char dst[2 * PASSWORD_BYTES + 1])
{
	unsigned char bytes[PASSWORD_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (int i = 0; i < PASSWORD_BYTES; i++)
		snprintf(dst + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static void on_secret_seen(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = NULL;

	if (why != REFUSAL_NONE) {
		fail(f, why, &e, a->retry_after_ms);
		end(f);
		return;
	}
	object = tree_load(a->body, a->len);
	if (str_eq(object_label(object, OBJECT_LABEL), f->r->name) &&
	    str_eq(object_label(object, OBJECT_MANAGED_BY), OBJECT_MANAGER)) {
		/* Made before: by us, or for a Database of this name whose data are kept. */
		f->r->conflicts &= (uint16_t) ~(1u << f->action.child);
		f->r->made |= (uint16_t)(1u << f->action.child);
		if (!f->o->blind)
			operator_heard(f->o, KIND_SECRET, object);
	} else {
		conflict(f);
	}
	end(f);
}

/* Without the right to read Secrets, an apply that changes nothing shows the labels. */
static json_t *look_body(const struct effect *f)
{
	return json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "Secret",
			 "metadata", "name", f->name);
}

static void on_secret_created(void *arg, const struct answer *a)
{
	struct effect *f = arg;

	json_decref(f->body);
	f->body = NULL;
	if (refusal_of(a, NULL) == REFUSAL_EXISTS) {
		f->body = f->o->blind ? look_body(f) : NULL;
		send_or_end(f, f->o->blind ? VERB_APPLY : VERB_GET, true, f->o->blind,
			    on_secret_seen);
		return;
	}
	if (a->status >= 200 && a->status < 300) {
		f->r->made |= (uint16_t)(1u << f->action.child);
		f->r->conflicts &= (uint16_t) ~(1u << f->action.child);
	}
	on_done(arg, a);
}

/* --- from action to request --- */

static json_t *reference(const struct effect *f, const char *uid)
{
	json_t *metadata = tree_strings("name", f->name, "namespace", f->r->namespace, NULL);

	tree_set_string(metadata, "uid", uid);
	return json_pack("{s:s, s:s, s:o}", "apiVersion",
			 kind_table[f->kind].apis[operator_api(f->o, f->kind)], "kind",
			 kind_table[f->kind].name, "metadata", metadata);
}

static json_t *delete_body(const struct effect *f, const char *propagation)
{
	char version[24];

	snprintf(version, sizeof(version), "%llu", (unsigned long long)f->action.version);
	return verb_delete_options(f->action.uid, f->action.version ? version : NULL,
				   propagation);
}

static bool start_create(struct effect *f, const struct pass *p,
			 const struct db_circumstances *at)
{
	char password[2 * PASSWORD_BYTES + 1];

	if (f->kind != KIND_SECRET) {
		f->body = db_child(&p->database, f->action.child, at);
		return send(f, VERB_GET, true, false, on_looked);
	}
	if (make_password(password) < 0)
		return false;
	f->body = db_secret_create(&p->database, f->action.child, password);
	explicit_bzero(password, sizeof(password));
	return send(f, VERB_CREATE, false, false, on_secret_created);
}

static bool start_role(struct effect *f)
{
	f->body = reference(f, f->action.uid);
	tree_set(tree_get(f->body, "metadata"), "labels",
		 tree_strings(OBJECT_ROLE_LABEL, role_name(f->action.role), NULL));
	return send(f, VERB_APPLY, false, false, on_done);
}

static bool start_grow(struct effect *f, const struct pass *p)
{
	char text[QUANTITY_TEXT_MAX];

	f->body = json_pack("{s:{}, s:{s:{s:{s:s}}}}", "metadata", "spec", "resources",
			    "requests", "storage", quantity_text(&p->plan.size, text));
	set_version(f->body, f->action.version);
	return send(f, VERB_MERGE, false, false, on_done);
}

/* The list is a set, and ours is the only member we own in it. */
static bool start_finalizer(struct effect *f)
{
	f->body = reference(f, f->r->uid);
	if (f->action.wanted)
		tree_set(tree_get(f->body, "metadata"), "finalizers",
			 json_pack("[s]", OBJECT_FINALIZER));
	return send(f, VERB_APPLY, false, false, on_done);
}

static bool start(struct effect *f, const struct pass *p, const struct db_circumstances *at)
{
	switch (f->action.type) {
	case ACTION_CREATE:
		return start_create(f, p, at);
	case ACTION_APPLY:
		f->body = db_child(&p->database, f->action.child, at);
		set_version(f->body, f->action.version);
		return send(f, VERB_APPLY, f->kind == KIND_SECRET, false, on_done);
	case ACTION_DELETE:
	case ACTION_RESTART:
	case ACTION_DROP_CLAIM:
		f->body = delete_body(f, "Background");
		return send(f, VERB_DELETE, false, false, on_done);
	case ACTION_ORPHAN:
		f->body = delete_body(f, "Orphan");
		return send(f, VERB_DELETE, false, false, on_done);
	case ACTION_GROW:
		return start_grow(f, p);
	case ACTION_ROLE:
		return start_role(f);
	case ACTION_FINALIZER:
		return start_finalizer(f);
	}
	return false;
}

static enum kind kind_of(const struct action *a)
{
	switch (a->type) {
	case ACTION_RESTART:
	case ACTION_ROLE:
		return KIND_POD;
	case ACTION_GROW:
	case ACTION_DROP_CLAIM:
		return KIND_CLAIM;
	case ACTION_FINALIZER:
		return KIND_DATABASE;
	default:
		return child_table[a->child].kind;
	}
}

static char *name_of(const struct action *a, enum kind kind, const char *database)
{
	char name[CHILD_NAME_MAX];

	if (kind == KIND_POD)
		snprintf(name, sizeof(name), "%s-%d", database, a->ordinal);
	else if (kind == KIND_CLAIM)
		snprintf(name, sizeof(name), "data-%s-%d", database, a->ordinal);
	else if (kind == KIND_DATABASE)
		snprintf(name, sizeof(name), "%s", database);
	else
		child_name(a->child, database, name);
	return strdup(name);
}

void apply_plan(struct pass *p)
{
	struct db_circumstances at = { .size = p->plan.size };

	for (int k = 0; k < KIND_MAX; k++)
		at.api[k] = operator_api(p->o, (enum kind)k);
	for (unsigned i = 0; i < p->plan.n; i++) {
		const struct action *a = &p->plan.actions[i];
		struct effect *f = calloc(1, sizeof(*f));

		if (f) {
			f->o = p->o;
			f->r = p->r;
			f->action = *a;
			f->kind = kind_of(a);
			f->name = name_of(a, f->kind, p->r->name);
		}
		if (!f || !f->name || !start(f, p, &at)) {
			p->r->failed = true;
			if (f)
				effect_free(f);
			continue;
		}
		f->action.uid = NULL;
		p->r->in_flight++;
		p->r->worked = true;
		log_debug("%s/%s: %s %s %s", p->r->namespace, p->r->name, action_name(a->type),
			  what(f), f->name);
	}
}
