// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "kube/base64.h"

static const char *brought(const struct database *d, enum child child)
{
	switch (child) {
	case CHILD_SUPERUSER:
		return d->superuser_secret;
	case CHILD_APPLICATION:
		return d->application_secret;
	case CHILD_CERTIFICATE:
		return d->tls_secret;
	default:
		return NULL;
	}
}

const char *db_secret_name(const struct database *d, enum child child, char dst[CHILD_NAME_MAX])
{
	const char *name = brought(d, child);

	return name ? name : child_name(child, d->name, dst);
}

/*
 * A Secret has no owner: the data outlive the Database (deletionPolicy Retain), and without the
 * password they would be lost, as would its clients' trust without the authority. deletionPolicy Delete
 * removes all of them by hand.
 */
json_t *db_secret(const struct database *d, enum child child)
{
	bool certifies = child == CHILD_AUTHORITY || child == CHILD_CERTIFICATE;

	if (certifies ? !database_certifies(d) : brought(d, child) != NULL)
		return NULL;
	return db_object(d, child, NULL, true);
}

json_t *db_encoded(const json_t *plain)
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

json_t *db_secret_create(const struct database *d, enum child child, const char *password,
			 const char *authority)
{
	bool superuser = child == CHILD_SUPERUSER;
	const char *user = superuser ? d->engine->superuser : d->owner;
	const char *database = superuser ? d->engine->superuser : d->database;
	json_auto_t *plain = tree_strings("username", user, "password", password, NULL);
	json_t *secret = db_object(d, child, NULL, true);

	d->engine->secret(d, user, password, database, plain);
	tree_set_string(secret, "type", "kubernetes.io/basic-auth");
	tree_set_string(plain, "ca.crt", authority);
	tree_set(secret, "data", db_encoded(plain));
	return secret;
}
