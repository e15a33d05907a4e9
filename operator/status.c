// SPDX-License-Identifier: Apache-2.0
#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/object.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "operator.h"
#include "reconcile.h"

/* Everything the conditions are decided from, once. */
struct view {
	const struct pass *p;
	json_t *conditions;
	int64_t now;
	int64_t wanted, there, ready, updated; /* replicas */
	bool spec_valid, credentials, certified, settled, primary_ready, all_ready;
};

static void add(struct view *v, enum condition c, enum condition_status status,
		const char *reason, const char *message)
{
	conditions_add(v->conditions, c, status, reason, message, v->p->r->generation,
		       &v->p->r->marks, v->now);
}

static void add_either(struct view *v, enum condition c, bool yes, const char *reason_yes,
		       const char *reason_no, const char *message_no)
{
	add(v, c, yes ? CONDITION_TRUE : CONDITION_FALSE, yes ? reason_yes : reason_no,
	    yes ? "" : message_no);
}

static bool is_made(const struct pass *p, enum child c)
{
	const struct seen *s = &p->r->observed.children[c];

	return p->o->blind ? p->r->made & 1u << c : s->present && !s->deleting;
}

static bool secret_there(const struct pass *p, enum child c)
{
	const char *brought = c == CHILD_SUPERUSER ? p->database.superuser_secret
						   : p->database.application_secret;

	return brought || is_made(p, c);
}

/* Is there a certificate that clients still take? */
static bool certificate_there(const struct view *v)
{
	return is_made(v->p, CHILD_CERTIFICATE) &&
	       v->p->r->observed.certificate.not_after > v->now;
}

/* A renewal in good time is nothing that clients could notice. */
static bool decides(const struct view *v, const struct action *a)
{
	if (a->type == ACTION_ISSUE)
		return !certificate_there(v);
	return a->child <= CHILD_PODS || a->child == CHILD_STATEFULSET ||
	       a->type == ACTION_GROW || a->type == ACTION_RESTART;
}

/*
 * Is something on its way that decides about Ready? Everything is, for a spec that is new; a
 * Service or a label that is put right again is not.
 */
static bool unsettled(const struct view *v)
{
	const struct pass *p = v->p;
	bool fresh = p->r->settled_generation != p->r->generation &&
		     !(p->r->marks.status[CONDITION_READY] == CONDITION_TRUE &&
		       p->r->observed_generation == p->r->generation);

	for (unsigned i = 0; i < p->plan.n; i++) {
		if (p->plan.actions[i].type == ACTION_LISTEN)
			continue;
		if (fresh || decides(v, &p->plan.actions[i]))
			return true;
	}
	return false;
}

static void look(struct view *v)
{
	const struct pass *p = v->p;
	const struct observed *o = &p->r->observed;
	const struct seen *s = &o->children[CHILD_STATEFULSET];

	v->wanted = p->database.replicas;
	for (const struct seen_pod *pod = o->pods; pod; pod = pod->next) {
		bool ready = pod->ready && !pod->deleting;

		v->there += !pod->deleting;
		v->ready += ready;
		v->updated += !pod->deleting && pod->revision == o->statefulset.revision;
		v->primary_ready |= ready && pod->ordinal == 0;
	}
	v->spec_valid = !p->problems.count && !p->plan.shrink && !p->plan.fixed_differs;
	v->credentials = secret_there(p, CHILD_SUPERUSER) && secret_there(p, CHILD_APPLICATION);
	v->certified = !database_certifies(&p->database) || certificate_there(v);
	v->settled = s->present && !s->deleting && !p->plan.old_children &&
		     o->statefulset.current && !unsettled(v) && !p->r->trouble &&
		     o->statefulset.replicas == v->wanted;
	v->all_ready = v->settled && v->ready == v->wanted && v->there == v->wanted;
}

/* "2 of 3 replicas are ready", and what the others wait for, as far as the cluster says it. */
static const char *readiness(const struct view *v, char *dst, size_t size)
{
	const char *sign = "; ";
	int len = snprintf(dst, size, "%lld of %lld replicas are ready", (long long)v->ready,
			   (long long)v->wanted);

	for (const struct seen_pod *pod = v->p->r->observed.pods; pod; pod = pod->next) {
		if (pod->ready || !*pod->why || len < 0 || (size_t)len >= size)
			continue;
		len += snprintf(dst + len, size - (size_t)len, "%s%s-%d: %s", sign,
				v->p->r->name, pod->ordinal, pod->why);
		sign = ", ";
	}
	return dst;
}

