// SPDX-License-Identifier: Apache-2.0
#include "engine/postgresql_objects.h"

#include <stdio.h>
#include <string.h>

#include "api/database.h"
#include "api/problem.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define STATEMENTS_MAX (512u << 10)

/* What a grant may be on, the privileges that are there, and how SQL spells what it is on. */
static const struct target {
	const char *on;
	const char *privileges[10];
} targets[] = {
	{ "Database", { "ALL", "CONNECT", "CREATE", "TEMPORARY" } },
	{ "Schema", { "ALL", "CREATE", "USAGE" } },
	{ "Sequences", { "ALL", "SELECT", "UPDATE", "USAGE" } },
	{ "Tables",
	  { "ALL", "DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE",
	    "UPDATE" } },
};

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

static const struct target *target_of(const json_t *grant)
{
	const char *on = tree_string(grant, "on");

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (str_eq(on ? on : "Tables", targets[i].on))
			return &targets[i];
	return NULL;
}

static bool has_privilege(const struct target *t, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->privileges) && t->privileges[i]; i++)
		if (str_eq(name, t->privileges[i]))
			return true;
	return false;
}

static bool is_absent(const json_t *item)
{
	return str_eq(tree_string(item, "ensure"), "Absent");
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
	}
	check_ensure(user, path, p);
}

static void check_grant(const json_t *grant, const char *path, struct problems *p)
{
	const struct target *target = target_of(grant);
	const json_t *privileges = tree_get(grant, "privileges");
	const char *schema = tree_string(grant, "schema");
	json_t *privilege;
	size_t i;

	if (!objects_is_name(tree_string(grant, "role")))
		problems_add(p, path, "role is missing or is no role's name");
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
		if (!has_privilege(target, json_string_value(privilege)))
			problems_add(p, path, "\"%.32s\" is no privilege on %s",
				     json_is_string(privilege) ? json_string_value(privilege)
							       : "?",
				     target->on);
	}
}

static void check_database(const json_t *database, const char *path, struct problems *p)
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
	if (owner && !objects_is_role(owner))
		problems_add(p, path, "owner is no role's name, or is PostgreSQL's own");
	json_array_foreach(tree_get(database, "extensions"), i, item)
	{
		if (!is_extension(json_string_value(item)))
			problems_add(p, path, "extensions[%zu] is no extension's name", i);
	}
	json_array_foreach(tree_get(database, "grants"), i, item)
	{
		snprintf(where, sizeof(where), "%s.grants[%zu]", path, i);
		check_grant(item, where, p);
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
		check_database(item, path, p);
		check_twice(d->databases, i, path, p);
	}
}

/* --- statements; all names are such as need no quotes, which keep them from being key words --- */

static void add_role(const json_t *user, struct buf *b)
{
	const char *name = tree_string(user, "name");
	const json_t *login = tree_get(user, "login");

	if (is_absent(user)) {
		buf_addf(b, "DROP ROLE IF EXISTS \"%s\";\n", name);
		return;
	}
	buf_addf(b,
		 "SELECT 'CREATE ROLE \"%s\"' WHERE NOT EXISTS "
		 "(SELECT FROM pg_roles WHERE rolname = '%s') \\gexec\n",
		 name, name);
	buf_addf(b, "ALTER ROLE \"%s\" %s;\n", name,
		 json_is_false(login) ? "NOLOGIN" : "LOGIN");
}

static void add_memberships(const json_t *user, struct buf *b)
{
	json_t *role;
	size_t i;

	if (is_absent(user))
		return;
	json_array_foreach(tree_get(user, "roles"), i, role)
		buf_addf(b, "GRANT \"%s\" TO \"%s\";\n", json_string_value(role),
			 tree_string(user, "name"));
}

static void add_privileges(const json_t *grant, struct buf *b)
{
	json_t *privilege;
	size_t i;

	json_array_foreach(tree_get(grant, "privileges"), i, privilege)
		buf_addf(b, "%s%s", i ? ", " : "", json_string_value(privilege));
}

/* What is there, and what the owner will make. */
static void add_grant_on_all(const json_t *grant, const char *on, const char *schema,
			     const char *owner, struct buf *b)
{
	const char *role = tree_string(grant, "role");

	buf_adds(b, "GRANT ");
	add_privileges(grant, b);
	buf_addf(b, " ON ALL %s IN SCHEMA \"%s\" TO \"%s\";\n", on, schema, role);
	buf_addf(b, "ALTER DEFAULT PRIVILEGES FOR ROLE \"%s\" IN SCHEMA \"%s\" GRANT ", owner,
		 schema);
	add_privileges(grant, b);
	buf_addf(b, " ON %s TO \"%s\";\n", on, role);
}

static void add_grant(const json_t *grant, const char *database, const char *owner,
		      struct buf *b)
{
	const char *schema = tree_string(grant, "schema"), *on = tree_string(grant, "on");

	schema = schema ? schema : "public";
	if (!on || str_eq(on, "Tables")) {
		add_grant_on_all(grant, "TABLES", schema, owner, b);
		return;
	}
	if (str_eq(on, "Sequences")) {
		add_grant_on_all(grant, "SEQUENCES", schema, owner, b);
		return;
	}
	buf_adds(b, "GRANT ");
	add_privileges(grant, b);
	buf_addf(b, " ON %s \"%s\" TO \"%s\";\n", str_eq(on, "Schema") ? "SCHEMA" : "DATABASE",
		 str_eq(on, "Schema") ? schema : database, tree_string(grant, "role"));
}

static void add_database(const struct database *d, const json_t *database, struct buf *b)
{
	const char *name = tree_string(database, "name"),
		   *owner = tree_string(database, "owner");
	json_t *item;
	size_t i;

	buf_addf(b,
		 "SELECT 'CREATE DATABASE \"%s\"' WHERE NOT EXISTS "
		 "(SELECT FROM pg_database WHERE datname = '%s') \\gexec\n",
		 name, name);
	buf_addf(b, "ALTER DATABASE \"%s\" OWNER TO \"%s\";\n\\connect \"%s\"\n", name,
		 owner ? owner : d->owner, name);
	json_array_foreach(tree_get(database, "extensions"), i, item) buf_addf(
		b, "CREATE EXTENSION IF NOT EXISTS \"%s\";\n", json_string_value(item));
	json_array_foreach(tree_get(database, "grants"), i, item)
		add_grant(item, name, owner ? owner : d->owner, b);
	buf_adds(b, "\\connect postgres\n");
}

char *objects_statements(const struct database *d)
{
	json_t *item;
	size_t i;
	autobuf b;

	buf_init(&b, STATEMENTS_MAX);
	buf_adds(&b,
		 "-- Written by the operator: change spec.users and spec.databases instead.\n");
	json_array_foreach(d->users, i, item) add_role(item, &b);
	json_array_foreach(d->users, i, item) add_memberships(item, &b);
	json_array_foreach(d->databases, i, item) add_database(d, item, &b);
	return take_ptr(&b.data);
}
