// SPDX-License-Identifier: Apache-2.0
#include "document.h"

#include <errno.h>

#include "api/kind.h"
#include "api/object.h"
#include "base/error.h"
#include "base/str.h"
#include "kube/yaml.h"

struct each {
	const char *path;
	int (*call)(void *arg, struct database *d, const struct problems *p, struct error *e);
	void *arg;
	unsigned count;
};

static int take(struct each *each, json_t *document, struct error *e)
{
	const char *name = object_name(document), *namespace = object_namespace(document);
	struct problems problems;
	autodatabase d = { 0 };
	int r;

	each->count++;
	if (!str_eq(tree_string(document, "kind"), "Database") ||
	    !str_eq(tree_string(document, "apiVersion"), kind_table[KIND_DATABASE].apis[0]))
		return error_say(e, EINVAL, "%s: document %u: must be a Database of %s",
				 each->path, each->count, kind_table[KIND_DATABASE].apis[0]);
	if (str_empty(name))
		return error_say(e, EINVAL, "%s: document %u: metadata.name is missing",
				 each->path, each->count);
	problems_init(&problems);
	r = database_read(&d, namespace ? namespace : "default", name,
			  object_uid(document) ? object_uid(document)
					       : "00000000-0000-0000-0000-000000000000",
			  tree_integer(document, "metadata.generation", 1),
			  tree_get(document, "spec"), &problems);
	if (!r) {
		database_unknown(tree_get(document, "spec"), &problems);
		r = each->call(each->arg, &d, &problems, e);
	}
	problems_done(&problems);
	return r < 0 ? r : 0;
}

int documents_each(const char *path,
		   int (*call)(void *arg, struct database *d, const struct problems *p,
			       struct error *e),
		   void *arg, struct error *e)
{
	struct each each = { path, call, arg, 0 };
	json_auto_t *documents = NULL;
	json_t *document, *item;
	size_t i, k;
	int r = yaml_read(path, &documents, e);

	if (r < 0)
		return r;
	json_array_foreach(documents, i, document)
	{
		json_t *items = tree_get(document, "items");

		if (!items)
			r = take(&each, document, e);
		json_array_foreach(items, k, item) if (!r) r = take(&each, item, e);
		if (r < 0)
			return r;
	}
	return each.count ? 0 : error_say(e, EINVAL, "%s holds no Database", path);
}
