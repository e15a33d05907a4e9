// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include <stdio.h>

#include "api/object.h"
#include "engine/engine.h"

json_t *db_labels(const struct database *d, const char *component)
{
	return tree_strings("app.kubernetes.io/name", d->engine->label,
			    "app.kubernetes.io/instance", d->name,
			    "app.kubernetes.io/component", component, OBJECT_MANAGED_BY,
			    OBJECT_MANAGER, OBJECT_LABEL, d->name, NULL);
}

json_t *db_selector(const struct database *d)
{
	return tree_strings("app.kubernetes.io/component", "database", OBJECT_LABEL, d->name,
			    NULL);
}

json_t *db_object(const struct database *d, enum child child, const char *api, bool orphan)
{
	const struct child_info *info = &child_table[child];
	char name[CHILD_NAME_MAX];
	json_t *metadata;

	metadata = json_pack("{s:s, s:s, s:o}", "name", child_name(child, d->name, name),
			     "namespace", d->namespace, "labels", db_labels(d, "database"));
	if (!orphan)
		tree_set(metadata, "ownerReferences",
			 json_pack("[{s:s, s:s, s:s, s:s, s:b, s:b}]", "apiVersion",
				   kind_table[KIND_DATABASE].apis[0], "kind", "Database",
				   "name", d->name, "uid", d->uid, "controller", 1,
				   "blockOwnerDeletion", 1));
	return json_pack("{s:s, s:s, s:o}", "apiVersion",
			 api ? api : kind_table[info->kind].apis[0], "kind",
			 kind_table[info->kind].name, "metadata", metadata);
}

void db_merge(json_t *object, const json_t *more)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)more, name, value) if (!json_object_get(object, name))
		json_object_set_new(object, name, json_deep_copy(value));
}

json_t *db_quantities(const json_t *list)
{
	json_t *result = json_object_size(list) ? json_object() : NULL, *value;
	const char *name;

	json_object_foreach((json_t *)list, name, value)
	{
		char text[QUANTITY_TEXT_MAX];
		struct quantity q;

		if (json_is_integer(value))
			q = quantity_of_units(json_integer_value(value), QUANTITY_DECIMAL);
		else if (!json_is_string(value) ||
			 quantity_parse(json_string_value(value), &q) < 0)
			continue;
		tree_set_string(result, name, quantity_text(&q, text));
	}
	return result;
}

json_t *db_child(const struct database *d, enum child child, const struct db_circumstances *at)
{
	switch (child) {
	case CHILD_ACCOUNT:
		return db_account(d);
	case CHILD_AUTHORITY:
	case CHILD_CERTIFICATE:
	case CHILD_SUPERUSER:
	case CHILD_APPLICATION:
		return db_secret(d, child);
	case CHILD_CONFIG:
		return db_config(d);
	case CHILD_PODS:
	case CHILD_READ_WRITE:
	case CHILD_READ_ONLY:
	case CHILD_ANY:
		return db_service(d, child);
	case CHILD_STATEFULSET:
		return db_statefulset(d, &at->size);
	case CHILD_BUDGET:
		return db_budget(d, kind_table[KIND_BUDGET].apis[at->api[KIND_BUDGET]]);
	case CHILD_CRONJOB:
		return db_cronjob(d);
	case CHILD_MAX:
		break;
	}
	return NULL;
}
