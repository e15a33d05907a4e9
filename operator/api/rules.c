// SPDX-License-Identifier: Apache-2.0
#include "api/rules.h"

#include <arpa/inet.h>
#include <string.h>

#include "api/database.h"
#include "api/problem.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"

/* Children add up to ten bytes, pods a number, and a label holds 63. */
#define NAME_MAX_LEN  40
#define TLS_NAMES_MAX 32

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
static const char digits[] = "0123456789";

static bool is_label(const char *s)
{
	size_t len = strlen(s);
	char all[64] = "-";

	strcat(strcat(all, letters), digits);
	return len && len <= 63 && strspn(s, all) == len && *s != '-' && s[len - 1] != '-';
}

static bool is_version(const char *s)
{
	size_t parts = 0;

	for (;; s++) {
		size_t len = strspn(s, digits);

		if (!len || len > 5 || ++parts > 3)
			return false;
		s += len;
		if (!*s)
			return true;
		if (*s != '.')
			return false;
	}
}

static void check_name(const struct database *d, struct problems *p)
{
	if (strlen(d->name) > NAME_MAX_LEN)
		problems_add(p, "",
			     "metadata.name must not be longer than %d bytes: children "
			     "add to it",
			     NAME_MAX_LEN);
	if (!is_label(d->name) || !strchr(letters, *d->name))
		problems_add(p, "",
			     "metadata.name must be lower case letters, digits and '-', "
			     "from a letter on");
}

static void check_engine(const struct database *d, struct problems *p)
{
	if (!d->engine) {
		problems_add(p, "engine", "\"%.32s\" is not known: it must be PostgreSQL",
			     d->engine_name);
		return;
	}
	if (!is_version(d->version))
		problems_add(p, "version", "\"%.32s\" is no version such as 17 or 17.4",
			     d->version);
	else if (!d->image && !engine_image(d->engine, database_major(d)))
		problems_add(p, "version",
			     "%s %s is not known: name an image as well, or take %s",
			     d->engine->name, d->version, d->engine->versions[0].version);
	d->engine->check(d, p);
}

static void check_quantities(const json_t *list, const char *path, struct problems *p)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)list, name, value)
	{
		struct quantity q;
		bool number = json_is_integer(value);

		if (!number && (!json_is_string(value) ||
				quantity_parse(json_string_value(value), &q) < 0))
			problems_add(p, path,
				     "\"%.60s\" must be a quantity such as 500m or 1Gi", name);
		else if (number ? json_integer_value(value) < 0 : q.nano < 0)
			problems_add(p, path, "\"%.60s\" must not be less than 0", name);
	}
}

static void check_resources(const struct database *d, struct problems *p)
{
	const char *name;
	json_t *value;

	check_quantities(d->requests, "resources.requests", p);
	check_quantities(d->limits, "resources.limits", p);
	json_object_foreach((json_t *)d->requests, name, value)
	{
		const char *limit = tree_string(d->limits, name);
		struct quantity a, b;

		if (limit && json_is_string(value) &&
		    quantity_parse(json_string_value(value), &a) == 0 &&
		    quantity_parse(limit, &b) == 0 && quantity_compare(&a, &b) > 0)
			problems_add(p, "resources.requests",
				     "\"%.60s\" must not be above its limit", name);
	}
}

/* One of five: "*", lists, ranges and steps of numbers; names of days and months are for people. */
static bool cron_part(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = strspn(s + i, "0123456789*");

		if (!n || i + n > len)
			return false;
		i += n;
		if (i < len && !strchr(",-/", s[i++]))
			return false;
		if (i == len && n < len && strchr(",-/", s[len - 1]))
			return false;
	}
	return len > 0;
}

static bool is_schedule(const char *s)
{
	int parts = 0;

	if (*s == '@')
		return str_eq(s, "@hourly") || str_eq(s, "@daily") || str_eq(s, "@weekly") ||
		       str_eq(s, "@monthly") || str_eq(s, "@yearly") || str_eq(s, "@midnight");
	while (*s) {
		size_t len = strcspn(s, " ");

		if (!cron_part(s, len))
			return false;
		parts++;
		s += len;
		s += strspn(s, " ");
	}
	return parts == 5;
}

