/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/tree.h"

struct database;
struct problems;

/*
 * What differs from engine to engine: one file per engine, behind one table. Everything here is
 * pure: it makes text and trees.
 */
struct engine_version {
	const char *version; /* the major one */
	const char *image;
};

struct engine {
	const char *name;  /* as the API spells it */
	const char *label; /* app.kubernetes.io/name */
	const char *const *aliases;
	const struct engine_version *versions; /* the default first; ends with NULL */
	int port;
	int64_t user;          /* the image's */
	const char *directory; /* where the data volume is mounted */

	/* Rules of its own: parameters that are the operator's, values that cannot be. */
	void (*check)(const struct database *d, struct problems *p);
	/* The files of the ConfigMap: an object of strings. A new reference. */
	json_t *(*files)(const struct database *d);
	/* A digest of what a running server only takes up when it starts anew. */
	uint64_t (*restart_digest)(const struct database *d);
	/* command, env and probes of the main container. A new reference. */
	json_t *(*container)(const struct database *d);
	/* More data of a Secret for a user: "uri" and such. Adds to `data` (plain text). */
	void (*secret)(const struct database *d, const char *user, const char *password,
		       const char *database, json_t *data);
	const char *superuser;

	/* A digest of what is declared to be made inside of the server; 0: nothing ever was. */
	uint64_t (*declared)(const struct database *d);
	/*
	 * What the primary's log says of it: true where it says anything of this digest. *ret_failed is
	 * what could not be made, to be freed, or NULL.
	 */
	bool (*outcome)(const char *log, size_t len, uint64_t declared, char **ret_failed);
};

extern const struct engine engine_postgresql;

/* By its name or an alias in any case; NULL: not known. */
const struct engine *engine_find(const char *name);

/* The image of a major version, or NULL. */
const char *engine_image(const struct engine *e, int major);
