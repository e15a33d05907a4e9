/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* The kinds of object the operator deals with, and the children a Database has of them. */
enum kind {
	KIND_DATABASE,
	KIND_ACCOUNT,
	KIND_SECRET,
	KIND_CONFIG,
	KIND_SERVICE,
	KIND_STATEFULSET,
	KIND_BUDGET,
	KIND_CRONJOB,
	KIND_POD,
	KIND_CLAIM,
	KIND_MAX,
};

enum child {
	CHILD_ACCOUNT,
	CHILD_AUTHORITY,
	CHILD_SUPERUSER,
	CHILD_APPLICATION,
	CHILD_CERTIFICATE,
	CHILD_CONFIG,
	CHILD_PODS,
	CHILD_READ_WRITE,
	CHILD_READ_ONLY,
	CHILD_ANY,
	CHILD_STATEFULSET,
	CHILD_BUDGET,
	CHILD_CRONJOB,
	CHILD_MAX,
};

#define KIND_APIS 2

struct kind_info {
	const char *name;            /* "StatefulSet" */
	const char *plural;          /* "statefulsets" */
	const char *apis[KIND_APIS]; /* "apps/v1": newest first; the second may be NULL */
};

extern const struct kind_info kind_table[KIND_MAX];

struct child_info {
	enum kind kind;
	const char *suffix; /* of its name, behind the Database's */
	const char *what;   /* for messages: "StatefulSet", "read-write Service" */
};

extern const struct child_info child_table[CHILD_MAX];

/*
 * "/apis/apps/v1/namespaces/NS/statefulsets/NAME". A NULL namespace means all of them, a NULL
 * name the collection. To be freed; NULL without memory.
 */
char *kind_path(enum kind kind, int api, const char *namespace, const char *name);

/* Which child of `database` has this kind and name; CHILD_MAX: none. */
enum child child_find(enum kind kind, const char *database, const char *name);

/* The child's name, in `dst`. */
#define CHILD_NAME_MAX 80
const char *child_name(enum child child, const char *database, char dst[CHILD_NAME_MAX]);