static const struct seen_pod *pod_of(const struct observed *o, int64_t ordinal)
{
	const struct seen_pod *pod = o->pods;

	while (pod && pod->ordinal != ordinal)
		pod = pod->next;
	return pod;
}

/* Which pod is on its way, or is next: replicas from the highest down, the primary last. */
static const char *rolling(const struct view *v, char *dst, size_t size)
{
	const struct observed *o = &v->p->r->observed;
	const struct seen_pod *pod = NULL;
	int64_t at = v->wanted;
	const char *why;

	while (at-- > 0) {
		pod = pod_of(o, at);
		if (!pod || pod->deleting || !pod->ready ||
		    pod->revision != o->statefulset.revision)
			break;
	}
	why = pod && !pod->ready ? pod->why : "";
	snprintf(dst, size,
		 "%lld of %lld pods have the new template; %s %s-%lld is being replaced%s%s",
		 (long long)v->updated, (long long)v->wanted,
		 at > 0 ? "replica" : "the primary", v->p->r->name,
		 at > 0 ? (long long)at : 0LL, *why ? ": " : "", why);
	return dst;
}

/* --- conditions, in the order in which they decide about Ready --- */

static void spec_valid(struct view *v)
{
	const struct pass *p = v->p;
	char have[QUANTITY_TEXT_MAX], message[256];

	if (p->problems.count) {
		add(v, CONDITION_SPEC_VALID, CONDITION_FALSE, "Invalid",
		    problems_text(&p->problems));
	} else if (p->plan.shrink) {
		snprintf(message, sizeof(message),
			 "spec.storage.size: must not be less than the %s there is",
			 quantity_text(&p->plan.size, have));
		add(v, CONDITION_SPEC_VALID, CONDITION_FALSE, "StorageCannotShrink", message);
	} else if (p->plan.fixed_differs) {
		add(v, CONDITION_SPEC_VALID, CONDITION_FALSE, "Immutable",
		    "spec.storage: storageClassName and accessModes cannot change");
	} else {
		add(v, CONDITION_SPEC_VALID, CONDITION_TRUE, "Valid", "");
	}
}

static const char *conflict_text(const struct pass *p, char *dst, size_t size)
{
	for (int c = 0; c < CHILD_MAX; c++) {
		char name[CHILD_NAME_MAX];

		if (!(p->plan.conflicts & 1u << c))
			continue;
		snprintf(dst, size,
			 "%s %s exists and is not this Database's: rename one of the two",
			 kind_table[child_table[c].kind].name,
			 child_name((enum child)c, p->r->name, name));
		return dst;
	}
	return NULL;
}

static bool is_rolled(const struct pass *p)
{
	return !str_eq(p->database.update, "OnDelete");
}

static void progressing(struct view *v)
{
	const struct pass *p = v->p;
	char message[256];

	if (p->problems.count)
		add(v, CONDITION_PROGRESSING, CONDITION_FALSE, "SpecInvalid",
		    "nothing is changed until the spec is valid");
	else if (conflict_text(p, message, sizeof(message)))
		add(v, CONDITION_PROGRESSING, CONDITION_FALSE, "NameConflict", message);
	else if (p->r->trouble)
		add(v, CONDITION_PROGRESSING, CONDITION_FALSE, "Failing", p->r->trouble);
	else if (p->plan.old_children)
		add(v, CONDITION_PROGRESSING, CONDITION_TRUE, "WaitingForOldChildren",
		    "the children of a deleted Database of this name are going away");
	else if (p->plan.outdated && is_rolled(p))
		add(v, CONDITION_PROGRESSING, CONDITION_TRUE, "Rolling",
		    rolling(v, message, sizeof(message)));
	else if (!v->all_ready)
		add(v, CONDITION_PROGRESSING, CONDITION_TRUE, "Reconciling", "");
	else if (p->plan.outdated || p->plan.resizing)
		add(v, CONDITION_PROGRESSING, CONDITION_TRUE,
		    p->plan.resizing ? "Resizing" : "PodsOutdated", "");
	else
		add(v, CONDITION_PROGRESSING, CONDITION_FALSE, "Done", "");
}

