/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/database.h"
#include "api/kind.h"
#include "kube/tree.h"

/*
 * The objects a Database becomes: one file per child, all of them pure. Each makes the whole of
 * what we want to own in the object, as a new reference: what is not in it is not ours. NULL means
 * that the child is not wanted.
 */

/* What is known of the cluster and decides how a child is written. */
struct db_circumstances {
	int api[KIND_MAX];    /* which of kind_table[].apis is served */
	struct quantity size; /* of the claims: never less than what they already have */
};

json_t *db_child(const struct database *d, enum child child, const struct db_circumstances *at);

json_t *db_account(const struct database *d);
json_t *db_secret(const struct database *d, enum child child); /* its metadata only */
json_t *db_config(const struct database *d);
json_t *db_service(const struct database *d, enum child child);
json_t *db_statefulset(const struct database *d, const struct quantity *size);
json_t *db_budget(const struct database *d, const char *api);
json_t *db_cronjob(const struct database *d);

/*
 * A generated Secret, whole, to be created once: metadata as above, type and data. `authority` is the
 * certificate by which clients know the server, or NULL.
 */
json_t *db_secret_create(const struct database *d, enum child child, const char *password,
			 const char *authority);

/*
 * The Secrets of the authority and of the server's certificate, whole. `seen` is the annotation that says
 * of the certificate what decides about it (observed.h); all of it is text.
 */
json_t *db_authority(const struct database *d, const char *text, const char *key,
		     const char *seen);
json_t *db_certificate(const struct database *d, const char *text, const char *key,
		       const char *authority, const char *seen);

/* The names a server's certificate is for, and a digest of all that it is made from. */
json_t *db_certificate_names(const struct database *d);
uint64_t db_certificate_digest(const struct database *d);

/* The name of the Secret in use: the one that was brought, or the child's. */
const char *db_secret_name(const struct database *d, enum child child,
			   char dst[CHILD_NAME_MAX]);

/*
 * What can never change in a StatefulSet, as a digest without the size of its claims, and that
 * size: of a wanted or an observed one.
 */
uint64_t db_statefulset_fixed(const json_t *statefulset, struct quantity *ret_size);

/* apiVersion, kind, metadata with name, namespace, labels and (unless `orphan`) the owner. */
json_t *db_object(const struct database *d, enum child child, const char *api, bool orphan);
json_t *db_labels(const struct database *d, const char *component);
json_t *db_selector(const struct database *d); /* of the Database's pods */

/* Plain text as the data of a Secret. A new reference. */
json_t *db_encoded(const json_t *plain);

/* Adds a copy of each member of `more` (NULL is fine) that `object` does not have. */
void db_merge(json_t *object, const json_t *more);

/* A copy of an object of quantities in canonical text, or NULL for none. */
json_t *db_quantities(const json_t *list);
