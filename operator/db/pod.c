// SPDX-License-Identifier: Apache-2.0
#include "db/pod.h"

#include <stdio.h>

#include "api/object.h"
#include "base/str.h"
#include "db/db.h"
#include "engine/engine.h"

#define RESTART_ANNOTATION "example.com/restart-digest"

json_t *pod_container_security(const struct database *d)
{
	return json_pack("{s:b, s:{s:[s]}, s:b}", "allowPrivilegeEscalation", 0, "capabilities",
			 "drop", "ALL", "readOnlyRootFilesystem", d->read_only_root);
}

/* The restricted Pod Security Standard. */
json_t *pod_security(const struct database *d)
{
	return json_pack("{s:b, s:I, s:I, s:I, s:s, s:{s:s}}", "runAsNonRoot", 1, "runAsUser",
			 (json_int_t)d->run_as_user, "runAsGroup", (json_int_t)d->fs_group,
			 "fsGroup", (json_int_t)d->fs_group, "fsGroupChangePolicy",
			 "OnRootMismatch", "seccompProfile", "type", "RuntimeDefault");
}

static json_t *mount(const char *name, const char *path, bool read_only)
{
	json_t *m = tree_strings("name", name, "mountPath", path, NULL);

	if (read_only)
		tree_set(m, "readOnly", json_true());
	return m;
}

static void extend(json_t *list, const json_t *more)
{
	json_t *item;
	size_t i;

	json_array_foreach(more, i, item) json_array_append_new(list, json_deep_copy(item));
}

static void respell(json_t *object, const char *name)
{
	json_auto_t *list = json_pack("{s:O}", "x", json_object_get(object, name));
	json_auto_t *spelled = db_quantities(list);

	if (tree_string(spelled, "x"))
		json_object_set(object, name, tree_get(spelled, "x"));
}

/*
 * Quantities in what people add, spelled as the server spells them: else their pods' template would
 * look changed whenever the operator starts.
 */
static void respell_all(json_t *list)
{
	static const char *const kinds[] = { "resources.requests", "resources.limits" };
	json_t *item, *value;
	const char *name;
	size_t i;
	void *next;

	json_array_foreach(list, i, item)
	{
		json_t *empty = tree_get(item, "emptyDir");

		for (size_t k = 0; k < 2; k++) {
			json_t *amounts = tree_get(item, kinds[k]);

			json_object_foreach_safe(amounts, next, name, value)
				respell(amounts, name);
		}
		if (json_object_get(empty, "sizeLimit"))
			respell(empty, "sizeLimit");
	}
}

static json_t *database_container(const struct database *d)
{
	json_t *c = d->engine->container(d), *resources = json_object();
	json_t *mounts =
		json_pack("[o, o, o, o, o, o, o, o]",
			  mount("data", d->engine->directory, false),
			  mount("config", "/etc/database", true),
			  mount("superuser", "/run/secrets/superuser", true),
			  mount("application", "/run/secrets/application", true),
			  mount("users", "/run/secrets/users", true),
			  mount("tls", "/run/secrets/tls", true),
			  mount("run", "/run/database", false), mount("tmp", "/tmp", false));

	extend(mounts, d->mounts);
	extend(tree_get(c, "env"), d->env);
	tree_set_string(c, "name", "database");
	tree_set_string(c, "image",
			d->image ? d->image : engine_image(d->engine, database_major(d)));
	tree_set_string(c, "imagePullPolicy", d->image_pull_policy);
	tree_set(c, "ports",
		 json_pack("[{s:s, s:i, s:s}]", "name", "database", "containerPort",
			   d->engine->port, "protocol", "TCP"));
	tree_set(c, "volumeMounts", mounts);
	tree_set(c, "securityContext", pod_container_security(d));
	if (json_array_size(d->env_from))
		tree_set(c, "envFrom", json_deep_copy(d->env_from));
	tree_set(resources, "requests", db_quantities(d->requests));
	tree_set(resources, "limits", db_quantities(d->limits));
	if (json_object_size(resources))
		tree_set(c, "resources", json_incref(resources));
	json_decref(resources);
	return c;
}

static json_t *exporter_container(const struct database *d)
{
	json_t *env = json_pack(
		"[o, o, o]",
		tree_strings("name", "DATA_SOURCE_URI", "value",
			     database_requires_tls(d)
				     ? "localhost:5432/postgres?sslmode=require"
				     : "localhost:5432/postgres?sslmode=disable",
			     NULL),
		tree_strings("name", "DATA_SOURCE_USER", "value", d->engine->superuser, NULL),
		tree_strings("name", "DATA_SOURCE_PASS_FILE", "value",
			     "/run/secrets/superuser/password", NULL));

	return json_pack("{s:s, s:s, s:o, s:[{s:s, s:i, s:s}], s:[o], s:o}", "name", "exporter",
			 "image", d->exporter_image, "env", env, "ports", "name", "metrics",
			 "containerPort", 9187, "protocol", "TCP", "volumeMounts",
			 mount("superuser", "/run/secrets/superuser", true), "securityContext",
			 pod_container_security(d));
}

