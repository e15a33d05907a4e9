// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "kube/base64.h"

const char *db_secret_name(const struct database *d, enum child child, char dst[CHILD_NAME_MAX])
{
	const char *brought =
		child == CHILD_SUPERUSER ? d->superuser_secret : d->application_secret;

	return brought ? brought : child_name(child, d->name, dst);
}

/*
 * A Secret has no owner: the data outlive the Database (deletionPolicy Retain), and without the
 * password they would be lost. deletionPolicy Delete removes both by hand.
 */
json_t *db_secret(const struct database *d, enum child child)
{
	if (child == CHILD_SUPERUSER ? d->superuser_secret : d->application_secret)
		return NULL;
	return db_object(d, child, NULL, true);
}

static json_t *encoded(const json_t *plain)
{
	json_t *data = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)plain, name, value)
	{
		autofree char *text =
			base64_encode(json_string_value(value), json_string_length(value));

		tree_set_string(data, name, text);
	}
	return data;
}

json_t *db_secret_create(const struct database *d, enum child child, const char *password)
{
	bool superuser = child == CHILD_SUPERUSER;
	const char *user = superuser ? d->engine->superuser : d->owner;
	const char *database = superuser ? d->engine->superuser : d->database;
	json_auto_t *plain = tree_strings("username", user, "password", password, NULL);
	json_t *secret = db_object(d, child, NULL, true);

	d->engine->secret(d, user, password, database, plain);
	tree_set_string(secret, "type", "kubernetes.io/basic-auth");
	tree_set(secret, "data", encoded(plain));
	return secret;
}
