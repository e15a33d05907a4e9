/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "kube/tree.h"

/* The conditions of a Database's status. Their meaning is told in manifests/crd.yaml. */
enum condition {
	CONDITION_READY,
	CONDITION_SPEC_VALID,
	CONDITION_PROGRESSING,
	CONDITION_AVAILABLE,
	CONDITION_REPLICAS_READY,
	CONDITION_STORAGE_READY,
	CONDITION_RESIZING,
	CONDITION_CONFIG_APPLIED,
	CONDITION_CREDENTIALS_READY,
	CONDITION_TLS_READY,
	CONDITION_OBJECTS_READY,
	CONDITION_UPGRADE_PENDING,
	CONDITION_BACKUP_READY,
	CONDITION_FAILOVER_READY,
	CONDITION_FENCED,
	CONDITION_RESTORED,
	CONDITION_PAUSED,
	CONDITION_DELETING,
	CONDITION_MAX,
};

enum condition_status {
	CONDITION_ABSENT,
	CONDITION_FALSE,
	CONDITION_TRUE,
	CONDITION_UNKNOWN,
};

/* Since when each has had the status it has, in seconds of the epoch. */
struct condition_marks {
	uint8_t status[CONDITION_MAX];
	int64_t since[CONDITION_MAX];
};

const char *condition_name(enum condition c);

/* Reads status.conditions; what is not ours is not seen. */
void conditions_read(const json_t *list, struct condition_marks *ret);

/*
 * Adds one condition, keeping the time of its last change if its status is the same. `now` is in
 * seconds of the epoch.
 */
void conditions_add(json_t *list, enum condition c, enum condition_status status,
		    const char *reason, const char *message, int64_t generation,
		    const struct condition_marks *before, int64_t now);
