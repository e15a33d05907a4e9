/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/tree.h"

struct access;
struct error;

/*
 * kubeconfig files. `paths` is a list with colons, as in KUBECONFIG: of a cluster, user or context
 * named in several files the first counts, and so does the first current-context. Relative paths
 * inside a file are relative to it. `context` NULL means current-context.
 *
 * An error names the file and the member ("users[0].user.exec.command").
 */
int kubeconfig_load(const char *paths, const char *context, struct access *ret,
		    struct error *e);

/* KUBECONFIG, or ~/.kube/config where that exists, or NULL. To be freed. */
char *kubeconfig_paths(void);

/* One document, already parsed; `dir` is where its file stands. For the tests and the fuzzer. */
int kubeconfig_read(const json_t *merged, const char *context, struct access *ret,
		    struct error *e);
