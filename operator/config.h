/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/log.h"

struct error;

/* What the command line and the environment say; a flag goes before its variable. */
struct config {
	char *kubeconfig; /* NULL: KUBECONFIG, the pod's account, ~/.kube/config */
	char *context;
	char **namespaces; /* NULL-terminated; NULL: all */
	bool leader_elect;
	char *lease_name;
	char *lease_namespace; /* NULL: the pod's or the context's */
	int lease_duration_s, lease_renew_s, lease_retry_s;
	char *identity;
	int workers;  /* Databases looked at at a time */
	int requests; /* under way at a time */
	int watch_idle_s;
	char *listen; /* of metrics and health; "" : nowhere */
	enum log_level log_level;
	bool log_json;
	char *file; /* of plan and check */
	bool against_cluster;
	char *output;
	char *state; /* of the node's containers */
};

enum config_verb {
	CONFIG_RUN = 1,
	CONFIG_PLAN = 2,
	CONFIG_CHECK = 4,
	CONFIG_NODE = 8,
};

/* argv without the verb. 0 or -EINVAL with a text that says which flag and why. */
int config_read(struct config *c, enum config_verb verb, int argc, char **argv,
		struct error *e);
void config_done(struct config *c);

/* The flags of a verb, one line each. */
void config_help(enum config_verb verb);

struct access;
/* Finds the server as `c` says. */
int config_access(const struct config *c, struct access *a, struct error *e);
