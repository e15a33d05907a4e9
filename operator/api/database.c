// SPDX-License-Identifier: Apache-2.0
#include "api/database.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "api/field.h"
#include "api/rules.h"
#include "base/mem.h"
#include "engine/engine.h"

static const char *const pull_policies[] = { "Always", "IfNotPresent", "Never", NULL };
static const char *const service_types[] = { "ClusterIP", "NodePort", "LoadBalancer", NULL };
static const char *const affinities[] = { "Preferred", "Required", "None", NULL };
static const char *const disruptions[] = { "Automatic", "Disabled", NULL };
static const char *const updates[] = { "ReplicasFirst", "OnDelete", NULL };
static const char *const encryptions[] = { "Disabled", "Allowed", "Required", NULL };
static const char *const deletions[] = { "Retain", "Delete", NULL };

#define AT(member) offsetof(struct database, member)

#define TEXT(path, at, most, or)                            \
	{                                                   \
		path, FIELD_TEXT, AT(at), or, 0, most, NULL \
	}
#define CHOICE(path, at, words, or)                         \
	{                                                   \
		path, FIELD_CHOICE, AT(at), or, 0, 0, words \
	}
#define INTEGER(path, at, low, high, or)                         \
	{                                                        \
		path, FIELD_INTEGER, AT(at), or, low, high, NULL \
	}
#define BOOLEAN(path, at, or)                               \
	{                                                   \
		path, FIELD_BOOLEAN, AT(at), or, 0, 0, NULL \
	}
#define STRINGS(path, at, most)                                  \
	{                                                        \
		path, FIELD_STRINGS, AT(at), NULL, 0, most, NULL \
	}
#define OBJECTS(path, at)                                  \
	{                                                  \
		path, FIELD_LIST, AT(at), NULL, 0, 0, NULL \
	}
#define TEXTS(path, at)                                                \
	{                                                              \
		path, FIELD_LIST, AT(at), NULL, 0, 0, field_of_strings \
	}

#define SERVICE(path, at)                                                  \
	CHOICE(path ".type", at.type, service_types, "ClusterIP"),         \
		STRINGS(path ".annotations", at.annotations, 64),          \
		STRINGS(path ".labels", at.labels, 64),                    \
		TEXTS(path ".loadBalancerSourceRanges", at.source_ranges), \
		INTEGER(path ".nodePort", at.node_port, 1, 65535, NULL)

#define PROBE(path, at, period_or, failures_or)                                \
	INTEGER(path ".initialDelaySeconds", at.initial_delay, 0, 3600, "0"),  \
		INTEGER(path ".periodSeconds", at.period, 1, 3600, period_or), \
		INTEGER(path ".timeoutSeconds", at.timeout, 1, 3600, "5"),     \
		INTEGER(path ".failureThreshold", at.failures, 1, 10000, failures_or)

