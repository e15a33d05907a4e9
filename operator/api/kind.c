// SPDX-License-Identifier: Apache-2.0
#include "api/kind.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

const struct kind_info kind_table[KIND_MAX] = {
	[KIND_DATABASE] = { "Database", "databases", { "example.com/v1" } },
	[KIND_ACCOUNT] = { "ServiceAccount", "serviceaccounts", { "v1" } },
	[KIND_SECRET] = { "Secret", "secrets", { "v1" } },
	[KIND_CONFIG] = { "ConfigMap", "configmaps", { "v1" } },
	[KIND_SERVICE] = { "Service", "services", { "v1" } },
	[KIND_STATEFULSET] = { "StatefulSet", "statefulsets", { "apps/v1" } },
	[KIND_BUDGET] = { "PodDisruptionBudget",
			  "poddisruptionbudgets",
			  { "policy/v1", "policy/v1beta1" } },
	[KIND_CRONJOB] = { "CronJob", "cronjobs", { "batch/v1", "batch/v1beta1" } },
	[KIND_POD] = { "Pod", "pods", { "v1" } },
	[KIND_CLAIM] = { "PersistentVolumeClaim", "persistentvolumeclaims", { "v1" } },
};

const struct child_info child_table[CHILD_MAX] = {
	[CHILD_ACCOUNT] = { KIND_ACCOUNT, "", "ServiceAccount" },
	[CHILD_AUTHORITY] = { KIND_SECRET, "-ca", "authority's Secret" },
	[CHILD_CERTIFICATE] = { KIND_SECRET, "-tls", "certificate's Secret" },
	[CHILD_SUPERUSER] = { KIND_SECRET, "-superuser", "superuser's Secret" },
	[CHILD_APPLICATION] = { KIND_SECRET, "-app", "application's Secret" },
	[CHILD_CONFIG] = { KIND_CONFIG, "-config", "ConfigMap" },
	[CHILD_PODS] = { KIND_SERVICE, "-pods", "headless Service" },
	[CHILD_READ_WRITE] = { KIND_SERVICE, "-rw", "read-write Service" },
	[CHILD_READ_ONLY] = { KIND_SERVICE, "-ro", "read-only Service" },
	[CHILD_ANY] = { KIND_SERVICE, "-any", "Service for any replica" },
	[CHILD_STATEFULSET] = { KIND_STATEFULSET, "", "StatefulSet" },
	[CHILD_BUDGET] = { KIND_BUDGET, "", "PodDisruptionBudget" },
	[CHILD_CRONJOB] = { KIND_CRONJOB, "-backup", "CronJob" },
};

char *kind_path(enum kind kind, int api, const char *namespace, const char *name)
{
	const struct kind_info *k = &kind_table[kind];
	const char *version = k->apis[api];
	char *path = NULL;

	if (asprintf(&path, "/%s/%s%s%s/%s%s%s", strchr(version, '/') ? "apis" : "api", version,
		     namespace ? "/namespaces/" : "", namespace ? namespace : "", k->plural,
		     name ? "/" : "", name ? name : "") < 0)
		return NULL;
	return path;
}

enum child child_find(enum kind kind, const char *database, const char *name)
{
	size_t len = strlen(database);

	if (strncmp(name, database, len) != 0)
		return CHILD_MAX;
	for (int c = 0; c < CHILD_MAX; c++)
		if (child_table[c].kind == kind && str_eq(name + len, child_table[c].suffix))
			return (enum child)c;
	return CHILD_MAX;
}

const char *child_name(enum child child, const char *database, char dst[CHILD_NAME_MAX])
{
	snprintf(dst, CHILD_NAME_MAX, "%s%s", database, child_table[child].suffix);
	return dst;
}
