/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/tree.h"

struct access_exec;
struct error;

/*
 * Runs a credential plugin and waits for it, at most 20 s; it is killed after that. Its standard
 * error is ours. *ret is the ExecCredential it printed, with a status: a new reference.
 */
int exec_credential(const struct access_exec *x, const char *server, json_t **ret,
		    struct error *e);
