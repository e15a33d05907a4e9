// SPDX-License-Identifier: Apache-2.0
#include "diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/object.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"
#include "kube/access.h"
#include "kube/connection.h"
#include "kube/loop.h"
#include "kube/refusal.h"
#include "kube/verb.h"

struct diff {
	struct loop loop;
	struct access access;
	struct connection *c;
	/* of the answer that is waited for */
	bool done;
	enum refusal why;
	json_t *object;
	struct error error;
};

int diff_new(const struct config *c, struct diff **ret, struct error *e)
{
	struct diff *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return error_set(e, ENOMEM, "diff");
	loop_init(&d->loop);
	r = config_access(c, &d->access, e);
	if (!r)
		r = connection_new(&d->loop, &d->access, 1, &d->c, e);
	if (r < 0) {
		diff_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	connection_free(d->c);
	access_done(&d->access);
	loop_done(&d->loop);
	free(d);
}

static void on_answer(void *arg, const struct answer *a)
{
	struct diff *d = arg;

	d->error = ERROR_INIT;
	d->why = refusal_of(a, &d->error);
	d->object = d->why == REFUSAL_NONE ? tree_load(a->body, a->len) : NULL;
	d->done = true;
}

/* *ret: the object, or NULL where there is none. */
static int ask(struct diff *d, enum verb verb, const char *path, const json_t *body,
	       json_t **ret, struct error *e)
{
	int r = verb_send(d->c,
			  &(struct verb_call){
				  .verb = verb,
				  .path = path,
				  .manager = verb == VERB_GET ? NULL : OBJECT_MANAGER,
				  .body = body,
				  .dry_run = verb != VERB_GET,
				  .done = on_answer,
				  .arg = d,
			  },
			  NULL);

	d->done = false;
	while (!r && !d->done)
		r = loop_turn(&d->loop, -1);
	if (r < 0)
		return error_set(e, -r, "%s", path);
	*ret = d->object;
	if (d->why != REFUSAL_NONE && d->why != REFUSAL_NOT_FOUND) {
		*e = d->error;
		return error_prefix(e, "%s", path);
	}
	return 0;
}

static void line(char sign, const char *path, const json_t *value)
{
	autofree char *text = value ? tree_text(value) : NULL;

	if (text)
		printf("  %c %s: %s\n", sign, path, text);
}

/* Members that are equal are left out; a list is compared whole. */
static bool compare(const char *path, const json_t *is, const json_t *would)
{
	bool any = false;
	const char *name;
	json_t *member;

	if (json_equal(is, would))
		return false;
	if (!json_is_object(is) || !json_is_object(would)) {
		line('-', path, is);
		line('+', path, would);
		return true;
	}
	json_object_foreach((json_t *)is, name, member)
	{
		autofree char *below = NULL;

		if (asprintf(&below, "%s%s%s", path, *path ? "." : "", name) >= 0)
			any |= compare(below, member, json_object_get(would, name));
	}
	json_object_foreach((json_t *)would, name, member)
	{
		autofree char *below = NULL;

		if (!json_object_get(is, name) &&
		    asprintf(&below, "%s%s%s", path, *path ? "." : "", name) >= 0)
			any |= compare(below, NULL, member);
	}
	return any;
}

static void strip(json_t *object)
{
	static const char *const names[] = { "managedFields", "resourceVersion", "generation",
					     "uid", "creationTimestamp" };
	json_t *metadata = tree_get(object, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_del(metadata, names[i]);
	json_object_del(object, "status");
}

static int compare_secret(const char *name, const json_t *is)
{
	if (is)
		return 0;
	printf("Secret/%s would be created\n", name);
	return 1;
}

/* The owner's uid is known by the cluster only. */
static json_t *without_owner(const json_t *wanted)
{
	json_t *copy = json_deep_copy(wanted);

	json_object_del(tree_get(copy, "metadata"), "ownerReferences");
	return copy;
}

int diff_print(struct diff *d, enum kind kind, const json_t *wanted, struct error *e)
{
	const char *name = object_name(wanted);
	autofree char *path = kind_path(kind, 0, object_namespace(wanted), name);
	json_auto_t *is = NULL, *would = NULL, *body = without_owner(wanted);
	bool any;
	int r;

	if (!path)
		return error_set(e, ENOMEM, "diff");
	r = ask(d, VERB_GET, path, NULL, &is, e);
	if (r < 0)
		return r;
	if (kind == KIND_SECRET)
		return compare_secret(name, is);
	if (json_object_size(tree_get(is, "metadata.ownerReferences")) == 0 && is)
		tree_set(tree_get(body, "metadata"), "ownerReferences",
			 json_incref(tree_get(is, "metadata.ownerReferences")));
	r = ask(d, VERB_APPLY, path, body, &would, e);
	if (r < 0)
		return r;
	if (!is) {
		printf("%s/%s would be created\n", kind_table[kind].name, name);
		return 1;
	}
	strip(is);
	strip(would);
	if (json_equal(is, would))
		return 0;
	printf("%s/%s would change\n", kind_table[kind].name, name);
	any = compare("", is, would);
	return any;
}
