/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "kube/tree.h"

struct answer;
struct connection;
struct request;

/* What can be asked of one object. It knows no kind: a path says which object is meant. */
enum verb {
	VERB_GET,
	VERB_CREATE,  /* POST to the collection's path */
	VERB_APPLY,   /* server-side apply, forced, strict */
	VERB_MERGE,   /* merge patch */
	VERB_REPLACE, /* PUT */
	VERB_DELETE,
};

struct verb_call {
	enum verb verb;
	const char *path;    /* of the object; for VERB_CREATE of the collection */
	const char *manager; /* of fields */
	const json_t *body;  /* DELETE: options, or NULL */
	bool metadata_only;  /* answer with PartialObjectMetadata */
	bool dry_run;
	bool lease;          /* on the lease's own connection */
	unsigned timeout_ms; /* 0: 30 s */
	void (*done)(void *arg, const struct answer *a);
	void *arg;
};

/* 0 or -ENOMEM. *ret may be NULL. */
int verb_send(struct connection *c, const struct verb_call *v, struct request **ret);

/* Options of a delete: only this very object, if it is still as we saw it. A new reference. */
json_t *verb_delete_options(const char *uid, const char *version, const char *propagation);
