/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/policy.h"
#include "policy/load.h"
#include "policy/merge.h"
#include "policy/parse.h"
#include "run/bundle.h"
#include "spec/parse.h"

#define ROW(name, letter, kind, field, value, help)                                     \
	{                                                                               \
		name, letter, kind, offsetof(struct policy_options, field), value, help \
	}

static const struct option_row rows[] = {
	ROW("bundle", 'b', OPTION_STRING, bundle, "DIR", "the bundle's folder [.]"),
	ROW("config", 'f', OPTION_STRING, config, "FILE",
	    "instead of the bundle's config.json"),
	ROW("id", 0, OPTION_STRING, id, "ID", "what the container would be called"),
	ROW("syscall", 0, OPTION_STRING, syscall, "NAME",
	    "simulate: the call, by name or number"),
	ROW("abi", 0, OPTION_STRING, abi, "NAME",
	    "simulate: who makes it: x86_64, i386, x32 ... [this machine's]"),
	ROW("output", 'o', OPTION_STRING, output, "FILE",
	    "record: the profile; what is in it already stays. metrics: instead of stdout"),
	ROW("key", 0, OPTION_STRING, key, "FILE",
	    "sign: the secret key; verify: public ones [/etc/strake/policy.keys]"),
	ROW("json", 0, OPTION_FLAG, json, NULL, "print JSON, not a table"),
};

#define FILES_MAX 256

const struct option_table policy_table = {
	.usage = "[--policy FILE|DIR] policy [options] WORD [ARGUMENT]...",
	.about =
		"check    reads the node's policies as a container's start does, and lists them\n"
		"explain  what they make of a bundle: each field they change or refuse, and by which\n"
		"         rule; status 1 where it would be refused\n"
		"diff     which rules two files or folders do not share; status 1 where there are any\n"
		"simulate what becomes of one system call in a bundle, and by which rule; without a\n"
		"         bundle here, in a container that asks for nothing\n"
		"score    how much of the machine a bundle reaches, from 0 (closed) to 10, and by what\n"
		"record   runs a bundle and writes the seccomp profile that allows the calls it made\n"
		"metrics  reports of denied calls (--policy-report) as counters for Prometheus\n"
		"key      makes a key: the secret half into a new FILE, the public one to stdout, for\n"
		"         /etc/strake/policy.keys\n"
		"sign     signs files by --key: FILE.sig beside each\n"
		"verify   whether files are signed by the node's keys, or by those of --key",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1 + FILES_MAX,
};

/* --- for people ---------------------------------------------------------------------------------- */

#define COLUMN_MAX 48

static int width_of(const char *s, int least)
{
	size_t n = strlen(s);

	return n > COLUMN_MAX ? COLUMN_MAX : n > (size_t)least ? (int)n : least;
}

static const char *action_of(const struct policy_change *c)
{
	if (c->mode == POLICY_AUDIT)
		return c->refused ? "would refuse" : "would change";
	return c->refused ? "refuse" : "change";
}

/* Refusals red and changes yellow, where somebody looks. */
static const char *colour_of(const struct policy_change *c)
{
	if (!isatty(STDOUT_FILENO) || c->mode == POLICY_AUDIT)
		return "";
	return c->refused ? "\033[31m" : "\033[33m";
}

static void print_changes(const struct policy_result *r)
{
	const struct policy_change *c;
	char field[256], was[256], is[256];
	int fields = 5, before = 9;

	for (c = r->first; c; c = c->next) {
		fields = width_of(c->field, fields);
		before = width_of(c->requested ?: "-", before);
	}
	if (r->first)
		printf("%-12s  %-*s  %-*s  %s\n", "ACTION", fields, "FIELD", before,
		       "REQUESTED", "EFFECTIVE, OR WHY (RULE)");
	for (c = r->first; c; c = c->next) {
		const char *colour = colour_of(c);

		printf("%s%-12s%s  %-*s  %-*s  %s (%s/%s)\n", colour, action_of(c),
		       colour[0] ? "\033[0m" : "", fields,
		       str_show(field, sizeof(field), c->field), before,
		       str_show(was, sizeof(was), c->requested ?: "-"),
		       str_show(is, sizeof(is), c->effective), c->policy, c->rule);
	}
}

static void print_policies(const struct policy_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		printf("%s: policy \"%s\", generation %llu, %zu rule%s\n", s->policies[i].file,
		       s->policies[i].name, (unsigned long long)s->policies[i].generation,
		       s->policies[i].n_rules, s->policies[i].n_rules == 1 ? "" : "s");
	if (s->n == 0)
		printf("no node policies\n");
}

static int print_record(const struct policy_set *s, const struct policy_result *r,
			struct error *e)
{
	autojson *w = json_writer_new(true);

	if (!w)
		return error_set(e, ENOMEM, "policy");
	policy_record_write(w, s, r);
	return output_json(w, e);
}

/* --- the words ----------------------------------------------------------------------------------- */

static int policy_check(struct cli *cli, const struct policy_options *opt)
{
	struct policy_result none = { 0 };
	struct policy_set s;
	int r = policy_load(cli->rt.policy, &s, &cli->error);

	if (r < 0)
		return r;
	if (opt->json)
		r = print_record(&s, &none, &cli->error);
	else
		print_policies(&s);
	policy_set_done(&s);
	return r;
}

