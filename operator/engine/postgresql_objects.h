/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kube/tree.h"

struct database;
struct problems;

/* Roles, databases, extensions and grants that a Database declares beside those it was made with. */

bool objects_is_name(const char *s);     /* of what needs no quotes in SQL */
bool objects_is_role(const char *s);     /* that, and none of PostgreSQL's own */
bool objects_is_standing(const char *s); /* a database that every cluster has */

void objects_check(const struct database *d, struct problems *p);

/*
 * What script_objects makes it by, as files:
 *
 *	objects.sql		roles, memberships and databases, in database postgres
 *	database.NAME.sql	extensions and grants, in that database
 *	absent.sql		what is to be gone, last
 *	granted			every single grant and membership: database, role, and the statement that
 *				takes it back, by which what left the list is revoked
 *	declared		objects_digest()
 *
 * A statement is one line, and a remark before it names its object. It changes nothing where it is so.
 */
void objects_add_files(const struct database *d, json_t *files);

uint64_t objects_digest(const struct database *d);
bool objects_outcome(const char *log, size_t len, uint64_t declared, char **ret_failed);
