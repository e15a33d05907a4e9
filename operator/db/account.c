// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

/* The pods' own identity. They ask nothing of the API, so it has no rights and no token. */
json_t *db_account(const struct database *d)
{
	json_t *account = db_object(d, CHILD_ACCOUNT, NULL, false);

	tree_set(account, "automountServiceAccountToken", json_false());
	return account;
}
