/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "kube/tree.h"

/* What stands in the lists of a Database's users and databases. */

/* What a grant may be on, and the privileges that are there. */
struct grant_target {
	const char *on;
	const char *sql; /* behind ON: the kind of one thing, or of all of them in a schema */
	bool all;        /* ... of those that are there, and of those to come */
	const char *privileges[10];
};

const struct grant_target *grant_target(const json_t *grant); /* NULL: not known */
bool grant_has_privilege(const struct grant_target *t, const char *name);

bool declared_is_absent(const json_t *item);
const char *declared_extension(const json_t *item); /* its name */
