/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct database;
struct problems;

/* Roles, databases, extensions and grants that a Database declares beside those it was made with. */

bool objects_is_name(const char *s);     /* of what needs no quotes in SQL */
bool objects_is_role(const char *s);     /* that, and none of PostgreSQL's own */
bool objects_is_standing(const char *s); /* a database that every cluster has */

void objects_check(const struct database *d, struct problems *p);

/*
 * Statements for psql that make it so, and change nothing where it is so. What was declared once and
 * is no longer is left alone. Allocated.
 */
char *objects_statements(const struct database *d);
