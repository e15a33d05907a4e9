// SPDX-License-Identifier: Apache-2.0
#include "engine/postgresql_grant.h"

#include "base/mem.h"
#include "base/str.h"

static const struct grant_target targets[] = {
	{ "Database", "DATABASE", false, { "ALL", "CONNECT", "CREATE", "TEMPORARY" } },
	{ "Schema", "SCHEMA", false, { "ALL", "CREATE", "USAGE" } },
	{ "Sequences", "SEQUENCES", true, { "ALL", "SELECT", "UPDATE", "USAGE" } },
	{ "Tables",
	  "TABLES",
	  true,
	  { "ALL", "DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE",
	    "UPDATE" } },
};

const struct grant_target *grant_target(const json_t *grant)
{
	const char *on = tree_string(grant, "on");

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (str_eq(on ? on : "Tables", targets[i].on))
			return &targets[i];
	return NULL;
}

bool grant_has_privilege(const struct grant_target *t, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->privileges) && t->privileges[i]; i++)
		if (str_eq(name, t->privileges[i]))
			return true;
	return false;
}

bool declared_is_absent(const json_t *item)
{
	return str_eq(tree_string(item, "ensure"), "Absent");
}

const char *declared_extension(const json_t *item)
{
	return json_is_string(item) ? json_string_value(item) : tree_string(item, "name");
}
