/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kube/tree.h"

struct problems;

/* Reading a spec by a table: path, kind, where it goes, what is allowed, what it is by default. */
enum field_kind {
	FIELD_TEXT,     /* const char *; `high` is the longest */
	FIELD_VERSION,  /* const char *: text, or a number as people write it */
	FIELD_CHOICE,   /* const char *: one of `words`, in their spelling */
	FIELD_INTEGER,  /* int64_t in [low, high] */
	FIELD_BOOLEAN,  /* bool */
	FIELD_QUANTITY, /* struct quantity, above 0 */
	FIELD_STRINGS,  /* const json_t *: an object of strings, at most `high` */
	FIELD_OBJECT,   /* const json_t * */
	FIELD_LIST,     /* const json_t *: of objects, or of strings with `words` set */
};

struct field {
	const char *path;
	enum field_kind kind;
	size_t offset;
	const char *otherwise; /* the default, as text; NULL: none (NULL, 0, false) */
	int64_t low, high;
	const char *const *words;
};

/* A FIELD_LIST of strings. */
extern const char *const field_of_strings[];

/*
 * Fills `into` from `spec` (NULL: all defaults). What is wrong is added to `p` and leaves the
 * default. A plain value in place of an object whose first field is a quantity stands for that
 * field: `storage: 10Gi`. A version written as a number becomes
 * text in `spec`; nothing else in it is changed.
 */
void fields_read(const struct field *table, size_t n, const json_t *spec, void *into,
		 struct problems *p);

/* Adds each member of the spec that no field of the table knows. */
void fields_unknown(const struct field *table, size_t n, const json_t *spec,
		    struct problems *p);
