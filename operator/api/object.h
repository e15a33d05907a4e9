/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kube/tree.h"

/* What every object of the API has, and whose it is. */

#define OBJECT_GROUP      "example.com"
#define OBJECT_MANAGER    "databases.example.com"
#define OBJECT_FINALIZER  "databases.example.com/cleanup"
#define OBJECT_LABEL      "example.com/database"
#define OBJECT_ROLE_LABEL "example.com/role"
#define OBJECT_CERTIFICATE \
	"example.com/certificate" /* an annotation: seen_certificate_text() */
#define OBJECT_MANAGED_BY "app.kubernetes.io/managed-by"

const char *object_name(const json_t *object);
const char *object_namespace(const json_t *object);
const char *object_uid(const json_t *object);
const char *object_label(const json_t *object, const char *label);
const char *object_annotation(const json_t *object, const char *annotation);
uint64_t object_version(const json_t *object); /* resourceVersion; 0 where it is no number */
bool object_deleting(const json_t *object);
bool object_has_finalizer(const json_t *object, const char *finalizer);

/* Its owner reference with controller: true, or NULL. */
const json_t *object_controller(const json_t *object);

/*
 * The digest of what we own in it: the fields that metadata.managedFields says our manager has
 * applied, with the values they have now. It equals object_wanted_digest() of what we applied for
 * as long as nobody changed, took or removed any of it and we removed nothing since; what others
 * add beside it makes no difference. 0: we own nothing.
 */
uint64_t object_owned_digest(const json_t *object, const char *manager);
uint64_t object_wanted_digest(const json_t *wanted);

/*
 * Of a Secret we own the labels and nothing else, and it was created rather than applied: its
 * digest is that of our labels, the same for a wanted and an observed one.
 */
uint64_t object_labels_digest(const json_t *object);

/* The fields of one entry of managedFields that the object has. A new reference. */
json_t *object_owned(const json_t *object, const char *manager);
