// SPDX-License-Identifier: Apache-2.0
#include "api/object.h"

#include <string.h>

#include "base/str.h"

const char *object_name(const json_t *object)
{
	return tree_string(object, "metadata.name");
}

const char *object_namespace(const json_t *object)
{
	return tree_string(object, "metadata.namespace");
}

const char *object_uid(const json_t *object)
{
	return tree_string(object, "metadata.uid");
}

const char *object_label(const json_t *object, const char *label)
{
	return json_string_value(json_object_get(tree_get(object, "metadata.labels"), label));
}

const char *object_annotation(const json_t *object, const char *annotation)
{
	return json_string_value(
		json_object_get(tree_get(object, "metadata.annotations"), annotation));
}

uint64_t object_version(const json_t *object)
{
	const char *text = tree_string(object, "metadata.resourceVersion");
	uint64_t version = 0;

	if (text)
		str_to_u64(text, &version);
	return version;
}

bool object_deleting(const json_t *object)
{
	return tree_string(object, "metadata.deletionTimestamp");
}

bool object_has_finalizer(const json_t *object, const char *finalizer)
{
	json_t *item;
	size_t i;

	json_array_foreach(tree_get(object, "metadata.finalizers"), i,
			   item) if (str_eq(json_string_value(item), finalizer)) return true;
	return false;
}

const json_t *object_controller(const json_t *object)
{
	json_t *owner;
	size_t i;

	json_array_foreach(tree_get(object, "metadata.ownerReferences"), i,
			   owner) if (tree_true(owner, "controller")) return owner;
	return NULL;
}

/* --- what is ours in it --- */

/*
 * A value that is owned whole, without what the server writes into it by itself: in the claim
 * templates of a StatefulSet it adds a status.
 */
static json_t *whole(const json_t *value)
{
	json_t *copy, *item;
	const char *name;
	size_t i;

	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach(value, i, item) json_array_append_new(copy, whole(item));
		return copy;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)value);
	copy = json_object();
	json_object_foreach((json_t *)value, name,
			    item) if (!json_is_null(item) && !str_eq(name, "status"))
		json_object_set_new(copy, name, whole(item));
	return copy;
}

static json_t *project(const json_t *value, const json_t *fields);

/* Does the key {"name":"data"} mean this item? */
static bool is_picked(const json_t *item, const json_t *key)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)key, name, member)
	{
		if (!json_equal(json_object_get(item, name), member))
			return false;
	}
	return json_is_object(key);
}

/* One field of a list: "k:" and a key, or "v:" and a value, which stand there as text. */
static json_t *project_item(json_t *item, const char *field, const json_t *wanted,
			    const json_t *below)
{
	if (*field == 'k')
		return is_picked(item, wanted) ? project(item, below) : NULL;
	return json_equal(item, wanted) ? json_incref(item) : NULL;
}

/* In the order the object has them: order within a list is part of what we applied. */
static json_t *project_list(const json_t *list, const json_t *fields)
{
	json_auto_t *wanted = json_object();
	json_t *result = json_array(), *item, *below;
	const char *field;
	size_t i;

	json_object_foreach((json_t *)fields, field, below)
	{
		if (str_starts(field, "k:") || str_starts(field, "v:"))
			tree_set(wanted, field, tree_load(field + 2, strlen(field + 2)));
	}
	json_array_foreach(list, i, item)
	{
		json_object_foreach((json_t *)fields, field, below)
		{
			json_t *key = json_object_get(wanted, field);
			json_t *found = key ? project_item(item, field, key, below) : NULL;

			if (found)
				json_array_append_new(result, found);
		}
	}
	return result;
}

static json_t *project(const json_t *value, const json_t *fields)
{
	json_t *result, *below;
	const char *key;

	if (!json_object_size(fields))
		return whole(value);
	if (json_is_array(value))
		return project_list(value, fields);
	if (!json_is_object(value))
		return json_incref((json_t *)value);
	result = json_object();
	json_object_foreach((json_t *)fields, key, below)
	{
		const json_t *member =
			str_starts(key, "f:") ? json_object_get(value, key + 2) : NULL;

		if (member)
			json_object_set_new(result, key + 2, project(member, below));
	}
	return result;
}

json_t *object_owned(const json_t *object, const char *manager)
{
	json_t *entry;
	size_t i;

	json_array_foreach(
		tree_get(object, "metadata.managedFields"), i,
		entry) if (str_eq(tree_string(entry, "manager"), manager) &&
			   str_eq(tree_string(entry, "operation"), "Apply") &&
			   !tree_string(entry,
					"subresource")) return project(object,
								       tree_get(entry,
										"fieldsV1"));
	return NULL;
}

uint64_t object_owned_digest(const json_t *object, const char *manager)
{
	json_auto_t *owned = object_owned(object, manager);

	return tree_digest(owned, 0);
}

uint64_t object_wanted_digest(const json_t *wanted)
{
	static const char *const names[] = { "name", "namespace", "uid", "resourceVersion" };
	json_auto_t *bare = json_copy((json_t *)wanted);
	json_auto_t *metadata = json_copy(tree_get(wanted, "metadata"));

	json_object_del(bare, "apiVersion");
	json_object_del(bare, "kind");
	for (size_t i = 0; metadata && i < sizeof(names) / sizeof(names[0]); i++)
		json_object_del(metadata, names[i]);
	if (json_object_size(metadata))
		json_object_set(bare, "metadata", metadata);
	else
		json_object_del(bare, "metadata");
	return tree_digest(bare, 0);
}

uint64_t object_labels_digest(const json_t *object)
{
	static const char *const names[] = { "app.kubernetes.io/name",
					     "app.kubernetes.io/instance",
					     "app.kubernetes.io/component", OBJECT_MANAGED_BY,
					     OBJECT_LABEL };
	json_auto_t *labels = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tree_set_string(labels, names[i], object_label(object, names[i]));
	return tree_digest(labels, 0);
}
