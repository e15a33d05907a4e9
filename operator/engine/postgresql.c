// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/database.h"
#include "api/problem.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/postgresql_access.h"
#include "engine/postgresql_objects.h"
#include "engine/postgresql_scripts.h"

#define FILE_MAX (256u << 10)

static const char *const aliases[] = { "postgres", "pg", NULL };

static const struct engine_version versions[] = {
	{ "17", "postgres:17" }, { "18", "postgres:18" }, { "16", "postgres:16" },
	{ "15", "postgres:15" }, { "14", "postgres:14" }, { NULL, NULL },
};

/* What the operator and the start script decide. */
static const char *const owned[] = {
	"archive_command",
	"cluster_name",
	"config_file",
	"data_directory",
	"external_pid_file",
	"hba_file",
	"hot_standby",
	"ident_file",
	"listen_addresses",
	"port",
	"primary_conninfo",
	"primary_slot_name",
	"recovery_target",
	"restore_command",
	"ssl",
	"ssl_cert_file",
	"ssl_key_file",
	"unix_socket_directories",
	"wal_level",
};

/* What may be set, and is this where it is not. */
static const char *const standard[][2] = {
	{ "log_destination", "stderr" },
	{ "logging_collector", "off" },
	{ "max_connections", "100" },
	{ "max_replication_slots", "16" },
	/* What a replica that is away keeps of the log must not fill the volume. */
	{ "max_slot_wal_keep_size", "512MB" },
	{ "max_wal_senders", "16" },
	{ "password_encryption", "scram-sha-256" },
	{ "wal_keep_size", "512MB" },
	{ "wal_log_hints", "on" },
};

/* Taken up at start only (context "postmaster"); all others by a reload. */
static const char *const at_start[] = {
	"archive_mode",
	"autovacuum_freeze_max_age",
	"autovacuum_max_workers",
	"autovacuum_multixact_freeze_max_age",
	"autovacuum_worker_slots",
	"bonjour",
	"dynamic_shared_memory_type",
	"huge_page_size",
	"huge_pages",
	"io_max_combine_limit",
	"io_max_concurrency",
	"io_method",
	"jit_provider",
	"logging_collector",
	"max_active_replication_origins",
	"max_connections",
	"max_files_per_process",
	"max_locks_per_transaction",
	"max_logical_replication_workers",
	"max_notify_queue_pages",
	"max_pred_locks_per_transaction",
	"max_prepared_transactions",
	"max_replication_slots",
	"max_wal_senders",
	"max_worker_processes",
	"min_dynamic_shared_memory",
	"old_snapshot_threshold",
	"shared_buffers",
	"shared_memory_type",
	"shared_preload_libraries",
	"superuser_reserved_connections",
	"reserved_connections",
	"track_activity_query_size",
	"track_commit_timestamp",
	"unix_socket_group",
	"unix_socket_permissions",
	"wal_buffers",
	"wal_decode_buffer_size",
	"wal_log_hints",
};

static bool among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, list[i]))
			return true;
	return false;
}

static bool is_parameter(const char *name)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";

	return *name && strlen(name) <= 128 && strspn(name, bytes) == strlen(name) &&
	       !strchr("0123456789.", *name);
}

static bool one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ')
			return false;
	return true;
}

/* By its tag, where that is one of the project's own names: 18 of "registry:5000/postgres:18.1-alpine". */
static int image_major(const char *image)
{
	const char *name = strrchr(image, '/'), *tag;

	name = name ? name + 1 : image;
	tag = strchr(name, ':');
	if (!tag || strchr(name, '@') || !memmem(name, (size_t)(tag - name), "postgres", 8))
		return 0;
	for (const struct engine_version *v = versions; v->version; v++) {
		size_t len = strlen(v->version);

		if (str_starts(tag + 1, v->version) &&
		    (!tag[1 + len] || strchr(".-", tag[1 + len])))
			return atoi(v->version);
	}
	return 0;
}