static void storage(struct view *v)
{
	const struct pass *p = v->p;
	bool resizing = p->plan.resizing, bound = true, any = false;

	for (const struct seen_claim *c = p->r->observed.claims; c; c = c->next) {
		if (c->ordinal >= v->wanted)
			continue;
		any = true;
		bound &= c->bound;
	}
	add_either(v, CONDITION_STORAGE_READY, bound && !resizing && (any || !v->wanted),
		   "Bound", resizing ? "Resizing" : "Pending",
		   resizing ? "volumes are growing" : "not every claim is bound yet");
	add_either(v, CONDITION_RESIZING, resizing, "Growing", "Done", "");
}

static void credentials(struct view *v)
{
	const struct database *d = &v->p->database;
	char message[256];
	const char *conflict = conflict_text(v->p, message, sizeof(message));

	if (d->superuser_secret && d->application_secret) {
		add(v, CONDITION_CREDENTIALS_READY, CONDITION_TRUE, "Brought",
		    "spec.credentials names them; pods wait until they are there");
		return;
	}
	add_either(v, CONDITION_CREDENTIALS_READY, v->credentials, "Stored",
		   conflict ? "NameConflict" : "Pending",
		   conflict ? conflict : "the Secrets are not there yet");
}

static void tls(struct view *v)
{
	const struct pass *p = v->p;
	char message[512];
	const char *conflict = conflict_text(p, message, sizeof(message));

	if (!database_encrypts(&p->database))
		return;
	if (p->database.tls_secret)
		add(v, CONDITION_TLS_READY, CONDITION_TRUE, "Brought",
		    "spec.tls.secretRef names it; servers wait until it is there");
	else
		add_either(v, CONDITION_TLS_READY, v->certified, "Issued",
			   conflict        ? "NameConflict"
			   : p->r->trouble ? "Failing"
					   : "Pending",
			   conflict        ? conflict
			   : p->r->trouble ? p->r->trouble
					   : "the certificate is not there yet");
}

/* Whether users, databases and grants are as declared: nothing that the server itself depends on. */
static void objects(struct view *v)
{
	const struct record *r = v->p->r;
	const struct seen_declared *seen = &r->observed.declared;
	uint64_t wanted = v->p->database.engine->declared(&v->p->database);

	if (!wanted)
		return;
	if (seen->digest != wanted)
		add(v, CONDITION_OBJECTS_READY, CONDITION_UNKNOWN, "NotHeard",
		    "the primary's log does not say yet what was made");
	else if (seen->failed)
		add(v, CONDITION_OBJECTS_READY, CONDITION_FALSE, "Failing",
		    r->declared_failed ? r->declared_failed : "");
	else
		add(v, CONDITION_OBJECTS_READY, CONDITION_TRUE, "Made", "");
}

static void replicas(struct view *v)
{
	char message[256];

	readiness(v, message, sizeof(message));
	add_either(v, CONDITION_REPLICAS_READY, v->ready >= v->wanted, "AllReady", "NotReady",
		   message);
	add_either(v, CONDITION_AVAILABLE, v->primary_ready, "PrimaryReady",
		   v->wanted ? "PrimaryNotReady" : "Hibernated",
		   v->wanted ? "the primary does not accept connections"
			     : "replicas is 0: the data are kept, nothing runs");
}

static bool asks_backup(const struct database *d)
{
	return d->backup_schedule;
}

static bool asks_failover(const struct database *d)
{
	return d->failover || d->switchover;
}

static bool asks_fencing(const struct database *d)
{
	return json_array_size(d->fencing) > 0;
}

static bool asks_restore(const struct database *d)
{
	return d->restore;
}

/* What this version does not do yet, and says plainly where it is asked for. */
static const struct {
	enum condition condition;
	bool (*is_asked)(const struct database *d);
	const char *message;
} later[] = {
	{ CONDITION_BACKUP_READY, asks_backup,
	  "this version takes no backups yet: the CronJob is suspended" },
	{ CONDITION_FAILOVER_READY, asks_failover,
	  "this version makes no replica the primary yet, not by itself and not when asked: "
	  "spec.failover and spec.switchover change nothing" },
	{ CONDITION_FENCED, asks_fencing,
	  "this version fences no server yet: spec.fencing changes nothing; replicas 0 stops all "
	  "of them" },
	{ CONDITION_RESTORED, asks_restore,
	  "this version restores nothing yet: nothing is made, so that nobody takes an empty "
	  "database for a restored one" },
};

