// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/object.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"
#include "diff.h"
#include "document.h"
#include "plan.h"
#include "verb.h"

/*
 * Every object a Database becomes, as it would be applied, without a cluster; or, with one, what
 * that would change. Passwords are shown as what they are: made when the Secret is created.
 */
struct printer {
	const struct config *config;
	json_t *items;
	struct diff *diff;
	bool differs;
};

static json_t *secret_of(const struct database *d, enum child c)
{
	static const char generated[] = "GENERATED";

	if (c == CHILD_AUTHORITY)
		return db_authority(d, generated, generated, generated);
	if (c == CHILD_CERTIFICATE)
		return db_certificate(d, generated, generated, generated, generated);
	return db_secret_create(d, c, generated, database_certifies(d) ? generated : NULL);
}

static json_t *child_of(const struct database *d, enum child c)
{
	struct db_circumstances at = { .size = d->size };
	json_t *child = db_child(d, c, &at);

	if (child && child_table[c].kind == KIND_SECRET) {
		json_decref(child);
		child = secret_of(d, c);
	}
	return child;
}

static int print(void *arg, struct database *d, const struct problems *p, struct error *e)
{
	struct printer *printer = arg;

	if (p->count)
		return error_say(e, EINVAL, "%s/%s: %s", d->namespace, d->name,
				 problems_text(p));
	for (int c = 0; c < CHILD_MAX; c++) {
		json_auto_t *child = child_of(d, (enum child)c);
		int r;

		if (!child)
			continue;
		if (printer->diff) {
			r = diff_print(printer->diff, child_table[c].kind, child, e);
			if (r < 0)
				return r;
			printer->differs |= r > 0;
		} else if (str_eq(printer->config->output, "names")) {
			printf("%s/%s\n", tree_string(child, "kind"), object_name(child));
		} else {
			json_array_append(printer->items, child);
		}
	}
	return 0;
}

int verb_plan(const struct config *c, struct error *e)
{
	struct printer printer = { .config = c, .items = json_array() };
	json_auto_t *list = json_pack("{s:s, s:s, s:o}", "apiVersion", "v1", "kind", "List",
				      "items", printer.items);
	autofree char *text = NULL;
	int r;

	if (!str_eq(c->output, "json") && !str_eq(c->output, "names"))
		return error_say(e, EINVAL, "--output must be json or names");
	if (c->against_cluster) {
		r = diff_new(c, &printer.diff, e);
		if (r < 0)
			return r;
	}
	r = documents_each(c->file, print, &printer, e);
	diff_free(printer.diff);
	if (r < 0)
		return r;
	if (c->against_cluster)
		return printer.differs;
	if (str_eq(c->output, "json")) {
		text = json_dumps(list, JSON_INDENT(2));
		if (!text)
			return error_set(e, ENOMEM, "plan");
		puts(text);
	}
	return 0;
}
