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
 * Replica 0 makes the cluster once; the others wait for it, copy it and follow. A directory is only
 * taken for whole when its making went through to the end: PG_VERSION alone may be what a kill left
 * over. The server that is up meanwhile has its socket where no probe looks. As process 1 a shell
 * hears no signal without a trap, and not before the command in the foreground has ended.
 *
 * What it does as the server's parent is what an agent that decides by a lease who is the primary
 * will do in its place.
 */
static const char start_file[] =
	"#!/bin/sh\n"
	"trap 'exit 143' TERM INT\n"
	"set -eu\n"
	"PATH=$PATH:/usr/lib/postgresql/$DATABASE_MAJOR/bin\n"
	"export PGDATA=/var/lib/database/pgdata\n"
	"umask 077\n"
	"password() { cat \"/run/secrets/$1/password\"; }\n"
	"config=\"-c config_file=/etc/database/postgresql.conf\"\n"
	"\n"
	"# Without its certificate a server that starts with TLS would not; one that runs would go on.\n"
	"if grep -q \"^ssl = 'on'\" /etc/database/postgresql.conf; then\n"
	"\tuntil [ -s /run/secrets/tls/tls.crt ] && [ -s /run/secrets/tls/tls.key ]; do\n"
	"\t\t[ -n \"${told:-}\" ] || echo 'start: the Secret of spec.tls, with tls.crt and tls.key, is not there yet' >&2\n"
	"\t\ttold=1\n"
	"\t\tsleep 1\n"
	"\tdone\n"
	"fi\n"
	"\n"
	"# How replicas come to the primary. That it is the primary they know by its knowledge of the password,\n"
	"# bound to the connection: this holds from one authority to the next.\n"
	"tls=$(cat /etc/database/tls)\n"
	"\n"
	"create() {\n"
	"\tinitdb --auth=scram-sha-256 --username=postgres --encoding=UTF8 --data-checksums \\\n"
	"\t\t--pwfile=/run/secrets/superuser/password\n"
	"\tmkdir -p /run/database/init\n"
	"\techo 'local all all trust' >/run/database/init/pg_hba.conf\n"
	"\tpg_ctl -w -o \"$config -c hba_file=/run/database/init/pg_hba.conf -c listen_addresses= \\\n"
	"\t\t-c unix_socket_directories=/run/database/init\" start\n"
	"\tpsql -h /run/database/init -U postgres -v ON_ERROR_STOP=1 -v owner=\"$DATABASE_OWNER\" \\\n"
	"\t\t-v name=\"$DATABASE_NAME\" <<'SQL'\n"
	"\\set password `cat /run/secrets/application/password`\n"
	"CREATE ROLE :\"owner\" LOGIN PASSWORD :'password';\n"
	"CREATE DATABASE :\"name\" OWNER :\"owner\";\n"
	"SQL\n"
	"\tpg_ctl -w -m fast stop\n"
	"}\n"
	"\n"
	"ask() { # the primary\n"
	"\tPGCONNECT_TIMEOUT=5 PGPASSWORD=$(password superuser) psql \"host=$DATABASE_PRIMARY user=postgres dbname=postgres $tls\" -XAtqc \"$1\"\n"
	"}\n"
	"\n"
	"# The primary keeps its log for us from the copy on, however long we are away, up to its limit.\n"
	"slot=replica_${POD_NAME##*-}\n"
	"mine=\"FROM pg_replication_slots WHERE slot_name = '$slot'\"\n"
	"\n"
	"copy() {\n"
	"\tuntil pg_isready -q -h \"$DATABASE_PRIMARY\"; do sleep 1; done\n"
	"\task \"SELECT pg_drop_replication_slot(slot_name) $mine AND wal_status = 'lost'\"\n"
	"\task \"SELECT pg_create_physical_replication_slot('$slot', true) WHERE NOT EXISTS (SELECT $mine)\" || true # it makes them, too\n"
	"\tPGPASSWORD=$(password superuser) pg_basebackup --pgdata=\"$PGDATA\" --dbname=\"host=$DATABASE_PRIMARY user=postgres $tls\" \\\n"
	"\t\t--wal-method=stream --checkpoint=fast --slot=\"$slot\"\n"
	"}\n"
	"\n"
	"# What the primary no longer has can only be had by a new copy.\n"
	"if [ -e \"$PGDATA.whole\" ] && [ \"$POD_NAME\" != \"$DATABASE_PRIMARY_POD\" ] &&\n"
	"\t[ \"$(ask \"SELECT wal_status $mine\" 2>/dev/null)\" = lost ]; then\n"
	"\techo 'start: the primary has gone on too far: these data are copied anew' >&2\n"
	"\trm \"$PGDATA.whole\"\n"
	"fi\n"
	"if [ ! -e \"$PGDATA.whole\" ]; then\n"
	"\trm -rf \"$PGDATA\"\n"
	"\tif [ \"$POD_NAME\" = \"$DATABASE_PRIMARY_POD\" ]; then create & else copy & fi\n"
	"\twait $!\n"
	"\tsync\n"
	"\ttouch \"$PGDATA.whole\"\n"
	"fi\n"
	"has=$(cat \"$PGDATA/PG_VERSION\")\n"
	"server=$(postgres -V | sed 's/^[^0-9]*\\([0-9]*\\).*/\\1/')\n"
	"if [ \"$has\" != \"$server\" ]; then\n"
	"\techo \"start: the data are PostgreSQL $has's and this is PostgreSQL $server: it takes an upgrade, or the old version\" >&2\n"
	"\texit 1\n"
	"fi\n"
	"\n"
	"# A standby that has less of these than what it follows does not start.\n"
	"at_least() {\n"
	"\tneeds=$(pg_controldata | sed -n \"s/^$2 setting: *//p\")\n"
	"\tif [ \"$(postgres $config -C \"$1\")\" -lt \"$needs\" ]; then more=\"$more -c $1=$needs\"; fi\n"
	"}\n"
	"\n"
	"more=\n"
	"rm -f \"$PGDATA/standby.signal\"\n"
	"if [ \"$POD_NAME\" != \"$DATABASE_PRIMARY_POD\" ]; then\n"
	"\ttouch \"$PGDATA/standby.signal\"\n"
	"\tprintf '%s:5432:*:postgres:%s\\n' \"$DATABASE_PRIMARY\" \"$(password superuser | sed 's/[\\:]/\\\\&/g')\" \\\n"
	"\t\t>/run/database/pgpass\n"
	"\tset -- -c \"primary_slot_name=$slot\" -c \"primary_conninfo=host=$DATABASE_PRIMARY user=postgres passfile=/run/database/pgpass application_name=$POD_NAME $tls\"\n"
	"\tat_least max_connections max_connections\n"
	"\tat_least max_worker_processes max_worker_processes\n"
	"\tat_least max_wal_senders max_wal_senders\n"
	"\tat_least max_prepared_transactions max_prepared_xacts\n"
	"\tat_least max_locks_per_transaction max_locks_per_xact\n"
	"fi\n"
	"rm -f /run/database/streamed /run/database/made\n"
	"cksum /etc/database/*.conf /run/secrets/tls/* >/run/database/loaded 2>/dev/null || :\n"
	"\n"
	"# We stay: orphans are ours to reap, which the server would take for its own that crashed, and a\n"
	"# probe's SIGUSR1 has us make what is declared.\n"
	"server='' job='' ending=''\n"
	"end() { ending=1; [ -z \"$server\" ] || kill -INT \"$server\"; }\n"
	"make() {\n"
	"\t[ -z \"$job\" ] || ! kill -0 \"$job\" 2>/dev/null || return 0\n"
	"\t/bin/sh /etc/database/objects.sh &\n"
	"\tjob=$!\n"
	"}\n"
	"trap end TERM INT\n"
	"trap make USR1\n"
	"postgres $config $more \"$@\" &\n"
	"server=$!\n"
	"[ -z \"$ending\" ] || kill -INT \"$server\"\n"
	"while :; do\n"
	"\tstatus=0\n"
	"\twait \"$server\" || status=$?\n"
	"\tkill -0 \"$server\" 2>/dev/null || exit \"$status\" # else it was a signal to us\n"
	"done\n";