static void optional(struct view *v)
{
	const struct pass *p = v->p;

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (later[i].is_asked(&p->database))
			add(v, later[i].condition, CONDITION_FALSE, "NotSupported",
			    later[i].message);
	if (p->paused)
		add(v, CONDITION_PAUSED, CONDITION_TRUE, "Paused",
		    "spec.pause is true: nothing is changed");
	if (p->r->deleting)
		add(v, CONDITION_DELETING, CONDITION_TRUE, "Deleting",
		    p->r->finalizer ? "data and credentials are being deleted" : "");
}

struct verdict {
	enum condition_status status;
	const char *phase, *reason, *message;
};

static struct verdict ready_verdict(const struct view *v, char *text, size_t size)
{
	const struct pass *p = v->p;

	if (p->r->deleting)
		return (struct verdict){ CONDITION_FALSE, "Deleting", "Deleting", "" };
	if (p->problems.count)
		return (struct verdict){ CONDITION_FALSE, "Failed", "SpecInvalid",
					 problems_text(&p->problems) };
	if (p->paused)
		return (struct verdict){ CONDITION_UNKNOWN, "Paused", "Paused",
					 "spec.pause is true" };
	if (conflict_text(p, text, size))
		return (struct verdict){ CONDITION_FALSE, "Failed", "NameConflict", text };
	if (p->r->trouble)
		return (struct verdict){ CONDITION_FALSE, "Failed", "Failing", p->r->trouble };
	if (p->plan.fixed_differs || p->plan.shrink)
		return (struct verdict){ CONDITION_FALSE, "Degraded", "SpecInvalid",
					 "spec.storage asks for what cannot be changed" };
	if (v->settled && !v->wanted && !v->there)
		return (struct verdict){ CONDITION_FALSE, "Hibernated", "Hibernated",
					 "replicas is 0" };
	if (p->plan.resizing)
		return (struct verdict){ CONDITION_FALSE, "Resizing", "Resizing",
					 "volumes are growing" };
	if (p->plan.outdated && is_rolled(p))
		return (struct verdict){ CONDITION_FALSE, "Updating", "Rolling",
					 rolling(v, text, size) };
	if (v->all_ready && v->credentials && v->certified)
		return (struct verdict){ CONDITION_TRUE, "Ready", "Ready", "" };
	readiness(v, text, size);
	/* Once it was ready, a replica that is missing is another thing than one to come. */
	if (v->settled && p->r->observed_generation == p->r->generation &&
	    p->r->marks.status[CONDITION_AVAILABLE] == CONDITION_TRUE)
		return (struct verdict){ CONDITION_FALSE, "Degraded", "ReplicasNotReady",
					 text };
	return (struct verdict){ CONDITION_FALSE,
				 p->r->observed_generation ? "Updating" : "Initializing",
				 "Reconciling", text };
}

/* --- the rest --- */

static json_t *instances(const struct pass *p)
{
	json_t *list = json_array();

	for (const struct seen_pod *pod = p->r->observed.pods; pod; pod = pod->next)
		json_array_append_new(
			list, json_pack("{s:o, s:s, s:b}", "name",
					json_sprintf("%s-%d", p->r->name, pod->ordinal), "role",
					role_name(pod->ordinal ? ROLE_REPLICA : ROLE_PRIMARY),
					"ready", pod->ready && !pod->deleting));
	return list;
}

static json_t *storage_of(const struct pass *p)
{
	char text[QUANTITY_TEXT_MAX];
	json_t *storage = tree_strings("requested", quantity_text(&p->plan.size, text), NULL);
	int64_t least = 0;
	struct quantity q;

	for (const struct seen_claim *c = p->r->observed.claims; c; c = c->next)
		if (c->capacity && (!least || c->capacity < least))
			least = c->capacity;
	q = quantity_of_units(least, QUANTITY_BINARY);
	if (least)
		tree_set_string(storage, "capacity", quantity_text(&q, text));
	return storage;
}

static json_t *services_of(const struct pass *p)
{
	const struct database *d = &p->database;
	json_t *services = json_object();

	tree_set(services, "readWrite", json_sprintf("%s-rw.%s.svc", d->name, d->namespace));
	if (d->read_only.enabled)
		tree_set(services, "readOnly",
			 json_sprintf("%s-ro.%s.svc", d->name, d->namespace));
	if (d->any.enabled)
		tree_set(services, "any", json_sprintf("%s-any.%s.svc", d->name, d->namespace));
	return services;
}