static void check(const struct database *d, struct problems *p)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)d->parameters, name, value)
	{
		if (!is_parameter(name))
			problems_add(p, "config.parameters", "\"%.60s\" is no parameter's name",
				     name);
		else if (among(name, owned, ARRAY_SIZE(owned)))
			problems_add(p, "config.parameters", "\"%s\" is the operator's to set",
				     name);
		else if (!one_line(json_string_value(value)))
			problems_add(p, "config.parameters", "\"%s\" must be one line", name);
	}
	access_check(d, p);
	if (d->image && image_major(d->image) && image_major(d->image) != database_major(d))
		problems_add(
			p, "image",
			"\"%.120s\" is of version %d, and spec.version is %s: servers could "
			"not read their data",
			d->image, image_major(d->image), d->version);
	if (!objects_is_name(d->database))
		problems_add(p, "bootstrap.database",
			     "must be lower case letters, digits and '_'");
	if (objects_is_standing(d->database))
		problems_add(p, "bootstrap.database", "\"%s\" is one of PostgreSQL's own",
			     d->database);
	if (!objects_is_role(d->owner))
		problems_add(p, "bootstrap.owner",
			     "must be lower case letters, digits and '_', and no role of "
			     "PostgreSQL's own");
	if (database_major(d) && database_major(d) < 14)
		problems_add(p, "version", "PostgreSQL %s is older than 14", d->version);
	objects_check(d, p);
}

/* --- files --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_parameter(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s = '", name);
	for (; *value; value++)
		buf_adds(b, *value == '\'' ? "''" : (char[]){ *value, 0 });
	buf_adds(b, "'\n");
}

static const char *value_of(const struct database *d, const char *name)
{
	const char *value = json_string_value(json_object_get(d->parameters, name));

	for (size_t i = 0; !value && i < ARRAY_SIZE(standard); i++)
		if (str_eq(name, standard[i][0]))
			value = standard[i][1];
	return value;
}

/* Sorted, so that the order in which a spec is written changes nothing. */
static void add_parameters(const struct database *d, struct buf *b)
{
	const char *names[400 + ARRAY_SIZE(standard)];
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)d->parameters, name, value) if (n < 400) names[n++] =
		name;
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
		if (!json_object_get(d->parameters, standard[i][0]))
			names[n++] = standard[i][0];
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		add_parameter(b, names[i], value_of(d, names[i]));
}

static char *server_file(const struct database *d)
{
	autobuf b;

	buf_init(&b, FILE_MAX);
	buf_adds(&b, "# Written by the operator: change spec.config.parameters instead.\n");
	add_parameters(d, &b);
	buf_adds(&b, "hba_file = '/etc/database/pg_hba.conf'\n"
		     "hot_standby = 'on'\n"
		     "listen_addresses = '*'\n"
		     "port = '5432'\n"
		     "unix_socket_directories = '/run/database'\n"
		     "wal_level = 'replica'\n");
	if (database_encrypts(d))
		buf_adds(&b, "ssl = 'on'\n"
			     "ssl_cert_file = '/run/secrets/tls/tls.crt'\n"
			     "ssl_key_file = '/run/secrets/tls/tls.key'\n");
	add_parameter(&b, "cluster_name", d->name);
	return take_ptr(&b.data);
}

/*
 * A Secret that is brought may hold a certificate by whose kind no channel can be bound. Where encryption
 * is not required, the primary may just be getting it.
 */
static const char *replica_tls(const struct database *d)
{
	if (!database_requires_tls(d))
		return "sslmode=prefer";
	return d->tls_secret ? "sslmode=require" : "sslmode=require channel_binding=require";
}

static json_t *files(const struct database *d)
{
	autofree char *server = server_file(d), *access = access_file(d);
	char replicas[24], lag[24];
	json_t *all;

	snprintf(replicas, sizeof(replicas), "%lld", (long long)d->replicas);
	snprintf(lag, sizeof(lag), "%lld", (long long)d->maximum_lag);
	all = tree_strings("postgresql.conf", server, "pg_hba.conf", access, "start.sh",
			   script_start, "ready.sh", script_ready, "objects.sh", script_objects,
			   "replicas", replicas, "lag", lag, "tls", replica_tls(d), NULL);
	objects_add_files(d, all);
	return all;
}

static uint64_t restart_digest(const struct database *d)
{
	autobuf b;

	buf_init(&b, FILE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(at_start); i++) {
		const char *value = value_of(d, at_start[i]);

		if (value)
			add_parameter(&b, at_start[i], value);
	}
	return text_digest(b.data);
}

