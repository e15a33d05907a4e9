// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "effect.h"
#include "kube/connection.h"
#include "reconcile.h"

static void effect_free(struct effect *f)
{
	certificate_done(&f->authority);
	free(f->name);
	json_decref(f->body);
	free(f);
}

static const char *what(const struct effect *f)
{
	return f->action.child < CHILD_MAX ? child_table[f->action.child].what
					   : kind_table[f->kind].name;
}

void effect_end(struct effect *f)
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
void effect_fail(struct effect *f, enum refusal why, const struct error *e,
		 unsigned retry_after_ms)
{
	struct record *r = f->r;
	char text[2048];

	r->failed = true;
	if (r->retry_after_ms < retry_after_ms)
		r->retry_after_ms = retry_after_ms;
	if (why == REFUSAL_CONFLICT || e->errnum == ECANCELED)
		return;
	/* A pod of this name and another uid: the one we saw is gone. */
	if (why == REFUSAL_INVALID && f->action.type == ACTION_ROLE)
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

void effect_conflict(struct effect *f)
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

void effect_done(void *arg, const struct answer *a)
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
		effect_fail(f, why, &e, a->retry_after_ms);
	effect_end(f);
}

/* --- sending --- */

bool effect_send(struct effect *f, const struct effect_call *c)
{
	const char *name = c->name ? c->name : f->name;
	autofree char *path = kind_path(f->kind, operator_api(f->o, f->kind), f->r->namespace,
					c->verb == VERB_CREATE ? NULL : name);
	bool manages = c->verb != VERB_GET && c->verb != VERB_DELETE;
	const json_t *body = c->body ? c->body : f->body;

	if (!path || verb_send(f->o->connection,
			       &(struct verb_call){
				       .verb = c->verb,
				       .path = path,
				       .manager = manages ? OBJECT_MANAGER : NULL,
				       .body = c->verb == VERB_GET ? NULL : body,
				       .metadata_only = c->metadata_only,
				       .dry_run = c->dry_run,
				       .done = c->done,
				       .arg = f,
			       },
			       NULL) < 0) {
		struct error e = ERROR_INIT;

		error_set(&e, ENOMEM, "request");
		effect_fail(f, REFUSAL_UNREACHABLE, &e, 0);
		return false;
	}
	return true;
}

void effect_send_or_end(struct effect *f, const struct effect_call *c)
{
	if (!effect_send(f, c))
		effect_end(f);
}

static bool send(struct effect *f, enum verb verb)
{
	return effect_send(f, &(struct effect_call){ .verb = verb, .done = effect_done });
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
	static const struct effect_call apply = { .verb = VERB_APPLY, .done = effect_done };
	struct effect *f = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = NULL;

	if (why == REFUSAL_NOT_FOUND) {
		f->r->conflicts &= (uint16_t) ~(1u << f->action.child);
		effect_send_or_end(f, &apply);
		return;
	}
	if (why != REFUSAL_NONE) {
		effect_fail(f, why, &e, a->retry_after_ms);
		effect_end(f);
		return;
	}
	object = tree_load(a->body, a->len);
	if (str_eq(tree_string(object_controller(object), "uid"), f->r->uid)) {
		/* Ours: the watch has not said so yet, or our labels were taken off. */
		f->r->conflicts &= (uint16_t) ~(1u << f->action.child);
		set_version(f->body, object_version(object));
		effect_send_or_end(f, &apply);
		return;
	}
	if (object_deleting(object))
		f->r->failed = true;
	else
		effect_conflict(f);
	effect_end(f);
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
	if (f->kind == KIND_SECRET)
		return secret_create(f, &p->database);
	f->body = db_child(&p->database, f->action.child, at);
	return effect_send(f, &(struct effect_call){
				      .verb = VERB_GET,
				      .metadata_only = true,
				      .done = on_looked,
			      });
}

static bool start_role(struct effect *f)
{
	f->body = reference(f, f->action.uid);
	tree_set(tree_get(f->body, "metadata"), "labels",
		 tree_strings(OBJECT_ROLE_LABEL, role_name(f->action.role), NULL));
	return send(f, VERB_APPLY);
}

static bool start_grow(struct effect *f, const struct pass *p)
{
	char text[QUANTITY_TEXT_MAX];

	f->body = json_pack("{s:{}, s:{s:{s:{s:s}}}}", "metadata", "spec", "resources",
			    "requests", "storage", quantity_text(&p->plan.size, text));
	set_version(f->body, f->action.version);
	return send(f, VERB_MERGE);
}

/* The list is a set, and ours is the only member we own in it. */
static bool start_finalizer(struct effect *f)
{
	f->body = reference(f, f->r->uid);
	if (f->action.wanted)
		tree_set(tree_get(f->body, "metadata"), "finalizers",
			 json_pack("[s]", OBJECT_FINALIZER));
	return send(f, VERB_APPLY);
}

static bool start(struct effect *f, const struct pass *p, const struct db_circumstances *at)
{
	switch (f->action.type) {
	case ACTION_CREATE:
		return start_create(f, p, at);
	case ACTION_APPLY:
		f->body = db_child(&p->database, f->action.child, at);
		set_version(f->body, f->action.version);
		return effect_send(f, &(struct effect_call){
					      .verb = VERB_APPLY,
					      .metadata_only = f->kind == KIND_SECRET,
					      .done = effect_done,
				      });
	case ACTION_DELETE:
	case ACTION_RESTART:
	case ACTION_DROP_CLAIM:
		f->body = delete_body(f, "Background");
		return send(f, VERB_DELETE);
	case ACTION_ORPHAN:
		f->body = delete_body(f, "Orphan");
		return send(f, VERB_DELETE);
	case ACTION_GROW:
		return start_grow(f, p);
	case ACTION_ROLE:
		return start_role(f);
	case ACTION_FINALIZER:
		return start_finalizer(f);
	case ACTION_ISSUE:
		return secret_issue(f);
	case ACTION_LISTEN:
		return listen_start(f, &p->database);
	}
	return false;
}

static enum kind kind_of(const struct action *a)
{
	switch (a->type) {
	case ACTION_RESTART:
	case ACTION_ROLE:
	case ACTION_LISTEN:
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
