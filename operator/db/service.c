// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include <stdio.h>

#include "api/object.h"
#include "base/str.h"
#include "engine/engine.h"

__attribute__((nonnull)) static const struct database_service *
settings(const struct database *d, enum child child)
{
	switch (child) {
	case CHILD_READ_WRITE:
		return &d->read_write;
	case CHILD_READ_ONLY:
		return &d->read_only;
	case CHILD_ANY:
		return &d->any;
	default:
		return NULL;
	}
}

/*
 * The primary is picked by its pod's name, which the StatefulSet sets: the way to the data then
 * does not wait for an operator that may be away. Who is a replica, the operator labels.
 */
static json_t *selector(const struct database *d, enum child child)
{
	json_t *labels = db_selector(d);

	if (child == CHILD_READ_WRITE)
		tree_set(labels, "statefulset.kubernetes.io/pod-name",
			 json_sprintf("%s-0", d->name));
	if (child == CHILD_READ_ONLY)
		tree_set_string(labels, OBJECT_ROLE_LABEL, "replica");
	return labels;
}

static json_t *ports(const struct database *d, const struct database_service *s)
{
	json_t *port = json_pack("{s:s, s:i, s:s, s:s}", "name", "database", "port",
				 d->engine->port, "protocol", "TCP", "targetPort", "database");

	if (s && s->node_port && !str_eq(s->type, "ClusterIP"))
		tree_set(port, "nodePort", json_integer(s->node_port));
	return json_pack("[o]", port);
}

json_t *db_service(const struct database *d, enum child child)
{
	const struct database_service *s = settings(d, child);
	json_t *service, *metadata, *spec;

	if (s && !s->enabled)
		return NULL;
	service = db_object(d, child, NULL, false);
	metadata = tree_get(service, "metadata");
	spec = json_pack("{s:s, s:o, s:o}", "type", s ? s->type : "ClusterIP", "selector",
			 selector(d, child), "ports", ports(d, s));
	if (!s) {
		tree_set_string(spec, "clusterIP", "None");
		/* Replicas find each other before they are ready. */
		tree_set(spec, "publishNotReadyAddresses", json_true());
	} else {
		db_merge(tree_get(metadata, "labels"), s->labels);
		if (json_object_size(s->annotations))
			tree_set(metadata, "annotations", json_deep_copy(s->annotations));
		if (json_array_size(s->source_ranges) && str_eq(s->type, "LoadBalancer"))
			tree_set(spec, "loadBalancerSourceRanges",
				 json_deep_copy(s->source_ranges));
	}
	tree_set(service, "spec", spec);
	return service;
}
