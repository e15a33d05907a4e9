/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/quantity.h"
#include "kube/tree.h"

struct engine;
struct problems;

/*
 * One Database with every default in place. Texts and trees belong to the spec it was read from,
 * of which it holds a reference. The meaning of each field stands in manifests/crd.yaml.
 */
struct database_service {
	bool enabled;
	const char *type;
	const json_t *annotations;
	const json_t *labels;
	const json_t *source_ranges;
	int64_t node_port;
};

struct database_probe {
	int64_t initial_delay, period, timeout, failures;
};

struct database {
	json_t *spec;
	const char *namespace, *name, *uid; /* the caller's */
	int64_t generation;

	const struct engine *engine;
	const char *engine_name;
	const char *version;
	const char *image;
	const char *image_pull_policy;
	const json_t *image_pull_secrets;
	int64_t replicas;

	struct quantity size;
	const char *storage_class;
	const json_t *access_modes;
	bool resize;

	const json_t *requests, *limits;
	const json_t *parameters;
	const json_t *hba;

	const char *database, *owner;
	const char *superuser_secret, *application_secret, *users_secret;
	const json_t *users, *databases; /* beside those of the bootstrap */
	int64_t maximum_lag;             /* of a replica, in bytes; 0: any */

	const char *tls;        /* Disabled, Allowed, Required */
	const char *tls_secret; /* brought; NULL: ours */
	const json_t *tls_names;
	int64_t tls_days;

	struct database_service read_write, read_only, any;

	const json_t *node_selector, *tolerations, *spread;
	const char *topology_key, *anti_affinity, *priority_class, *scheduler;

	const json_t *labels, *annotations, *env, *env_from, *volumes, *mounts, *sidecars,
		*init_containers;

	struct database_probe startup, readiness, liveness;

	int64_t run_as_user, fs_group;
	bool read_only_root;
	const char *runtime_class;

	const char *disruption;
	int64_t maximum_unavailable;
	const char *update;
	const char *backup_schedule;
	bool backup_suspend;
	bool failover;          /* these four ... */
	const char *switchover; /* ... are answered ... */
	const json_t *fencing;  /* ... by conditions and ... */
	const char *restore;    /* ... not done yet */
	bool monitoring;
	const char *exporter_image;

	bool pause;
	const char *deletion_policy;
	const char *claims_when_scaled;
	int64_t grace;
};

/*
 * Reads a spec. What is wrong is added to `p`, and the struct then holds defaults in those places:
 * good to name things with, not to act on. 0 or -ENOMEM.
 */
int database_read(struct database *d, const char *namespace, const char *name, const char *uid,
		  int64_t generation, json_t *spec, struct problems *p);
void database_done(struct database *d);

/* Adds the members of the spec that mean nothing: for `check`, the API server prunes them. */
void database_unknown(const json_t *spec, struct problems *p);

/* The major version as a number: 17 of "17.4". */
int database_major(const struct database *d);

static inline bool database_deletes_data(const struct database *d)
{
	return d->deletion_policy[0] == 'D';
}

/* Does the server take encrypted connections, and by a certificate that we make? */
static inline bool database_encrypts(const struct database *d)
{
	return d->tls[0] != 'D';
}

static inline bool database_certifies(const struct database *d)
{
	return database_encrypts(d) && !d->tls_secret;
}

static inline bool database_requires_tls(const struct database *d)
{
	return d->tls[0] == 'R';
}

#define autodatabase __attribute__((cleanup(database_done))) struct database