static const json_t *duplicate(const json_t *list)
{
	json_t *a, *b;
	size_t i, k;

	json_array_foreach(list, i, a)
		json_array_foreach(list, k, b) if (k > i && tree_string(a, "name") &&
						   str_eq(tree_string(a, "name"),
							  tree_string(b, "name"))) return a;
	return NULL;
}

static void check_named(const json_t *list, const char *path, const char *const *taken,
			struct problems *p)
{
	const json_t *twice = duplicate(list);
	json_t *item;
	size_t i;

	if (twice)
		problems_add(p, path, "\"%.60s\" is there twice", tree_string(twice, "name"));
	json_array_foreach(list, i, item)
	{
		const char *name = tree_string(item, "name");

		if (str_empty(name))
			problems_add(p, path, "[%zu] must have a name", i);
		for (size_t k = 0; name && taken && taken[k]; k++)
			if (str_eq(name, taken[k]))
				problems_add(p, path, "the name \"%s\" is the operator's own",
					     name);
	}
}

static void check_template(const struct database *d, struct problems *p)
{
	static const char *const volumes[] = { "data",        "config", "superuser",
					       "application", "users",  "tls",
					       "run",         "tmp",    NULL };
	static const char *const containers[] = { "database", "exporter", NULL };
	const char *name;
	json_t *value;

	check_named(d->volumes, "podTemplate.volumes", volumes, p);
	check_named(d->sidecars, "podTemplate.sidecars", containers, p);
	check_named(d->init_containers, "podTemplate.initContainers", containers, p);
	check_named(d->env, "podTemplate.env", NULL, p);
	json_object_foreach((json_t *)d->labels, name,
			    value) if (str_starts(name, "example.com/") ||
				       str_starts(name, "app.kubernetes.io/"))
		problems_add(p, "podTemplate.labels", "\"%.60s\" is one of the operator's own",
			     name);
}

/* What a certificate can name: an address, or a name whose first part may be "*". */
static bool is_host(const char *s)
{
	unsigned char address[16];
	size_t len = strlen(s);

	if (inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1)
		return true;
	if (!len || len > 253)
		return false;
	if (str_starts(s, "*."))
		s += 2;
	for (;; s++) {
		char part[64];

		len = strcspn(s, ".");
		if (len >= sizeof(part))
			return false;
		memcpy(part, s, len);
		part[len] = 0;
		if (!is_label(part))
			return false;
		s += len;
		if (!*s)
			return true;
	}
}

static void check_tls(const struct database *d, struct problems *p)
{
	json_t *name;
	size_t i;

	if (d->tls_secret && json_array_size(d->tls_names))
		problems_add(p, "tls.additionalNames",
			     "is for the certificate that the operator makes, not for one that "
			     "is brought");
	if (json_array_size(d->tls_names) > TLS_NAMES_MAX)
		problems_add(p, "tls.additionalNames", "must not have more than %d items",
			     TLS_NAMES_MAX);
	json_array_foreach(d->tls_names, i, name)
	{
		if (!is_host(json_string_value(name)))
			problems_add(p, "tls.additionalNames",
				     "[%zu] \"%.60s\" is no name in lower case and no address",
				     i, json_string_value(name));
	}
}

void rules_check(const struct database *d, struct problems *p)
{
	check_name(d, p);
	check_engine(d, p);
	check_resources(d, p);
	check_template(d, p);
	check_tls(d, p);
	if (d->backup_schedule && !is_schedule(d->backup_schedule))
		problems_add(p, "backup.schedule",
			     "\"%.60s\" is no schedule such as \"0 3 * * *\" or @daily",
			     d->backup_schedule);
	if (d->restore)
		problems_add(p, "restore", "is not supported yet: nothing is made");
	if (d->monitoring && !d->exporter_image)
		problems_add(p, "monitoring.exporterImage",
			     "must name an image where monitoring is enabled");
	if (d->superuser_secret && str_eq(d->superuser_secret, d->application_secret))
		problems_add(p, "credentials.applicationSecretRef.name",
			     "must not be the superuser's Secret");
}
