// SPDX-License-Identifier: Apache-2.0
#include "conditions.h"

#include <time.h>

#include "base/str.h"

static const char *const names[CONDITION_MAX] = {
	[CONDITION_READY] = "Ready",
	[CONDITION_SPEC_VALID] = "SpecValid",
	[CONDITION_PROGRESSING] = "Progressing",
	[CONDITION_AVAILABLE] = "Available",
	[CONDITION_REPLICAS_READY] = "ReplicasReady",
	[CONDITION_STORAGE_READY] = "StorageReady",
	[CONDITION_RESIZING] = "Resizing",
	[CONDITION_CONFIG_APPLIED] = "ConfigApplied",
	[CONDITION_CREDENTIALS_READY] = "CredentialsReady",
	[CONDITION_TLS_READY] = "TLSReady",
	[CONDITION_OBJECTS_READY] = "ObjectsReady",
	[CONDITION_UPGRADE_PENDING] = "UpgradePending",
	[CONDITION_BACKUP_READY] = "BackupReady",
	[CONDITION_FAILOVER_READY] = "FailoverReady",
	[CONDITION_FENCED] = "Fenced",
	[CONDITION_RESTORED] = "Restored",
	[CONDITION_PAUSED] = "Paused",
	[CONDITION_DELETING] = "Deleting",
};

static const char *const statuses[] = { NULL, "False", "True", "Unknown" };

const char *condition_name(enum condition c)
{
	return names[c];
}

static int64_t read_time(const char *text)
{
	struct tm tm = { 0 };

	return text && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) ? timegm(&tm) : 0;
}

void conditions_read(const json_t *list, struct condition_marks *ret)
{
	json_t *item;
	size_t i;

	*ret = (struct condition_marks){ 0 };
	json_array_foreach(list, i, item)
	{
		const char *type = tree_string(item, "type");

		for (int c = 0; c < CONDITION_MAX; c++) {
			if (!str_eq(type, names[c]))
				continue;
			for (uint8_t s = CONDITION_FALSE; s <= CONDITION_UNKNOWN; s++)
				if (str_eq(tree_string(item, "status"), statuses[s]))
					ret->status[c] = s;
			ret->since[c] = read_time(tree_string(item, "lastTransitionTime"));
		}
	}
}

void conditions_add(json_t *list, enum condition c, enum condition_status status,
		    const char *reason, const char *message, int64_t generation,
		    const struct condition_marks *before, int64_t now)
{
	time_t since = before->status[c] == status && before->since[c] ? before->since[c] : now;
	char text[32];
	struct tm tm;

	gmtime_r(&since, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "type", names[c],
					"status", statuses[status], "reason", reason, "message",
					message, "lastTransitionTime", text,
					"observedGeneration", (json_int_t)generation));
}
