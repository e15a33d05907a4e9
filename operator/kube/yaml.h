/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "kube/tree.h"

struct error;

/*
 * YAML (and so JSON) into trees, by libyaml, with the meaning kubectl gives it: plain scalars are
 * null, booleans, numbers or strings; quoted ones are strings; anchors and aliases work, merge
 * keys do not. Bounded in depth and in the number of nodes, so that no document of aliases grows
 * without end.
 *
 * *ret is an array of the documents that are not empty: a new reference. -EINVAL names the
 * document, the line and what was wrong; -E2BIG for a limit; -ENOMEM.
 */
int yaml_parse(const char *name, const char *data, size_t len, json_t **ret, struct error *e);

/* Reads a file ("-": standard input) of at most 4 MiB and parses it. */
int yaml_read(const char *path, json_t **ret, struct error *e);
