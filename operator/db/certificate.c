// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "api/object.h"

/*
 * Every name by which a client or a replica may call the server, whether that Service is enabled now or
 * not: else a certificate would have to be made anew for each. The cluster's own domain cannot be asked
 * for; where it is another one, additionalNames has room.
 */
json_t *db_certificate_names(const struct database *d)
{
	static const char *const services[] = { "-rw", "-ro", "-any", "-pods" };
	json_t *(*f)(const char *, ...) = json_sprintf;
	json_t *names = json_array(), *name;
	size_t i;

	for (size_t s = 0; s < 4; s++) {
		/* A pod's own name stands before that of the headless Service. */
		for (const char *any = ""; any; any = s == 3 && !*any ? "*." : NULL) {
			const char *n = d->name, *ns = d->namespace, *of = services[s];

			json_array_append_new(names, f("%s%s%s", any, n, of));
			json_array_append_new(names, f("%s%s%s.%s", any, n, of, ns));
			json_array_append_new(names, f("%s%s%s.%s.svc", any, n, of, ns));
			json_array_append_new(names,
					      f("%s%s%s.%s.svc.cluster.local", any, n, of, ns));
		}
	}
	json_array_append_new(names, json_string("localhost"));
	json_array_foreach(d->tls_names, i, name) json_array_append(names, name);
	return names;
}

uint64_t db_certificate_digest(const struct database *d)
{
	json_auto_t *names = db_certificate_names(d);

	return tree_digest(names, (uint64_t)d->tls_days);
}

static json_t *whole(const struct database *d, enum child child, json_t *plain,
		     const char *seen)
{
	json_t *secret = db_object(d, child, NULL, true);

	tree_set(tree_get(secret, "metadata"), "annotations",
		 tree_strings(OBJECT_CERTIFICATE, seen, NULL));
	tree_set(secret, "data", db_encoded(plain));
	json_decref(plain);
	return secret;
}

/* Pods never see this one: it holds the key that signs. */
json_t *db_authority(const struct database *d, const char *text, const char *key,
		     const char *seen)
{
	json_t *plain = tree_strings("ca.crt", text, "ca.key", key, NULL);
	json_t *secret = whole(d, CHILD_AUTHORITY, plain, seen);

	tree_set_string(secret, "type", "Opaque");
	return secret;
}

json_t *db_certificate(const struct database *d, const char *text, const char *key,
		       const char *authority, const char *seen)
{
	json_t *plain =
		tree_strings("tls.crt", text, "tls.key", key, "ca.crt", authority, NULL);
	json_t *secret = whole(d, CHILD_CERTIFICATE, plain, seen);

	tree_set_string(secret, "type", "kubernetes.io/tls");
	return secret;
}
