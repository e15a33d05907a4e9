// SPDX-License-Identifier: Apache-2.0
/* A spec, from its bytes to every object it becomes; a valid one must make them all. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/object.h"
#include "api/problem.h"
#include "db/db.h"
#include "plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_all(const struct database *d)
{
	struct db_circumstances at = { .size = d->size };

	for (int c = 0; c < CHILD_MAX; c++) {
		json_auto_t *child = db_child(d, (enum child)c, &at);

		if (!child)
			continue;
		/* A builder that failed leaves a hole, not a crash: find it here. */
		if (!object_name(child) || !object_wanted_digest(child))
			abort();
		if (c == CHILD_STATEFULSET &&
		    !tree_get(json_array_get(tree_get(child, "spec.template.spec.containers"),
					     0),
			      "image"))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *spec = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct database d;
	struct problems p;

	if (!spec)
		return 0;
	problems_init(&p);
	if (database_read(&d, "ns", "db", "uid", 1, spec, &p) == 0) {
		if (!p.count) {
			struct observed o = { 0 };
			struct plan_input in = { .database = &d, .observed = &o, .uid = 1 };
			struct plan plan;

			make_all(&d);
			plan_make(&in, &plan);
		}
		database_unknown(spec, &p);
		database_done(&d);
	}
	problems_done(&p);
	return 0;
}
