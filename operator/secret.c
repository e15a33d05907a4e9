// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "api/object.h"
#include "api/problem.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "effect.h"
#include "kube/base64.h"
#include "kube/connection.h"

/*
 * Secrets are created and never overwritten: what is in one may be all that opens the data. Of the
 * certificates that is true of the authority; the server's is issued anew, in place, when its time comes:
 *
 *	authority     read, and given a later end where that is near
 *	tell          its certificate goes into the Secrets by which clients connect
 *	certificate   signed and written, last: its annotation says that all the rest is done
 */
#define PASSWORD_BYTES 24
#define DAY_S          86400
#define AUTHORITY_S    (20 * 365 * (int64_t)DAY_S)
#define AUTHORITY_TEXT "ca.crt"
#define AUTHORITY_KEY  "ca.key"

static uint16_t bit_of(enum child c)
{
	return (uint16_t)(1u << c);
}

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

/* The Database as it is by now: an answer may come long after the pass that asked. */
static int read_database(const struct effect *f, struct database *d)
{
	const struct record *r = f->r;
	json_auto_t *spec = json_loads(r->spec ? r->spec : "{}", 0, NULL);
	struct problems problems;
	int n;

	problems_init(&problems);
	n = database_read(d, r->namespace, r->name, r->uid, r->generation, spec, &problems);
	if (!n && (problems.count || !r->exists))
		n = -EINVAL;
	problems_done(&problems);
	return n;
}

static void fail_and_end(struct effect *f, enum refusal why, const struct error *e,
			 const struct answer *a)
{
	effect_fail(f, why, e, a->retry_after_ms);
	effect_end(f);
}

/* --- a name that is taken --- */

/* Without the right to read Secrets, an apply that changes nothing shows what is there. */
static bool look(struct effect *f, const char *name, bool metadata_only,
		 void (*done)(void *arg, const struct answer *a))
{
	json_auto_t *body = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
				      "Secret", "metadata", "name", name ? name : f->name);

	return effect_send(f, &(struct effect_call){
				      .verb = f->o->blind ? VERB_APPLY : VERB_GET,
				      .name = name,
				      .body = body,
				      .metadata_only = metadata_only,
				      .dry_run = f->o->blind,
				      .done = done,
			      });
}

static bool is_ours(const struct effect *f, const json_t *object)
{
	return str_eq(object_label(object, OBJECT_LABEL), f->r->name) &&
	       str_eq(object_label(object, OBJECT_MANAGED_BY), OBJECT_MANAGER);
}

static void set_made(struct effect *f)
{
	f->r->conflicts &= (uint16_t)~bit_of(f->action.child);
	f->r->made |= bit_of(f->action.child);
}

static void on_seen(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = NULL;

	if (why != REFUSAL_NONE) {
		fail_and_end(f, why, &e, a);
		return;
	}
	object = tree_load(a->body, a->len);
	if (!is_ours(f, object)) {
		effect_conflict(f);
	} else if (f->action.type == ACTION_ISSUE) {
		/* One of before, whose content is not known: the new one goes into its place. */
		set_made(f);
		effect_send_or_end(f, &(struct effect_call){ .verb = VERB_MERGE,
							     .done = effect_done });
		return;
	} else {
		/* Made before: by us, or for a Database of this name whose data are kept. */
		set_made(f);
		if (!f->o->blind)
			operator_heard(f->o, KIND_SECRET, object);
	}
	effect_end(f);
}

static void on_created(void *arg, const struct answer *a)
{
	struct effect *f = arg;

	if (refusal_of(a, NULL) == REFUSAL_EXISTS) {
		if (!look(f, NULL, true, on_seen))
			effect_end(f);
		return;
	}
	if (a->status >= 200 && a->status < 300) {
		set_made(f);
		if (f->authority.text)
			f->r->told |= bit_of(f->action.child);
	}
	effect_done(arg, a);
}

static bool create(struct effect *f)
{
	return effect_send(f, &(struct effect_call){ .verb = VERB_CREATE, .done = on_created });
}

/* --- the authority --- */

static char *plain(const json_t *secret, const char *member)
{
	const json_t *data = tree_get(secret, "data");
	const char *text = json_string_value(json_object_get(data, member));
	char *result = NULL;

	return text && base64_decode(text, &result) == 0 ? result : NULL;
}

