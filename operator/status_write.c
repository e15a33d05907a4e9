// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
#include "status.h"

struct status_effect {
	struct operator_ *o;
	struct record *r;
	uint64_t digest;
};

/* The list of what the group serves: is there a status among it? */
static void on_served(void *arg, const struct answer *a)
{
	struct operator_ *o = arg;
	json_auto_t *list = NULL;
	json_t *item;
	size_t i;

	if (refusal_of(a, NULL) != REFUSAL_NONE) {
		o->asked_status = false;
		return;
	}
	list = tree_load(a->body, a->len);
	o->no_status = true;
	json_array_foreach(tree_get(list, "resources"), i,
			   item) if (str_eq(tree_string(item, "name"), "databases/status"))
		o->no_status = false;
	if (o->no_status)
		log_warning("the CustomResourceDefinition has no status subresource: no "
			    "status is written");
}

/* A status that is not found: the Database is gone, or its CRD has none. */
static void ask_served(struct operator_ *o)
{
	if (o->asked_status)
		return;
	o->asked_status = true;
	verb_send(o->connection,
		  &(struct verb_call){
			  .verb = VERB_GET,
			  .path = "/apis/example.com/v1",
			  .done = on_served,
			  .arg = o,
		  },
		  NULL);
}

static void on_done(void *arg, const struct answer *a)
{
	struct status_effect *f = arg;
	struct operator_ *o = f->o;
	struct record *r = f->r;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = NULL;
	uint64_t digest = f->digest;

	free(f);
	if (why == REFUSAL_NONE) {
		object = tree_load(a->body, a->len);
		operator_heard(o, KIND_DATABASE, object);
		/* A schema may drop or respell some of it: no reason to write it for ever. */
		r->status_sent = digest;
		r->status_accepted = tree_digest(tree_get(object, "status"), 0);
	} else if (why == REFUSAL_NOT_FOUND) {
		r->failed = true;
		ask_served(o);
	} else {
		r->failed = true;
		if (r->retry_after_ms < a->retry_after_ms)
			r->retry_after_ms = a->retry_after_ms;
		if (why != REFUSAL_CONFLICT && why != REFUSAL_UNREACHABLE) {
			error_prefix(&e, "%s/%s: status", r->namespace, r->name);
			log_error(&e);
		}
	}
	if (--r->in_flight == 0)
		reconcile_end(o, r);
}

/* A merge keeps what is not named: members that ended must be named as null. */
static void name_ended(json_t *patch)
{
	static const char *const members[][2] = {
		{ NULL, "version" },
		{ NULL, "image" },
		{ NULL, "instances" },
		{ NULL, "currentPrimary" },
		{ NULL, "storage" },
		{ NULL, "services" },
		{ NULL, "credentials" },
		{ NULL, "tls" },
		{ NULL, "declared" },
		{ "storage", "capacity" },
		{ "services", "readOnly" },
		{ "services", "any" },
		{ "credentials", "superuserSecret" },
		{ "credentials", "applicationSecret" },
		{ "tls", "authoritySecret" },
		{ "tls", "certificateSecret" },
		{ "tls", "issued" },
		{ "tls", "notAfter" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *object = members[i][0] ? json_object_get(patch, members[i][0]) : patch;

		if (json_is_object(object) && !json_object_get(object, members[i][1]))
			json_object_set_new(object, members[i][1], json_null());
	}
}

static json_t *body_of(const struct pass *p, const json_t *status)
{
	json_t *metadata = json_object(), *patch = json_deep_copy(status);

	name_ended(patch);
	if (p->r->version)
		tree_set(metadata, "resourceVersion",
			 json_sprintf("%llu", (unsigned long long)p->r->version));
	return json_pack("{s:o, s:o}", "metadata", metadata, "status", patch);
}

void status_write(struct pass *p)
{
	json_auto_t *status = NULL, *body = NULL;
	autofree char *object = NULL, *path = NULL;
	struct status_effect *f;
	uint64_t digest;

	/* Without a finalizer of ours it is gone before the word arrives. */
	if (p->o->no_status || (p->r->deleting && !p->r->finalizer))
		return;
	status = status_make(p, time(NULL));
	digest = tree_digest(status, 0);
	if (digest == p->r->status ||
	    (digest == p->r->status_sent && p->r->status == p->r->status_accepted))
		return;
	object = kind_path(KIND_DATABASE, 0, p->r->namespace, p->r->name);
	body = body_of(p, status);
	f = malloc(sizeof(*f));
	if (!f || !object || asprintf(&path, "%s/status", object) < 0) {
		free(f);
		p->r->failed = true;
		return;
	}
	*f = (struct status_effect){ p->o, p->r, digest };
	if (verb_send(p->o->connection,
		      &(struct verb_call){
			      .verb = VERB_MERGE,
			      .path = path,
			      .manager = OBJECT_MANAGER,
			      .body = body,
			      .done = on_done,
			      .arg = f,
		      },
		      NULL) < 0) {
		free(f);
		p->r->failed = true;
		return;
	}
	p->r->in_flight++;
	p->r->worked = true;
}