/*
 * Doubles as what takes up a changed file: the kubelet replaces it, the next probe reloads, and lets
 * the primary make what is declared, which may take longer than a probe. A replica is ready while it
 * follows and is not too far behind; once it was, the primary's absence alone does not end that.
 */
static const char ready_file[] =
	"#!/bin/sh\n"
	"PATH=$PATH:/usr/lib/postgresql/$DATABASE_MAJOR/bin\n"
	"now=$(cksum /etc/database/*.conf /run/secrets/tls/* 2>/dev/null)\n"
	"if [ \"$now\" != \"$(cat /run/database/loaded 2>/dev/null)\" ]; then\n"
	"\tpg_ctl -D /var/lib/database/pgdata reload >/dev/null && echo \"$now\" >/run/database/loaded\n"
	"fi\n"
	"pg_isready -q -h /run/database || exit 1\n"
	"[ \"${1:-}\" != started ] || exit 0\n"
	"\n"
	"if [ ! -e /var/lib/database/pgdata/standby.signal ]; then\n"
	"\tnow=$(cksum /etc/database/objects.sql /etc/database/replicas /run/secrets/users/* 2>/dev/null)\n"
	"\tif [ \"$now\" != \"$(cat /run/database/made 2>/dev/null)\" ]; then kill -USR1 1; fi\n"
	"\texit 0\n"
	"fi\n"
	"PGPASSWORD=$(cat /run/secrets/superuser/password)\n"
	"export PGPASSWORD\n"
	"lag=$(psql -h /run/database -U postgres -XAtqc \"SELECT pg_wal_lsn_diff(latest_end_lsn, pg_last_wal_replay_lsn()) \\\n"
	"\tFROM pg_stat_wal_receiver WHERE status = 'streaming'\") || exit 1\n"
	"if [ -z \"$lag\" ]; then\n"
	"\t[ -e /run/database/streamed ] || echo 'it does not follow the primary' >&2\n"
	"\t[ -e /run/database/streamed ]\n"
	"\texit\n"
	"fi\n"
	"touch /run/database/streamed\n"
	"most=$(cat /etc/database/lag)\n"
	"[ \"$most\" -eq 0 ] || [ \"$lag\" -le \"$most\" ] || { echo \"it is $lag bytes behind, and $most are allowed\" >&2; exit 1; }\n";

