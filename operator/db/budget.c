// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "base/str.h"

/* Never for one replica: a budget would keep its node from ever being drained. */
json_t *db_budget(const struct database *d, const char *api)
{
	json_t *budget, *spec;

	if (d->replicas < 2 || str_eq(d->disruption, "Disabled"))
		return NULL;
	budget = db_object(d, CHILD_BUDGET, api, false);
	spec = json_pack("{s:I, s:{s:o}}", "maxUnavailable", (json_int_t)d->maximum_unavailable,
			 "selector", "matchLabels", db_selector(d));
	/* A replica that is broken anyway must not hold up a drain either. */
	if (str_eq(api, "policy/v1"))
		tree_set_string(spec, "unhealthyPodEvictionPolicy", "AlwaysAllow");
	tree_set(budget, "spec", spec);
	return budget;
}
