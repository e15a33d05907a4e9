/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "certificate.h"
#include "kube/refusal.h"
#include "kube/verb.h"
#include "operator.h"
#include "plan.h"

/*
 * One action on its way: a request, its answer, and for what must not be overwritten a look before. It
 * lives until effect_end(), which every path of its callbacks comes to once.
 */
struct effect {
	struct operator_ *o;
	struct record *r;
	struct action action;
	enum kind kind;
	char *name; /* of the object */
	json_t *body;
	const struct engine *engine;  /* listen.c */
	struct certificate authority; /* secret.c: as read from its Secret, with ... */
	unsigned step;                /* ... how far the issuing of a certificate is, and ... */
	enum child telling;           /* ... which Secret is told of it */
};

struct effect_call {
	enum verb verb;
	const char
		*name; /* of another object of this kind than the effect's own; NULL: its own */
	const json_t *body; /* NULL: the effect's own */
	bool metadata_only, dry_run;
	void (*done)(void *arg, const struct answer *a);
};

/* Sends, or tells why not: false then, and the caller ends the effect. */
bool effect_send(struct effect *f, const struct effect_call *call);
void effect_send_or_end(struct effect *f, const struct effect_call *call);

/* The answer to the last request: takes the news in, or the refusal, and ends. */
void effect_done(void *arg, const struct answer *a);
void effect_end(struct effect *f);

void effect_fail(struct effect *f, enum refusal why, const struct error *e,
		 unsigned retry_after_ms);
void effect_conflict(struct effect *f); /* another's object has this name */

/* listen.c: starts to read what the primary says of what is declared. */
bool listen_start(struct effect *f, const struct database *d);

/* secret.c: starts the making of a Secret, or of a certificate by its authority. */
bool secret_create(struct effect *f, const struct database *d);
bool secret_issue(struct effect *f);
