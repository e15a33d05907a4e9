// SPDX-License-Identifier: Apache-2.0
#include "observed.h"

#include "base/str.h"

static const char *const roles[] = { NULL, "primary", "replica" };

const char *role_name(enum role role)
{
	return roles[role];
}

enum role role_from_name(const char *name)
{
	for (enum role r = ROLE_PRIMARY; r <= ROLE_REPLICA; r++)
		if (str_eq(name, roles[r]))
			return r;
	return ROLE_NONE;
}
