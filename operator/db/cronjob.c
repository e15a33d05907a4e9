// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "db/pod.h"
#include "engine/engine.h"

/*
 * The place where backups will be started from. What takes them is not there yet, so it is
 * suspended whatever the spec says, and condition BackupReady tells so.
 */
json_t *db_cronjob(const struct database *d)
{
	json_t *cronjob, *container, *pod, *job;

	if (!d->backup_schedule)
		return NULL;
	cronjob = db_object(d, CHILD_CRONJOB, NULL, false);
	container = json_pack("{s:s, s:s, s:[s, s, s], s:o}", "name", "backup", "image",
			      d->image ? d->image : engine_image(d->engine, database_major(d)),
			      "command", "/bin/sh", "-c", "echo no backup method >&2; exit 1",
			      "securityContext", pod_container_security(d));
	pod = json_pack("{s:{s:o}, s:{s:s, s:b, s:s, s:o, s:[o]}}", "metadata", "labels",
			db_labels(d, "backup"), "spec", "restartPolicy", "Never",
			"automountServiceAccountToken", 0, "serviceAccountName", d->name,
			"securityContext", pod_security(d), "containers", container);
	job = json_pack("{s:{s:i, s:o}}", "spec", "backoffLimit", 0, "template", pod);
	tree_set(cronjob, "spec",
		 json_pack("{s:s, s:s, s:b, s:o}", "schedule", d->backup_schedule,
			   "concurrencyPolicy", "Forbid", "suspend", 1, "jobTemplate", job));
	return cronjob;
}
