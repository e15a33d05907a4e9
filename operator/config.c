// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/access.h"
#include "kube/kubeconfig.h"

enum option_kind {
	OPTION_TEXT,
	OPTION_LIST,
	OPTION_NUMBER,
	OPTION_BOOLEAN,
	OPTION_LEVEL,
	OPTION_FORMAT,
};

struct option {
	const char *name;
	char letter;
	enum option_kind kind;
	size_t offset;
	const char *variable; /* of the environment, or NULL */
	const char *otherwise;
	int low, high;
	int verbs;
	const char *help;
};

#define AT(member) offsetof(struct config, member)
#define ANY        (CONFIG_RUN | CONFIG_PLAN | CONFIG_CHECK | CONFIG_NODE)

static const struct option options[] = {
	{ "file", 'f', OPTION_TEXT, AT(file), NULL, NULL, 0, 0, CONFIG_PLAN | CONFIG_CHECK,
	  "YAML or JSON with Databases; - is standard input" },
	{ "diff", 0, OPTION_BOOLEAN, AT(against_cluster), NULL, "false", 0, 0, CONFIG_PLAN,
	  "print what would change in the cluster" },
	{ "output", 'o', OPTION_TEXT, AT(output), NULL, "json", 0, 0, CONFIG_PLAN,
	  "json (a List, for kubectl) or names" },
	{ "kubeconfig", 0, OPTION_TEXT, AT(kubeconfig), NULL, NULL, 0, 0,
	  CONFIG_RUN | CONFIG_PLAN | CONFIG_NODE,
	  "kubeconfig file (default: as kubectl, or the pod's account)" },
	{ "context", 0, OPTION_TEXT, AT(context), NULL, NULL, 0, 0,
	  CONFIG_RUN | CONFIG_PLAN | CONFIG_NODE, "context of the kubeconfig" },
	{ "namespace", 'n', OPTION_LIST, AT(namespaces), "WATCH_NAMESPACE", "", 0, 0,
	  CONFIG_RUN, "namespaces to serve, with commas (default: all)" },
	{ "leader-elect", 0, OPTION_BOOLEAN, AT(leader_elect), "LEADER_ELECT", "true", 0, 0,
	  CONFIG_RUN, "write only while holding the lease" },
	{ "lease-name", 0, OPTION_TEXT, AT(lease_name), "LEASE_NAME", "strake-operator", 0, 0,
	  CONFIG_RUN, "name of the lease" },
	{ "lease-namespace", 0, OPTION_TEXT, AT(lease_namespace), "POD_NAMESPACE", NULL, 0, 0,
	  CONFIG_RUN, "its namespace (default: the pod's or the context's)" },
	{ "lease-duration", 0, OPTION_NUMBER, AT(lease_duration_s), NULL, "15", 3, 3600,
	  CONFIG_RUN, "seconds others wait for a leader that is silent" },
	{ "lease-renew-deadline", 0, OPTION_NUMBER, AT(lease_renew_s), NULL, "10", 2, 3600,
	  CONFIG_RUN, "seconds without renewal after which a leader stops" },
	{ "lease-retry", 0, OPTION_NUMBER, AT(lease_retry_s), NULL, "2", 1, 3600, CONFIG_RUN,
	  "seconds between renewals" },
	{ "identity", 0, OPTION_TEXT, AT(identity), "POD_NAME", NULL, 0, 0, CONFIG_RUN,
	  "who holds the lease (default: the host's name and a random number)" },
	{ "workers", 0, OPTION_NUMBER, AT(workers), NULL, "10", 1, 1000, CONFIG_RUN,
	  "Databases worked on at a time" },
	{ "requests", 0, OPTION_NUMBER, AT(requests), NULL, "16", 1, 1000, CONFIG_RUN,
	  "requests under way at a time" },
	{ "watch-idle", 0, OPTION_NUMBER, AT(watch_idle_s), NULL, "150", 5, 3600, CONFIG_RUN,
	  "seconds of silence after which a watch is begun anew" },
	{ "listen", 0, OPTION_TEXT, AT(listen), "LISTEN", ":8080", 0, 0, CONFIG_RUN,
	  "address of /metrics, /healthz, /readyz; empty: none" },
	{ "state", 0, OPTION_TEXT, AT(state), NULL, "/run/containerd/strake/k8s.io", 0, 0,
	  CONFIG_NODE, "where the shim keeps the state of Kubernetes' containers" },
	{ "log-level", 0, OPTION_LEVEL, AT(log_level), "LOG_LEVEL", "info", 0, 0, ANY,
	  "error, warning, info or debug" },
	{ "log-format", 0, OPTION_FORMAT, AT(log_json), "LOG_FORMAT", "text", 0, 0, ANY,
	  "text or json" },
};

static int set_list(char ***at, const char *value)
{
	size_t n = 1;
	char **list;

	for (const char *s = value; *s; s++)
		n += *s == ',';
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	while (*value) {
		size_t len = strcspn(value, ", ");

		if (len && !(list[n++] = strndup(value, len)))
			break;
		value += len;
		value += strspn(value, ", ");
	}
	for (char **s = *at; s && *s; s++)
		free(*s);
	free(*at);
	*at = list;
	/* An empty list is no list: all namespaces. */
	if (!n) {
		free(list);
		*at = NULL;
	}
	return 0;
}

static int set_number(const struct option *o, int *at, const char *value, struct error *e)
{
	uint32_t number;

	if (str_to_u32(value, &number) < 0 || number < (uint32_t)o->low ||
	    number > (uint32_t)o->high)
		return error_say(e, EINVAL,
				 "--%s must be a number from %d to %d, and is \"%s\"", o->name,
				 o->low, o->high, value);
	*at = (int)number;
	return 0;
}

