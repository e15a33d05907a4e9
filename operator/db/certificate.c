// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include "api/object.h"
#include "certificate.h"
#include "observed.h"

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
		     const struct seen_certificate *seen)
{
	json_t *secret = db_object(d, child, NULL, true);
	char text[SEEN_CERTIFICATE_MAX];

	tree_set(tree_get(secret, "metadata"), "annotations",
		 tree_strings(OBJECT_CERTIFICATE, seen_certificate_text(seen, text), NULL));
	tree_set(secret, "data", db_encoded(plain));
	json_decref(plain);
	return secret;
}

/* Pods never see this one: it holds the key that signs. */
json_t *db_authority(const struct database *d, const struct certificate *c,
		     const struct seen_certificate *seen)
{
	json_t *secret = whole(d, CHILD_AUTHORITY,
			       tree_strings("ca.crt", c->text, "ca.key", c->key, NULL), seen);

	tree_set_string(secret, "type", "Opaque");
	return secret;
}

json_t *db_certificate(const struct database *d, const struct certificate *c,
		       const char *authority, const struct seen_certificate *seen)
{
	json_t *secret = whole(d, CHILD_CERTIFICATE,
			       tree_strings("tls.crt", c->text, "tls.key", c->key, "ca.crt",
					    authority, NULL),
			       seen);

	tree_set_string(secret, "type", "kubernetes.io/tls");
	return secret;
}
