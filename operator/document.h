/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/database.h"
#include "api/problem.h"
#include "kube/tree.h"

struct error;

/*
 * Databases in files, for plan and check. Documents of another kind are an error; a List is taken
 * apart. each() gets the Database and what is wrong with it, unknown fields included.
 */
int documents_each(const char *path,
		   int (*each)(void *arg, struct database *d, const struct problems *p,
			       struct error *e),
		   void *arg, struct error *e);