/* Named once they are there: a later run that cannot read Secrets knows from here. */
static json_t *credentials_of(const struct pass *p)
{
	json_t *names = json_object();
	char name[CHILD_NAME_MAX];

	if (secret_there(p, CHILD_SUPERUSER))
		tree_set_string(names, "superuserSecret",
				db_secret_name(&p->database, CHILD_SUPERUSER, name));
	if (secret_there(p, CHILD_APPLICATION))
		tree_set_string(names, "applicationSecret",
				db_secret_name(&p->database, CHILD_APPLICATION, name));
	return names;
}

/* The same holds here. */
static json_t *tls_of(const struct view *v)
{
	const struct pass *p = v->p;
	const struct seen_certificate *c = &p->r->observed.certificate;
	char name[CHILD_NAME_MAX], text[SEEN_CERTIFICATE_MAX];
	json_t *tls = json_object();

	if (!database_encrypts(&p->database))
		return tls;
	if (p->database.tls_secret)
		tree_set_string(tls, "certificateSecret", p->database.tls_secret);
	if (!database_certifies(&p->database))
		return tls;
	if (is_made(p, CHILD_AUTHORITY))
		tree_set_string(tls, "authoritySecret",
				child_name(CHILD_AUTHORITY, p->r->name, name));
	if (is_made(p, CHILD_CERTIFICATE) && c->not_after) {
		tree_set_string(tls, "certificateSecret",
				child_name(CHILD_CERTIFICATE, p->r->name, name));
		tree_set_string(tls, "issued", seen_certificate_text(c, text));
		text[strcspn(text, " ")] = 0;
		tree_set_string(tls, "notAfter", text);
	}
	return tls;
}

/* Said of what is made and of nothing else: a later run need not ask. */
static json_t *declared_of(const struct pass *p)
{
	const struct seen_declared *seen = &p->r->observed.declared;

	return seen->digest && !seen->failed ? json_sprintf("%016" PRIx64, seen->digest) : NULL;
}

static void set_more(const struct view *v, json_t *status)
{
	const struct database *d = &v->p->database;
	const char *image = d->image;

	if (!d->engine)
		return;
	if (!image)
		image = engine_image(d->engine, database_major(d));
	/* A spec that is not followed changes nothing of what is in use. */
	tree_set_string(status, "version",
			v->p->problems.count && *v->p->r->engine_version
				? v->p->r->engine_version
				: d->version);
	tree_set_string(status, "image", image);
	tree_set(status, "instances", instances(v->p));
	tree_set(status, "storage", storage_of(v->p));
	tree_set(status, "services", services_of(v->p));
	tree_set(status, "credentials", credentials_of(v->p));
	tree_set(status, "tls", tls_of(v));
	tree_set(status, "declared", declared_of(v->p));
	if (v->there)
		tree_set(status, "currentPrimary", json_sprintf("%s-0", d->name));
}

json_t *status_make(const struct pass *p, int64_t now)
{
	struct view v = { .p = p, .conditions = json_array(), .now = now };
	char text[256];
	struct verdict verdict;
	json_t *status;

	look(&v);
	verdict = ready_verdict(&v, text, sizeof(text));
	add(&v, CONDITION_READY, verdict.status, verdict.reason, verdict.message);
	spec_valid(&v);
	if (!p->problems.count && !p->r->deleting) {
		progressing(&v);
		replicas(&v);
		storage(&v);
		credentials(&v);
		tls(&v);
		objects(&v);
		add_either(&v, CONDITION_CONFIG_APPLIED, v.settled && !p->plan.outdated,
			   "Applied", "Pending", "not every pod has the newest configuration");
		add_either(&v, CONDITION_UPGRADE_PENDING, p->plan.outdated, "PodsOutdated",
			   "UpToDate", "");
	}
	optional(&v);
	status = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:o}", "observedGeneration",
			   (json_int_t)p->r->generation, "phase", verdict.phase, "message",
			   verdict.message, "replicas", (json_int_t)v.there, "readyReplicas",
			   (json_int_t)v.ready, "updatedReplicas", (json_int_t)v.updated,
			   "selector",
			   json_sprintf("%s=%s,app.kubernetes.io/component=database",
					OBJECT_LABEL, p->r->name),
			   "conditions", v.conditions);
	set_more(&v, status);
	return status;
}