/*
 * On the primary: slots for the replicas and for no others, roles, databases and what is in them,
 * passwords. What the server has to say to it is in the container's log.
 */
static const char objects_file[] =
	"PATH=$PATH:/usr/lib/postgresql/$DATABASE_MAJOR/bin\n"
	"PGPASSWORD=$(cat /run/secrets/superuser/password) PGOPTIONS='-c client_min_messages=warning -c log_statement=none"
	" -c log_min_error_statement=panic -c log_min_duration_statement=-1 -c synchronous_commit=local'\n"
	"export PGPASSWORD PGOPTIONS\n"
	"sql() { psql -h /run/database -U postgres -d postgres -XAtq \"$@\"; }\n"
	"\n"
	"now=$(cksum /etc/database/objects.sql /etc/database/replicas /run/secrets/users/* 2>/dev/null)\n"
	"last=$(($(cat /etc/database/replicas) - 1))\n"
	"extra=\"FROM pg_replication_slots WHERE slot_name ~ '^replica_[0-9]+\\$' AND substr(slot_name, 9)::int > $last\"\n"
	"sql -c \"SELECT pg_drop_replication_slot(slot_name) $extra AND NOT active\" >/dev/null\n"
	"sql -v last=\"$last\" <<'SQL' >/dev/null\n"
	"SELECT pg_create_physical_replication_slot('replica_' || n, true) FROM generate_series(1, :last) AS n\n"
	"WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'replica_' || n);\n"
	"SQL\n"
	"sql -f /etc/database/objects.sql\n"
	"for file in /run/secrets/users/*; do\n"
	"\t[ -f \"$file\" ] || continue\n"
	"\tsql -v role=\"${file##*/}\" -v file=\"$file\" <<'SQL'\n"
	"\\set password `cat :'file'`\n"
	"SELECT format('ALTER ROLE %I PASSWORD %L', rolname, :'password') FROM pg_roles WHERE rolname = :'role' AND NOT rolsuper \\gexec\n"
	"SQL\n"
	"done\n"
	"# A replica that is just leaving still holds its slot: the next probe tries again.\n"
	"[ \"$(sql -c \"SELECT count(*) $extra\")\" != 0 ] || echo \"$now\" >/run/database/made\n";

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
	autofree char *objects = objects_statements(d);
	char replicas[24], lag[24];

	snprintf(replicas, sizeof(replicas), "%lld", (long long)d->replicas);
	snprintf(lag, sizeof(lag), "%lld", (long long)d->maximum_lag);
	return tree_strings("postgresql.conf", server, "pg_hba.conf", access, "start.sh",
			    start_file, "ready.sh", ready_file, "objects.sh", objects_file,
			    "objects.sql", objects, "replicas", replicas, "lag", lag, "tls",
			    replica_tls(d), NULL);
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
	.superuser = "postgres",
};