static json_t *authority_body(const struct database *d, const struct certificate *c)
{
	struct seen_certificate seen = {
		.not_after = certificate_not_after(c->text),
		.authority = certificate_identity(c->text),
	};
	char text[SEEN_CERTIFICATE_MAX];

	return db_authority(d, c->text, c->key, seen_certificate_text(&seen, text));
}

static bool create_authority(struct effect *f, const struct database *d)
{
	struct error e = ERROR_INIT;
	char name[160];

	snprintf(name, sizeof(name), "%s.%s authority", d->name, d->namespace);
	if (certificate_make_authority(name, time(NULL), AUTHORITY_S, &f->authority, &e) < 0) {
		effect_fail(f, REFUSAL_INVALID, &e, 0);
		return false;
	}
	f->r->told = 0;
	f->body = authority_body(d, &f->authority);
	return create(f);
}

static const char *authority_name(const struct effect *f, char dst[CHILD_NAME_MAX])
{
	return child_name(CHILD_AUTHORITY, f->r->name, dst);
}

static bool fetch_authority(struct effect *f, void (*done)(void *arg, const struct answer *a))
{
	char name[CHILD_NAME_MAX];

	return look(f, authority_name(f, name), false, done);
}

/* False: there is none, and what is to be done about it is under way. */
static bool take_authority(struct effect *f, const struct answer *a)
{
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);
	json_auto_t *object = why == REFUSAL_NONE ? tree_load(a->body, a->len) : NULL;

	certificate_done(&f->authority);
	f->authority.text = plain(object, AUTHORITY_TEXT);
	f->authority.key = plain(object, AUTHORITY_KEY);
	if (f->authority.text && f->authority.key)
		return true;
	if (why == REFUSAL_NOT_FOUND || (f->o->blind && object && !tree_get(object, "data"))) {
		/* Deleted by somebody: the next pass makes a new one. */
		f->r->made &= (uint16_t)~bit_of(CHILD_AUTHORITY);
		cache_child_gone(&f->o->cache, f->r, CHILD_AUTHORITY);
		f->r->failed = true;
		effect_end(f);
		return false;
	}
	if (why == REFUSAL_NONE) {
		why = REFUSAL_INVALID;
		error_say(&e, EINVAL,
			  "Secret %s%s has no " AUTHORITY_TEXT " and " AUTHORITY_KEY
			  ": delete it, and a new authority is made",
			  f->r->name, child_table[CHILD_AUTHORITY].suffix);
	}
	fail_and_end(f, why, &e, a);
	return false;
}

/* --- credentials --- */

static bool create_credentials(struct effect *f, const struct database *d)
{
	char password[2 * PASSWORD_BYTES + 1];

	if (make_password(password) < 0)
		return false;
	f->body = db_secret_create(d, f->action.child, password, f->authority.text);
	explicit_bzero(password, sizeof(password));
	return create(f);
}

static void on_authority_for_credentials(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	autodatabase d = { 0 };

	if (!take_authority(f, a))
		return;
	if (read_database(f, &d) < 0 || !create_credentials(f, &d)) {
		f->r->failed = true;
		effect_end(f);
	}
}

bool secret_create(struct effect *f, const struct database *d)
{
	if (f->action.child == CHILD_AUTHORITY)
		return create_authority(f, d);
	if (database_certifies(d))
		return fetch_authority(f, on_authority_for_credentials);
	return create_credentials(f, d);
}

/* --- the server's certificate --- */

static void issue_next(struct effect *f);

static void on_told(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);

	/* One that is gone is made with it. */
	if (why != REFUSAL_NONE && why != REFUSAL_NOT_FOUND) {
		fail_and_end(f, why, &e, a);
		return;
	}
	if (f->telling < CHILD_MAX)
		f->r->told |= bit_of(f->telling);
	issue_next(f);
}

/* Is it there, is it ours, and not made with it? */
static bool must_be_told(struct effect *f, const struct database *d, enum child child)
{
	bool brought = child == CHILD_SUPERUSER ? d->superuser_secret : d->application_secret;
	bool there = f->o->blind ? f->r->made & bit_of(child)
				 : f->r->observed.children[child].present;

	return there && !brought && !(f->r->told & bit_of(child));
}

