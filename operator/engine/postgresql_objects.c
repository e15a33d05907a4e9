// SPDX-License-Identifier: Apache-2.0
#include "engine/postgresql_objects.h"

#include <stdio.h>
#include <string.h>

#include "api/database.h"
#include "api/problem.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/postgresql_grant.h"

bool objects_is_name(const char *s)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = s ? strlen(s) : 0;

	return len && len <= 63 && strspn(s, bytes) == len && !strchr("0123456789", *s);
}

bool objects_is_role(const char *s)
{
	return objects_is_name(s) && !str_starts(s, "pg_") && !str_eq(s, "postgres");
}

bool objects_is_standing(const char *s)
{
	return str_eq(s, "postgres") || str_eq(s, "template0") || str_eq(s, "template1");
}

static bool is_extension(const char *s)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return s && *s && strlen(s) <= 63 && strspn(s, bytes) == strlen(s);
}

/* --- what is wrong with it --- */

static void check_ensure(const json_t *item, const char *path, struct problems *p)
{
	const char *ensure = tree_string(item, "ensure");

	if (ensure && !str_eq(ensure, "Present") && !str_eq(ensure, "Absent"))
		problems_add(p, path, "ensure must be Present or Absent");
}

static void check_twice(const json_t *list, size_t i, const char *path, struct problems *p)
{
	const char *name = tree_string(json_array_get(list, i), "name");

	for (size_t k = 0; name && k < i; k++)
		if (str_eq(name, tree_string(json_array_get(list, k), "name")))
			problems_add(p, path, "\"%s\" is there twice", name);
}

static bool is_named_absent(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (declared_is_absent(item) && str_eq(tree_string(item, "name"), name))
			return true;
	}
	return false;
}

static void check_user(const struct database *d, const json_t *user, const char *path,
		       struct problems *p)
{
	const char *name = tree_string(user, "name");
	json_t *role;
	size_t i;

	if (!objects_is_role(name))
		problems_add(p, path,
			     "name must be lower case letters, digits and '_', and no role of "
			     "PostgreSQL's own");
	else if (str_eq(name, d->owner))
		problems_add(p, path, "\"%s\" is bootstrap.owner", name);
	json_array_foreach(tree_get(user, "roles"), i, role)
	{
		if (!objects_is_name(json_string_value(role)))
			problems_add(p, path, "roles[%zu] is no role's name", i);
		else if (!declared_is_absent(user) &&
			 is_named_absent(d->users, json_string_value(role)))
			problems_add(p, path, "roles[%zu] \"%s\" is to be Absent", i,
				     json_string_value(role));
	}
	check_ensure(user, path, p);
}

static void check_grant(const struct database *d, const json_t *grant, const char *path,
			struct problems *p)
{
	const struct grant_target *target = grant_target(grant);
	const json_t *privileges = tree_get(grant, "privileges");
	const char *schema = tree_string(grant, "schema");
	json_t *privilege;
	size_t i;

	if (!objects_is_name(tree_string(grant, "role")))
		problems_add(p, path, "role is missing or is no role's name");
	else if (is_named_absent(d->users, tree_string(grant, "role")))
		problems_add(p, path, "role \"%s\" is to be Absent",
			     tree_string(grant, "role"));
	if (schema && !objects_is_name(schema))
		problems_add(p, path, "schema is no schema's name");
	if (!target) {
		problems_add(p, path, "on must be Database, Schema, Sequences or Tables");
		return;
	}
	if (!json_array_size(privileges))
		problems_add(p, path, "privileges must name one at least");
	json_array_foreach(privileges, i, privilege)
	{
		if (!grant_has_privilege(target, json_string_value(privilege)))
			problems_add(p, path, "\"%.32s\" is no privilege on %s",
				     json_is_string(privilege) ? json_string_value(privilege)
							       : "?",
				     target->on);
	}
}

/* By its name alone, or an object with more words. */
static void check_extension(const json_t *extension, size_t i, const char *path,
			    struct problems *p)
{
	char where[96];

	if (!is_extension(declared_extension(extension)))
		problems_add(p, path, "extensions[%zu] is no extension's name", i);
	snprintf(where, sizeof(where), "%s.extensions[%zu]", path, i);
	check_ensure(extension, where, p);
}

static void check_database(const struct database *d, const json_t *database, const char *path,
			   struct problems *p)
{
	const char *name = tree_string(database, "name"),
		   *owner = tree_string(database, "owner");
	json_t *item;
	char where[96];
	size_t i;

	if (!objects_is_name(name))
		problems_add(p, path, "name must be lower case letters, digits and '_'");
	else if (objects_is_standing(name))
		problems_add(p, path, "\"%s\" is one of PostgreSQL's own", name);
	else if (declared_is_absent(database) && str_eq(name, d->database))
		problems_add(p, path, "\"%s\" is bootstrap.database and cannot be Absent",
			     name);
	check_ensure(database, path, p);
	if (owner && !objects_is_role(owner))
		problems_add(p, path, "owner is no role's name, or is PostgreSQL's own");
	json_array_foreach(tree_get(database, "extensions"), i, item)
	{
		check_extension(item, i, path, p);
	}
	json_array_foreach(tree_get(database, "grants"), i, item)
	{
		snprintf(where, sizeof(where), "%s.grants[%zu]", path, i);
		check_grant(d, item, where, p);
	}
}

void objects_check(const struct database *d, struct problems *p)
{
	char path[48];
	json_t *item;
	size_t i;

	json_array_foreach(d->users, i, item)
	{
		snprintf(path, sizeof(path), "users[%zu]", i);
		check_user(d, item, path, p);
		check_twice(d->users, i, path, p);
	}
	json_array_foreach(d->databases, i, item)
	{
		snprintf(path, sizeof(path), "databases[%zu]", i);
		check_database(d, item, path, p);
		check_twice(d->databases, i, path, p);
	}
}
