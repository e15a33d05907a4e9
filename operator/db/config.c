// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "engine/engine.h"

json_t *db_config(const struct database *d)
{
	json_t *config = db_object(d, CHILD_CONFIG, NULL, false);

	tree_set(config, "data", d->engine->files(d));
	return config;
}