static bool renew_authority(struct effect *f, const struct database *d)
{
	char name[160], secret[CHILD_NAME_MAX];
	json_auto_t *body = NULL;
	struct error e = ERROR_INIT;

	snprintf(name, sizeof(name), "%s.%s authority", d->name, d->namespace);
	if (certificate_make_authority(name, time(NULL), AUTHORITY_S, &f->authority, &e) < 0) {
		effect_fail(f, REFUSAL_INVALID, &e, 0);
		return false;
	}
	f->r->told = 0;
	f->telling = CHILD_MAX;
	body = authority_body(d, &f->authority);
	return effect_send(f, &(struct effect_call){
				      .verb = VERB_MERGE,
				      .name = authority_name(f, secret),
				      .body = body,
				      .metadata_only = true,
				      .done = on_told,
			      });
}

static bool tell(struct effect *f, enum child child)
{
	json_auto_t *told = tree_strings(AUTHORITY_TEXT, f->authority.text, NULL);
	json_auto_t *body = json_pack("{s:o}", "data", db_encoded(told));
	char name[CHILD_NAME_MAX];

	f->telling = child;
	return effect_send(f, &(struct effect_call){
				      .verb = VERB_MERGE,
				      .name = child_name(child, f->r->name, name),
				      .body = body,
				      .metadata_only = true,
				      .done = on_told,
			      });
}

static void on_written(void *arg, const struct answer *a)
{
	struct effect *f = arg;
	enum refusal why = refusal_of(a, NULL);

	if (why == REFUSAL_NOT_FOUND) {
		if (!create(f))
			effect_end(f);
		return;
	}
	if (why == REFUSAL_NONE)
		set_made(f);
	effect_done(arg, a);
}

static bool write_certificate(struct effect *f, const struct database *d)
{
	int64_t seconds = d->tls_days * DAY_S;
	json_auto_t *names = db_certificate_names(d);
	struct seen_certificate seen = { .made_from = db_certificate_digest(d) };
	char text[SEEN_CERTIFICATE_MAX];
	autocertificate made = { 0 };
	struct error e = ERROR_INIT;
	bool there = f->o->blind ? f->r->made & bit_of(CHILD_CERTIFICATE)
				 : f->r->observed.children[CHILD_CERTIFICATE].present;

	if (certificate_issue(&f->authority, names, time(NULL), seconds, &made, &e) < 0) {
		error_prefix(&e, "Secret %s%s", f->r->name,
			     child_table[CHILD_AUTHORITY].suffix);
		effect_fail(f, REFUSAL_INVALID, &e, 0);
		return false;
	}
	seen.not_after = certificate_not_after(made.text);
	seen.authority = certificate_identity(f->authority.text);
	f->body = db_certificate(d, made.text, made.key, f->authority.text,
				 seen_certificate_text(&seen, text));
	if (!there)
		return create(f);
	return effect_send(f, &(struct effect_call){ .verb = VERB_MERGE, .done = on_written });
}

enum issue_step {
	ISSUE_AUTHORITY,
	ISSUE_TELL_SUPERUSER,
	ISSUE_TELL_APPLICATION,
	ISSUE_CERTIFICATE,
};

static bool issue_step(struct effect *f, const struct database *d, bool *ret_sent)
{
	int64_t left = certificate_not_after(f->authority.text) - time(NULL);

	*ret_sent = true;
	switch ((enum issue_step)f->step++) {
	case ISSUE_AUTHORITY:
		/* It must outlive what it signs, by long. */
		if (left < d->tls_days * DAY_S + 365 * (int64_t)DAY_S)
			return renew_authority(f, d);
		break;
	case ISSUE_TELL_SUPERUSER:
		if (must_be_told(f, d, CHILD_SUPERUSER))
			return tell(f, CHILD_SUPERUSER);
		break;
	case ISSUE_TELL_APPLICATION:
		if (must_be_told(f, d, CHILD_APPLICATION))
			return tell(f, CHILD_APPLICATION);
		break;
	case ISSUE_CERTIFICATE:
		return write_certificate(f, d);
	}
	*ret_sent = false;
	return true;
}

static void issue_next(struct effect *f)
{
	autodatabase d = { 0 };
	bool sent = false;

	if (read_database(f, &d) < 0 || !database_certifies(&d)) {
		/* Gone, or wanted otherwise by now. */
		f->r->failed = true;
		effect_end(f);
		return;
	}
	while (!sent) {
		if (!issue_step(f, &d, &sent)) {
			effect_end(f);
			return;
		}
	}
}

static void on_authority_to_issue(void *arg, const struct answer *a)
{
	struct effect *f = arg;

	if (take_authority(f, a))
		issue_next(f);
}

bool secret_issue(struct effect *f)
{
	return fetch_authority(f, on_authority_to_issue);
}
