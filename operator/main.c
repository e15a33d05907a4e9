// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"
#include "verb.h"

static const struct {
	const char *name;
	enum config_verb flags;
	int (*run)(const struct config *c, struct error *e);
	const char *help;
} verbs[] = {
	{ "run", CONFIG_RUN, verb_run, "serve Databases until a signal ends it" },
	{ "plan", CONFIG_PLAN, verb_plan,
	  "print every object a Database becomes; with --diff what would change (status 1)" },
	{ "check", CONFIG_CHECK, verb_check,
	  "validate Databases (status 1: some are invalid)" },
	{ "node", CONFIG_NODE, verb_node,
	  "tell on the pods of this node what its policies took from them, until a signal ends it" },
};

static int help(void)
{
	printf("usage: strake-operator VERB [FLAGS]\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		printf("\n%s: %s\n", verbs[i].name, verbs[i].help);
		config_help(verbs[i].flags);
	}
	return 0;
}

static int run_verb(size_t verb, int argc, char **argv)
{
	struct error e = ERROR_INIT;
	struct config config;
	int r = config_read(&config, verbs[verb].flags, argc, argv, &e);

	if (!r) {
		log_to(STDERR_FILENO, config.log_json, config.log_level);
		r = verbs[verb].run(&config, &e);
	}
	config_done(&config);
	if (r >= 0)
		return r;
	log_error(&e);
	return 2;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "--help";

	if (str_eq(verb, "--help") || str_eq(verb, "-h") || str_eq(verb, "help"))
		return help();
	if (str_eq(verb, "--version")) {
		printf("strake-operator %s\n", STRAKE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!str_eq(verb, verbs[i].name))
			continue;
		if (argc > 2 && (str_eq(argv[2], "--help") || str_eq(argv[2], "-h"))) {
			printf("%s: %s\n", verbs[i].name, verbs[i].help);
			config_help(verbs[i].flags);
			return 0;
		}
		return run_verb(i, argc - 2, argv + 2);
	}
	fprintf(stderr,
		"strake-operator: \"%s\" is no verb: there are run, plan, check and node\n",
		verb);
	return 2;
}
