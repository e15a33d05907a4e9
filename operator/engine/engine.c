// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"

static const struct engine *const engines[] = { &engine_postgresql };

const struct engine *engine_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		if (!strcasecmp(name, engines[i]->name))
			return engines[i];
		for (const char *const *alias = engines[i]->aliases; *alias; alias++)
			if (!strcasecmp(name, *alias))
				return engines[i];
	}
	return NULL;
}

const char *engine_image(const struct engine *e, int major)
{
	for (const struct engine_version *v = e->versions; v->version; v++)
		if (atoi(v->version) == major)
			return v->image;
	return NULL;
}
