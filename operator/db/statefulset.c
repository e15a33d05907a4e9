// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "db/pod.h"

static json_t *claim(const struct database *d, const struct quantity *size)
{
	char text[QUANTITY_TEXT_MAX];
	json_t *modes = json_array_size(d->access_modes) ? json_deep_copy(d->access_modes)
							 : json_pack("[s]", "ReadWriteOnce");
	json_t *spec = json_pack("{s:o, s:{s:{s:s}}, s:s}", "accessModes", modes, "resources",
				 "requests", "storage", quantity_text(size, text), "volumeMode",
				 "Filesystem");

	tree_set_string(spec, "storageClassName", d->storage_class);
	/* A list that is owned whole: what the server would fill in is written out. */
	return json_pack("{s:s, s:s, s:{s:s, s:o}, s:o}", "apiVersion", "v1", "kind",
			 "PersistentVolumeClaim", "metadata", "name", "data", "labels",
			 db_labels(d, "database"), "spec", spec);
}

json_t *db_statefulset(const struct database *d, const struct quantity *size)
{
	json_t *statefulset = db_object(d, CHILD_STATEFULSET, NULL, false), *spec;
	char service[CHILD_NAME_MAX];

	/* OnDelete: which pod goes when is our business, so that a broken template never wedges. */
	spec = json_pack("{s:s, s:I, s:s, s:{s:s}, s:i, s:{s:s, s:s}, s:{s:o}, s:o, s:[o]}",
			 "serviceName", child_name(CHILD_PODS, d->name, service), "replicas",
			 (json_int_t)d->replicas, "podManagementPolicy", "Parallel",
			 "updateStrategy", "type", "OnDelete", "revisionHistoryLimit", 3,
			 "persistentVolumeClaimRetentionPolicy", "whenDeleted", "Retain",
			 "whenScaled", d->claims_when_scaled, "selector", "matchLabels",
			 db_selector(d), "template", pod_template(d), "volumeClaimTemplates",
			 claim(d, size));
	tree_set(statefulset, "spec", spec);
	return statefulset;
}

uint64_t db_statefulset_fixed(const json_t *statefulset, struct quantity *ret_size)
{
	const json_t *claims = tree_get(statefulset, "spec.volumeClaimTemplates");
	const json_t *spec = tree_get(json_array_get(claims, 0), "spec");
	const char *size = tree_string(spec, "resources.requests.storage");
	const char *class = tree_string(spec, "storageClassName");
	uint64_t digest = tree_digest(tree_get(statefulset, "spec.selector"), 0);

	if (size)
		quantity_parse(size, ret_size);
	digest = tree_digest(tree_get(spec, "accessModes"), digest);
	digest = tree_digest(tree_get(statefulset, "spec.serviceName"), digest);
	/* Where none is named, a server may write the default one. */
	return class ? digest ^ text_digest(class) : digest;
}
