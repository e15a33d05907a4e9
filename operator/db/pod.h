/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/tree.h"

struct database;

/* The template of a Database's pods: metadata and spec. A new reference. */
json_t *pod_template(const struct database *d);

/* What a container of ours may do: nothing. New references. */
json_t *pod_container_security(const struct database *d);
json_t *pod_security(const struct database *d);