/* --- container --- */

static json_t *probe(const struct database_probe *p, const char *const *command)
{
	json_t *argv = json_array(), *probe;

	for (; *command; command++)
		json_array_append_new(argv, json_string(*command));
	probe = json_pack("{s:{s:o}, s:I, s:I, s:I}", "exec", "command", argv, "periodSeconds",
			  (json_int_t)p->period, "timeoutSeconds", (json_int_t)p->timeout,
			  "failureThreshold", (json_int_t)p->failures);
	/* The server keeps no 0, so writing one would look like a change for ever. */
	if (p->initial_delay)
		tree_set(probe, "initialDelaySeconds", json_integer(p->initial_delay));
	return probe;
}

static void add_env(json_t *env, const char *name, const char *value)
{
	json_array_append_new(env, tree_strings("name", name, "value", value, NULL));
}

static json_t *environment(const struct database *d)
{
	json_t *env = json_array();
	char text[192];

	json_array_append_new(env, json_pack("{s:s, s:{s:{s:s, s:s}}}", "name", "POD_NAME",
					     "valueFrom", "fieldRef", "apiVersion", "v1",
					     "fieldPath", "metadata.name"));
	snprintf(text, sizeof(text), "%d", database_major(d));
	add_env(env, "DATABASE_MAJOR", text);
	add_env(env, "DATABASE_NAME", d->database);
	add_env(env, "DATABASE_OWNER", d->owner);
	snprintf(text, sizeof(text), "%s-0", d->name);
	add_env(env, "DATABASE_PRIMARY_POD", text);
	snprintf(text, sizeof(text), "%s-0.%s-pods", d->name, d->name);
	add_env(env, "DATABASE_PRIMARY", text);
	return env;
}

static json_t *container(const struct database *d)
{
	static const char *const ready[] = { "/bin/sh", "/etc/database/ready.sh", NULL };
	static const char *const started[] = { "/bin/sh", "/etc/database/ready.sh", "started",
					       NULL };
	static const char *const alive[] = {
		"/bin/sh", "-c",
		"PATH=$PATH:/usr/lib/postgresql/$DATABASE_MAJOR/bin; "
		"pg_ctl -D /var/lib/database/pgdata status >/dev/null",
		NULL
	};
	/* SIGTERM, which comes next, alone would wait until every client has gone. */
	static const char stop[] = "PATH=$PATH:/usr/lib/postgresql/$DATABASE_MAJOR/bin; "
				   "pg_ctl -D /var/lib/database/pgdata -m fast -W stop || true";

	return json_pack("{s:[s, s], s:o, s:o, s:o, s:o, s:{s:{s:{s:[s, s, s]}}}}", "command",
			 "/bin/sh", "/etc/database/start.sh", "env", environment(d),
			 "startupProbe", probe(&d->startup, started), "readinessProbe",
			 probe(&d->readiness, ready), "livenessProbe",
			 probe(&d->liveness, alive), "lifecycle", "preStop", "exec", "command",
			 "/bin/sh", "-c", stop);
}

static void secret(const struct database *d, const char *user, const char *password,
		   const char *database, json_t *data)
{
	json_t *(*f)(const char *, ...) = json_sprintf;

	tree_set(data, "host", f("%s-rw.%s.svc", d->name, d->namespace));
	tree_set(data, "port", json_string("5432"));
	tree_set_string(data, "dbname", database);
	tree_set(data, "uri",
		 f("postgresql://%s:%s@%s-rw.%s.svc:5432/%s", user, password, d->name,
		   d->namespace, database));
	tree_set(data, "jdbc-uri",
		 f("jdbc:postgresql://%s-rw.%s.svc:5432/%s?user=%s&password=%s", d->name,
		   d->namespace, database, user, password));
}

const struct engine engine_postgresql = {
	.name = "PostgreSQL",
	.label = "postgresql",
	.aliases = aliases,
	.versions = versions,
	.port = 5432,
	.user = 999,
	.directory = "/var/lib/database",
	.check = check,
	.files = files,
	.restart_digest = restart_digest,
	.container = container,
	.secret = secret,
	.declared = objects_digest,
	.outcome = objects_outcome,
	.superuser = "postgres",
};
