/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/kind.h"
#include "kube/tree.h"

struct config;
struct error;

/*
 * What applying an object would change in a cluster: the server is asked to do it without doing
 * it (dryRun), and its answer is compared with what is there. For `plan --diff`; waits for each
 * answer.
 */
struct diff;

int diff_new(const struct config *c, struct diff **ret, struct error *e);
void diff_free(struct diff *d); /* NULL is fine */

/* Prints a line for each field that would change. 1: something would; 0: nothing; -errno. */
int diff_print(struct diff *d, enum kind kind, const json_t *wanted, struct error *e);
