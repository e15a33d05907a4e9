// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/database.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/postgresql_grant.h"
#include "engine/postgresql_objects.h"

#define STATEMENTS_MAX (512u << 10)

/*
 * All names are such as need no quotes in SQL, which keep them from being key words here. The remark at
 * the begin of a line is what people are told where its statement fails.
 */
struct writer {
	const struct database *d;
	struct buf objects, absent, granted;
	struct buf inside; /* of the database that is being written */
	const char *database, *owner;
};

/* One entry of a list of grants. */
struct grant {
	size_t i;
	const struct grant_target *on;
	const char *role, *schema;
	const json_t *privileges;
};

static struct grant grant_of(const json_t *item, size_t i)
{
	const char *schema = tree_string(item, "schema");

	return (struct grant){
		.i = i,
		.on = grant_target(item),
		.role = tree_string(item, "role"),
		.schema = schema ? schema : "public",
		.privileges = tree_get(item, "privileges"),
	};
}

/* What a grant on one thing is on. */
static const char *grant_name(const struct writer *w, const struct grant *g)
{
	return str_eq(g->on->on, "Schema") ? g->schema : w->database;
}

/* --- what takes a grant back: a single privilege each, so that a part of it can go --- */

static void undo_privilege(struct writer *w, const struct grant *g, const char *privilege)
{
	struct buf *b = &w->granted;

	buf_addf(b, "%s\t%s\tREVOKE %s ON ", w->database, g->role, privilege);
	if (!g->on->all) {
		buf_addf(b, "%s \"%s\" FROM \"%s\"\n", g->on->sql, grant_name(w, g), g->role);
		return;
	}
	buf_addf(b, "ALL %s IN SCHEMA \"%s\" FROM \"%s\"\n", g->on->sql, g->schema, g->role);
	buf_addf(b,
		 "%s\t%s\tALTER DEFAULT PRIVILEGES FOR ROLE \"%s\" IN SCHEMA \"%s\" "
		 "REVOKE %s ON %s FROM \"%s\"\n",
		 w->database, g->role, w->owner, g->schema, privilege, g->on->sql, g->role);
}

static void undo_grant(struct writer *w, const struct grant *g)
{
	json_t *privilege;
	size_t i;

	json_array_foreach(g->privileges, i, privilege)
	{
		if (!str_eq(json_string_value(privilege), "ALL")) {
			undo_privilege(w, g, json_string_value(privilege));
			continue;
		}
		for (const char *const *each = g->on->privileges + 1; *each; each++)
			undo_privilege(w, g, *each);
		if (str_eq(g->on->on, "Tables") && database_major(w->d) >= 17)
			undo_privilege(w, g, "MAINTAIN");
	}
}

/* --- roles --- */

static void add_role(struct writer *w, const json_t *user)
{
	const char *name = tree_string(user, "name");
	bool login = !json_is_false(tree_get(user, "login"));

	if (declared_is_absent(user)) {
		buf_addf(&w->absent, "/* users \"%s\" */ DROP ROLE IF EXISTS \"%s\";\n", name,
			 name);
		return;
	}
	buf_addf(&w->objects,
		 "/* users \"%s\" */ SELECT 'CREATE ROLE \"%s\"' WHERE NOT EXISTS "
		 "(SELECT FROM pg_roles WHERE rolname = '%s') \\gexec\n",
		 name, name, name);
	buf_addf(&w->objects, "/* users \"%s\" */ ALTER ROLE \"%s\" %s;\n", name, name,
		 login ? "LOGIN" : "NOLOGIN");
}

static void add_memberships(struct writer *w, const json_t *user)
{
	const char *name = tree_string(user, "name");
	json_t *role;
	size_t i;

	if (declared_is_absent(user))
		return;
	json_array_foreach(tree_get(user, "roles"), i, role)
	{
		const char *of = json_string_value(role);

		buf_addf(&w->objects, "/* users \"%s\" */ GRANT \"%s\" TO \"%s\";\n", name, of,
			 name);
		buf_addf(&w->granted, "postgres\t%s\tREVOKE \"%s\" FROM \"%s\"\n", name, of,
			 name);
	}
}

/* --- databases --- */

static void add_extension(struct writer *w, const json_t *extension)
{
	const char *name = declared_extension(extension);
	bool absent = declared_is_absent(extension);

	buf_addf(&w->inside,
		 "/* databases \"%s\" extensions \"%s\" */ %s EXTENSION IF %s \"%s\";\n",
		 w->database, name, absent ? "DROP" : "CREATE",
		 absent ? "EXISTS" : "NOT EXISTS", name);
}

/* "GRANT a, b ON ", behind the remark and what else comes before. */
static void begin_grant(struct writer *w, const struct grant *g)
{
	json_t *privilege;
	size_t i;

	buf_adds(&w->inside, "GRANT ");
	json_array_foreach(g->privileges, i, privilege)
		buf_addf(&w->inside, "%s%s", i ? ", " : "", json_string_value(privilege));
	buf_adds(&w->inside, " ON ");
}

static void add_remark(struct writer *w, const struct grant *g)
{
	buf_addf(&w->inside, "/* databases \"%s\" grants[%zu] */ ", w->database, g->i);
}