static const struct field fields[] = {
	TEXT("engine", engine_name, 32, "PostgreSQL"),
	{ "version", FIELD_VERSION, AT(version), NULL, 0, 32, NULL },
	TEXT("image", image, 512, NULL),
	CHOICE("imagePullPolicy", image_pull_policy, pull_policies, "IfNotPresent"),
	OBJECTS("imagePullSecrets", image_pull_secrets),
	INTEGER("replicas", replicas, 0, 15, "1"),

	{ "storage.size", FIELD_QUANTITY, AT(size), "1Gi", 0, 0, NULL },
	TEXT("storage.storageClassName", storage_class, 253, NULL),
	TEXTS("storage.accessModes", access_modes),
	BOOLEAN("storage.resizeInUseVolumes", resize, "true"),

	{ "resources.requests", FIELD_OBJECT, AT(requests), NULL, 0, 0, NULL },
	{ "resources.limits", FIELD_OBJECT, AT(limits), NULL, 0, 0, NULL },
	STRINGS("config.parameters", parameters, 400),
	TEXTS("config.hostBasedAuthentication", hba),

	TEXT("bootstrap.database", database, 63, "app"),
	TEXT("bootstrap.owner", owner, 63, "app"),
	TEXT("credentials.superuserSecretRef.name", superuser_secret, 253, NULL),
	TEXT("credentials.applicationSecretRef.name", application_secret, 253, NULL),
	TEXT("credentials.usersSecretRef.name", users_secret, 253, NULL),
	OBJECTS("users", users),
	OBJECTS("databases", databases),
	INTEGER("replication.maximumLagBytes", maximum_lag, 0, INT64_MAX, "0"),

	CHOICE("tls.mode", tls, encryptions, "Allowed"),
	TEXT("tls.secretRef.name", tls_secret, 253, NULL),
	TEXTS("tls.additionalNames", tls_names),
	INTEGER("tls.durationDays", tls_days, 1, 3650, "90"),

	SERVICE("services.readWrite", read_write),
	BOOLEAN("services.readOnly.enabled", read_only.enabled, "true"),
	SERVICE("services.readOnly", read_only),
	BOOLEAN("services.any.enabled", any.enabled, "false"),
	SERVICE("services.any", any),

	STRINGS("scheduling.nodeSelector", node_selector, 64),
	OBJECTS("scheduling.tolerations", tolerations),
	OBJECTS("scheduling.topologySpreadConstraints", spread),
	TEXT("scheduling.topologyKey", topology_key, 317, "kubernetes.io/hostname"),
	CHOICE("scheduling.antiAffinity", anti_affinity, affinities, "Preferred"),
	TEXT("scheduling.priorityClassName", priority_class, 253, NULL),
	TEXT("scheduling.schedulerName", scheduler, 253, NULL),

	STRINGS("podTemplate.labels", labels, 64),
	STRINGS("podTemplate.annotations", annotations, 64),
	OBJECTS("podTemplate.env", env),
	OBJECTS("podTemplate.envFrom", env_from),
	OBJECTS("podTemplate.volumes", volumes),
	OBJECTS("podTemplate.volumeMounts", mounts),
	OBJECTS("podTemplate.sidecars", sidecars),
	OBJECTS("podTemplate.initContainers", init_containers),

	PROBE("probes.startup", startup, "10", "360"),
	PROBE("probes.readiness", readiness, "10", "3"),
	PROBE("probes.liveness", liveness, "10", "6"),

	INTEGER("security.runAsUser", run_as_user, 1, 2147483647, NULL),
	INTEGER("security.fsGroup", fs_group, 1, 2147483647, NULL),
	BOOLEAN("security.readOnlyRootFilesystem", read_only_root, "true"),
	TEXT("security.runtimeClassName", runtime_class, 253, NULL),

	CHOICE("disruption.mode", disruption, disruptions, "Automatic"),
	INTEGER("disruption.maximumUnavailable", maximum_unavailable, 1, 15, "1"),
	CHOICE("update.strategy", update, updates, "ReplicasFirst"),
	TEXT("backup.schedule", backup_schedule, 128, NULL),
	BOOLEAN("backup.suspend", backup_suspend, "false"),
	BOOLEAN("failover.enabled", failover, "false"),
	TEXT("switchover.target", switchover, 63, NULL),
	TEXTS("fencing.replicas", fencing),
	TEXT("restore.backup", restore, 253, NULL),
	BOOLEAN("monitoring.enabled", monitoring, "false"),
	TEXT("monitoring.exporterImage", exporter_image, 512, NULL),

	BOOLEAN("pause", pause, "false"),
	CHOICE("deletionPolicy", deletion_policy, deletions, "Retain"),
	CHOICE("pvcRetentionPolicy.whenScaled", claims_when_scaled, deletions, "Retain"),
	INTEGER("terminationGracePeriodSeconds", grace, 0, 86400, "180"),
};

int database_read(struct database *d, const char *namespace, const char *name, const char *uid,
		  int64_t generation, json_t *spec, struct problems *p)
{
	*d = (struct database){
		.spec = json_is_object(spec) ? json_incref(spec) : json_object(),
		.namespace = namespace,
		.name = name,
		.uid = uid,
		.generation = generation,
	};
	if (!d->spec)
		return -ENOMEM;
	fields_read(fields, ARRAY_SIZE(fields), d->spec, d, p);
	d->read_write.enabled = true;
	d->engine = engine_find(d->engine_name);
	if (d->engine) {
		if (!d->version)
			d->version = d->engine->versions[0].version;
		if (!d->run_as_user)
			d->run_as_user = d->engine->user;
		if (!d->fs_group)
			d->fs_group = d->run_as_user;
	}
	rules_check(d, p);
	return 0;
}

void database_done(struct database *d)
{
	json_decref(d->spec);
	*d = (struct database){ 0 };
}

void database_unknown(const json_t *spec, struct problems *p)
{
	fields_unknown(fields, ARRAY_SIZE(fields), spec, p);
}

int database_major(const struct database *d)
{
	return d->version ? atoi(d->version) : 0;
}