static json_t *secret_volume(const struct database *d, const char *volume, enum child child)
{
	char name[CHILD_NAME_MAX];

	return json_pack("{s:s, s:{s:s, s:i}}", "name", volume, "secret", "secretName",
			 db_secret_name(d, child, name), "defaultMode", 0440);
}

/* Whoever declares users brings their passwords, now or later: nothing starts anew for that. */
static json_t *users_volume(const struct database *d)
{
	json_t *name = d->users_secret ? json_string(d->users_secret)
				       : json_sprintf("%s-users", d->name);

	return json_pack("{s:s, s:{s:o, s:i, s:b}}", "name", "users", "secret", "secretName",
			 name, "defaultMode", 0440, "optional", 1);
}

/* Mounted in any case, so that encryption can be had, and its certificate replaced, by a reload. */
static json_t *tls_volume(const struct database *d)
{
	char name[CHILD_NAME_MAX];

	return json_pack("{s:s, s:{s:s, s:i, s:b}}", "name", "tls", "secret", "secretName",
			 db_secret_name(d, CHILD_CERTIFICATE, name), "defaultMode", 0440,
			 "optional", 1);
}

static json_t *volumes(const struct database *d)
{
	char name[CHILD_NAME_MAX];
	json_t *list = json_array();

	json_array_append_new(
		list, json_pack("{s:s, s:{s:s, s:i}}", "name", "config", "configMap", "name",
				child_name(CHILD_CONFIG, d->name, name), "defaultMode", 0444));
	json_array_append_new(list, secret_volume(d, "superuser", CHILD_SUPERUSER));
	json_array_append_new(list, secret_volume(d, "application", CHILD_APPLICATION));
	json_array_append_new(list, users_volume(d));
	json_array_append_new(list, tls_volume(d));
	json_array_append_new(list, json_pack("{s:s, s:{}}", "name", "run", "emptyDir"));
	json_array_append_new(list, json_pack("{s:s, s:{}}", "name", "tmp", "emptyDir"));
	extend(list, d->volumes);
	respell_all(list);
	return list;
}

static json_t *affinity(const struct database *d)
{
	json_t *term;

	if (str_eq(d->anti_affinity, "None"))
		return NULL;
	term = json_pack("{s:{s:o}, s:s}", "labelSelector", "matchLabels", db_selector(d),
			 "topologyKey", d->topology_key);
	if (str_eq(d->anti_affinity, "Required"))
		return json_pack("{s:{s:[o]}}", "podAntiAffinity",
				 "requiredDuringSchedulingIgnoredDuringExecution", term);
	return json_pack("{s:{s:[{s:i, s:o}]}}", "podAntiAffinity",
			 "preferredDuringSchedulingIgnoredDuringExecution", "weight", 100,
			 "podAffinityTerm", term);
}

static json_t *copy_list(const json_t *list)
{
	return json_array_size(list) ? json_deep_copy(list) : NULL;
}

static void set_scheduling(const struct database *d, json_t *spec)
{
	if (json_object_size(d->node_selector))
		tree_set(spec, "nodeSelector", json_deep_copy(d->node_selector));
	tree_set(spec, "tolerations", copy_list(d->tolerations));
	tree_set(spec, "topologySpreadConstraints", copy_list(d->spread));
	tree_set(spec, "affinity", affinity(d));
	tree_set_string(spec, "priorityClassName", d->priority_class);
	tree_set_string(spec, "schedulerName", d->scheduler);
	tree_set_string(spec, "runtimeClassName", d->runtime_class);
}

static json_t *metadata(const struct database *d)
{
	json_t *labels = db_labels(d, "database"), *annotations = json_object();

	db_merge(labels, d->labels);
	tree_set(annotations, RESTART_ANNOTATION,
		 json_sprintf("%016llx", (unsigned long long)d->engine->restart_digest(d)));
	db_merge(annotations, d->annotations);
	return json_pack("{s:o, s:o}", "labels", labels, "annotations", annotations);
}

json_t *pod_template(const struct database *d)
{
	json_t *containers = json_array(), *spec;

	json_array_append_new(containers, database_container(d));
	if (d->monitoring && d->exporter_image)
		json_array_append_new(containers, exporter_container(d));
	extend(containers, d->sidecars);
	respell_all(containers);
	spec = json_pack("{s:s, s:b, s:b, s:I, s:o, s:o, s:o}", "serviceAccountName", d->name,
			 "automountServiceAccountToken", 0, "enableServiceLinks", 0,
			 "terminationGracePeriodSeconds", (json_int_t)d->grace,
			 "securityContext", pod_security(d), "containers", containers,
			 "volumes", volumes(d));
	tree_set(spec, "initContainers", copy_list(d->init_containers));
	respell_all(tree_get(spec, "initContainers"));
	tree_set(spec, "imagePullSecrets", copy_list(d->image_pull_secrets));
	set_scheduling(d, spec);
	return json_pack("{s:o, s:o}", "metadata", metadata(d), "spec", spec);
}