static void add_grant(struct writer *w, const struct grant *g)
{
	struct buf *b = &w->inside;

	add_remark(w, g);
	begin_grant(w, g);
	if (!g->on->all) {
		buf_addf(b, "%s \"%s\" TO \"%s\";\n", g->on->sql, grant_name(w, g), g->role);
		return;
	}
	/* What is there, and what the owner will make. */
	buf_addf(b, "ALL %s IN SCHEMA \"%s\" TO \"%s\";\n", g->on->sql, g->schema, g->role);
	add_remark(w, g);
	buf_addf(b, "ALTER DEFAULT PRIVILEGES FOR ROLE \"%s\" IN SCHEMA \"%s\" ", w->owner,
		 g->schema);
	begin_grant(w, g);
	buf_addf(b, "%s TO \"%s\";\n", g->on->sql, g->role);
}

static void add_inside(struct writer *w, const json_t *database, json_t *files)
{
	char file[96];
	json_t *item;
	size_t i;

	buf_reset(&w->inside);
	json_array_foreach(tree_get(database, "extensions"), i, item) add_extension(w, item);
	json_array_foreach(tree_get(database, "grants"), i, item)
	{
		struct grant g = grant_of(item, i);

		add_grant(w, &g);
		undo_grant(w, &g);
	}
	snprintf(file, sizeof(file), "database.%s.sql", w->database);
	if (w->inside.len)
		tree_set_string(files, file, w->inside.data);
}

static void add_database(struct writer *w, const json_t *database, json_t *files)
{
	const char *name = tree_string(database, "name"),
		   *owner = tree_string(database, "owner");

	if (declared_is_absent(database)) {
		buf_addf(&w->absent, "/* databases \"%s\" */ DROP DATABASE IF EXISTS \"%s\";\n",
			 name, name);
		return;
	}
	w->database = name;
	w->owner = owner ? owner : w->d->owner;
	buf_addf(&w->objects,
		 "/* databases \"%s\" */ SELECT 'CREATE DATABASE \"%s\"' WHERE NOT EXISTS "
		 "(SELECT FROM pg_database WHERE datname = '%s') \\gexec\n",
		 name, name, name);
	buf_addf(&w->objects, "/* databases \"%s\" */ ALTER DATABASE \"%s\" OWNER TO \"%s\";\n",
		 name, name, w->owner);
	add_inside(w, database, files);
}

/* --- from the outside --- */

static void add_file(json_t *files, const char *name, struct buf *b)
{
	tree_set_string(files, name, b->data ? b->data : "");
	buf_done(b);
}

void objects_add_files(const struct database *d, json_t *files)
{
	struct writer w = { .d = d };
	char digest[17];
	json_t *item;
	size_t i;

	buf_init(&w.objects, STATEMENTS_MAX);
	buf_init(&w.absent, STATEMENTS_MAX);
	buf_init(&w.granted, STATEMENTS_MAX);
	buf_init(&w.inside, STATEMENTS_MAX);
	buf_adds(&w.objects, "-- Written by the operator: change spec.users and spec.databases "
			     "instead.\n");
	/* Roles come before what they own, and go after it. */
	json_array_foreach(d->users, i, item) if (!declared_is_absent(item)) add_role(&w, item);
	json_array_foreach(d->users, i, item) add_memberships(&w, item);
	json_array_foreach(d->databases, i, item) add_database(&w, item, files);
	json_array_foreach(d->users, i, item) if (declared_is_absent(item)) add_role(&w, item);
	snprintf(digest, sizeof(digest), "%016" PRIx64, objects_digest(d));
	tree_set_string(files, "declared", digest);
	add_file(files, "objects.sql", &w.objects);
	add_file(files, "absent.sql", &w.absent);
	add_file(files, "granted", &w.granted);
	buf_done(&w.inside);
}

uint64_t objects_digest(const struct database *d)
{
	if (!json_array_size(d->users) && !json_array_size(d->databases))
		return 0;
	return tree_digest(d->databases, tree_digest(d->users, text_digest(d->owner)));
}

/* The last word counts: "declared 0123456789abcdef: made", or ": failed: " and what. */
bool objects_outcome(const char *log, size_t len, uint64_t declared, char **ret_failed)
{
	const char *end = log + len, *last = NULL, *last_end = NULL;
	char begin[40];
	size_t n;

	snprintf(begin, sizeof(begin), "declared %016" PRIx64 ": ", declared);
	n = strlen(begin);
	for (const char *at = log; at < end;) {
		const char *next = memchr(at, '\n', (size_t)(end - at));

		/* One that is cut short may say anything. */
		if (!next)
			break;
		if ((size_t)(next - at) > n && memcmp(at, begin, n) == 0) {
			last = at + n;
			last_end = next;
		}
		at = next + 1;
	}
	if (!last)
		return false;
	*ret_failed = NULL;
	if (last_end - last > 8 && memcmp(last, "failed: ", 8) == 0)
		*ret_failed = strndup(last + 8, (size_t)(last_end - last) - 8);
	return true;
}