static int print_guard(const struct guard *g, const struct policy_options *opt, struct error *e)
{
	if (opt->json)
		return print_record(&g->set, &g->result, e);
	print_policies(&g->set);
	printf("%zu of %zu rules hold for this bundle\n", g->result.n_matching, g->set.n_rules);
	print_changes(&g->result);
	return 0;
}

/* What nobody asks for is the least that a spec can say. */
static int case_read(struct policy_case *c, const struct policy_options *opt, const char **path,
		     struct error *e)
{
	static const char nothing[] =
		"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"
		"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"}}";

	if (!opt->syscall || opt->bundle || opt->config || access("config.json", F_OK) == 0)
		return bundle_read(NULL, &c->arena, opt->bundle, opt->config, path,
				   &c->bundle_fd, &c->text, &c->spec, e);
	return spec_parse("config.json", nothing, sizeof(nothing) - 1, &c->spec, e);
}

int policy_case_open(struct policy_case *c, struct cli *cli, const struct policy_options *opt)
{
	struct error *e = &cli->error;
	const char *path = "";
	int r;

	*c = (struct policy_case){ .bundle_fd = -1 };
	arena_init(&c->arena, 256u << 20);
	r = case_read(c, opt, &path, e);
	if (r < 0)
		return r;
	c->asked = c->spec.linux_.seccomp;
	r = guard_create(&c->guard, &cli->rt, opt->id ?: "explain", path, &c->spec, &c->arena,
			 e);
	c->refused = r == -EPERM && c->guard.result.n_refused;
	return c->refused ? 0 : r;
}

void policy_case_done(struct policy_case *c)
{
	guard_done(&c->guard);
	spec_done(&c->spec);
	arena_done(&c->arena);
	buf_done(&c->text);
	mem_closep(&c->bundle_fd);
}

static int policy_explain(struct cli *cli, const struct policy_options *opt)
{
	struct policy_case c;
	int r = policy_case_open(&c, cli, opt);

	if (r == 0) {
		r = print_guard(&c.guard, opt, &cli->error);
		r = r < 0 ? r : c.refused;
	}
	policy_case_done(&c);
	return r;
}

static bool has_rule(const struct policy_set *s, const struct policy_rule *wanted)
{
	size_t i;

	for (i = 0; i < s->n_rules; i++)
		if (str_eq(s->rules[i]->digest, wanted->digest) &&
		    str_eq(s->rules[i]->policy, wanted->policy))
			return true;
	return false;
}

static int print_missing(const struct policy_set *from, const struct policy_set *in,
			 const char *sign)
{
	size_t i;
	int n = 0;

	for (i = 0; i < from->n_rules; i++) {
		if (has_rule(in, from->rules[i]))
			continue;
		printf("%s %s/%s %.12s\n", sign, from->rules[i]->policy, from->rules[i]->name,
		       from->rules[i]->digest);
		n++;
	}
	return n;
}

static int policy_diff(struct cli *cli, const struct policy_options *opt)
{
	const char *a = opt->argv[0], *b = opt->argv[1];
	struct policy_set one = { 0 }, two = { 0 };
	int n, r = policy_load(a, &one, &cli->error);

	if (r == 0)
		r = policy_load(b, &two, &cli->error);
	if (r == 0)
		r = policy_set_digest(&one, &cli->error);
	if (r == 0)
		r = policy_set_digest(&two, &cli->error);
	if (r == 0) {
		n = print_missing(&one, &two, "-");
		n += print_missing(&two, &one, "+");
		r = n > 0;
	}
	policy_set_done(&one);
	policy_set_done(&two);
	return r;
}

static const struct {
	const char *name;
	int min, max; /* operands */
	int (*run)(struct cli *cli, const struct policy_options *opt);
} words[] = {
	{ "check", 0, 0, policy_check },
	{ "explain", 0, 0, policy_explain },
	{ "diff", 2, 2, policy_diff },
	{ "simulate", 0, 6, policy_simulate },
	{ "record", 0, 0, policy_record },
	{ "key", 1, 1, policy_key },
	{ "sign", 1, FILES_MAX, policy_sign },
	{ "score", 0, 0, policy_score },
	{ "metrics", 1, FILES_MAX, policy_metrics },
	{ "verify", 1, FILES_MAX, policy_verify_files },
};

int verb_policy(struct cli *cli, int argc, char **argv)
{
	struct policy_options opt = { 0 };
	int first, r;
	size_t i;

	r = options_read(&policy_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	opt.argc = argc - first - 1;
	opt.argv = argv + first + 1;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (str_eq(argv[first], words[i].name) && opt.argc >= words[i].min &&
		    opt.argc <= words[i].max)
			return words[i].run(cli, &opt);
	error_say(
		&cli->error, EINVAL,
		"policy: the words are check, explain, diff A B, simulate, score, record, metrics FILE..., key FILE, sign FILE... and "
		"verify FILE...");
	error_hint(&cli->error, "`strake policy --help` tells more");
	return -EINVAL;
}