static int set_level(enum log_level *at, const char *value, struct error *e)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (str_eq(value, levels[i])) {
			*at = (enum log_level)i;
			return 0;
		}
	}
	return error_say(e, EINVAL, "--log-level must be error, warning, info or debug");
}

static int set(struct config *c, const struct option *o, const char *value, struct error *e)
{
	void *at = (char *)c + o->offset;
	char *copy;

	switch (o->kind) {
	case OPTION_TEXT:
		copy = strdup(value);
		if (!copy)
			return error_set(e, ENOMEM, "--%s", o->name);
		free(*(char **)at);
		*(char **)at = copy;
		return 0;
	case OPTION_LIST:
		return set_list(at, value) < 0 ? error_set(e, ENOMEM, "--%s", o->name) : 0;
	case OPTION_NUMBER:
		return set_number(o, at, value, e);
	case OPTION_BOOLEAN:
		if (!str_eq(value, "true") && !str_eq(value, "false"))
			return error_say(e, EINVAL, "--%s must be true or false", o->name);
		*(bool *)at = str_eq(value, "true");
		return 0;
	case OPTION_LEVEL:
		return set_level(at, value, e);
	case OPTION_FORMAT:
		if (!str_eq(value, "text") && !str_eq(value, "json"))
			return error_say(e, EINVAL, "--%s must be text or json", o->name);
		*(bool *)at = str_eq(value, "json");
		return 0;
	}
	return -EINVAL;
}

static const struct option *find(const char *arg, size_t len, enum config_verb verb)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (!(o->verbs & (int)verb))
			continue;
		if (len == 2 && arg[0] == '-' && arg[1] == o->letter && o->letter)
			return o;
		if (len == strlen(o->name) + 2 && str_starts(arg, "--") &&
		    strncmp(arg + 2, o->name, len - 2) == 0)
			return o;
	}
	return NULL;
}

static int read_flags(struct config *c, enum config_verb verb, int argc, char **argv,
		      struct error *e)
{
	for (int i = 0; i < argc; i++) {
		size_t len = strcspn(argv[i], "=");
		const struct option *o = find(argv[i], len, verb);
		const char *value;
		int r;

		if (!o)
			return error_say(e, EINVAL, "%s is no flag of this verb: see --help",
					 argv[i]);
		if (argv[i][len])
			value = argv[i] + len + 1;
		else if (o->kind == OPTION_BOOLEAN)
			value = "true";
		else if (++i < argc)
			value = argv[i];
		else
			return error_say(e, EINVAL, "--%s needs a value", o->name);
		r = set(c, o, value, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Unique also among containers that share a host name. */
static int make_identity(struct config *c, struct error *e)
{
	char host[128] = "unknown", *name = NULL;
	uint32_t number = 0;

	gethostname(host, sizeof(host) - 1);
	if (getrandom(&number, sizeof(number), 0) < 0)
		return error_set(e, errno, "identity");
	if (asprintf(&name, "%s_%08x", c->identity ? c->identity : host, number) < 0)
		return error_set(e, ENOMEM, "identity");
	free(c->identity);
	c->identity = name;
	return 0;
}

int config_read(struct config *c, enum config_verb verb, int argc, char **argv, struct error *e)
{
	int r;

	*c = (struct config){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		const char *from = o->variable ? getenv(o->variable) : NULL;
		const char *value = from ? from : o->otherwise;

		if (!value)
			continue;
		r = set(c, o, value, e);
		if (r < 0)
			return from ? error_prefix(e, "%s in the environment", o->variable) : r;
	}
	r = read_flags(c, verb, argc, argv, e);
	if (r < 0)
		return r;
	if (verb & (CONFIG_PLAN | CONFIG_CHECK) && !c->file)
		return error_say(e, EINVAL, "--file is missing");
	if (c->lease_renew_s >= c->lease_duration_s ||
	    c->lease_retry_s * 12 >= c->lease_renew_s * 10)
		return error_say(e, EINVAL,
				 "--lease-duration must be above --lease-renew-deadline, and "
				 "that above 1.2 times --lease-retry");
	return make_identity(c, e);
}

void config_done(struct config *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		void *at = (char *)c + options[i].offset;

		if (options[i].kind == OPTION_TEXT) {
			free(*(char **)at);
		} else if (options[i].kind == OPTION_LIST) {
			for (char **s = *(char ***)at; s && *s; s++)
				free(*s);
			free(*(char ***)at);
		}
	}
	*c = (struct config){ 0 };
}

void config_help(enum config_verb verb)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		char name[48], letter[8] = "";

		if (!(o->verbs & (int)verb))
			continue;
		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(name, sizeof(name), "%s--%s%s", letter, o->name,
			 o->kind == OPTION_BOOLEAN ? "[=true|false]" : " VALUE");
		printf("  %-34s %s", name, o->help);
		if (!str_empty(o->otherwise))
			printf(" (%s)", o->otherwise);
		if (o->variable)
			printf(" [$%s]", o->variable);
		printf("\n");
	}
}

int config_access(const struct config *c, struct access *a, struct error *e)
{
	autofree char *paths = NULL;
	int r;

	if (c->kubeconfig)
		return kubeconfig_load(c->kubeconfig, c->context, a, e);
	if (str_empty(getenv("KUBECONFIG"))) {
		r = access_in_cluster(a, NULL, e);
		if (r)
			return r < 0 ? r : 0;
	}
	paths = kubeconfig_paths();
	if (!paths)
		return error_say(e, ENOENT,
				 "no cluster: set KUBECONFIG or --kubeconfig, or run in a pod");
	return kubeconfig_load(paths, c->context, a, e);
}
