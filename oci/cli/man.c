/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

const struct option_table man_table = {
	.usage = "man [COMMAND]",
	.about =
		"Prints the manual page of strake, or of one of its commands, for `man -l -`. What stands\n"
		"there of options and arguments is what --help prints.",
	.max_args = 1,
};

/* Text for roff: a backslash, a dash, and what would begin a request mean themselves. */
static void man_text(const char *s)
{
	bool begins = true;

	for (; *s; s++) {
		if (begins && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else if (*s == '`')
			fputs("\\(oq", stdout);
		else
			putchar(*s);
		begins = *s == '\n';
	}
}

static void man_name(const char *verb)
{
	fputs("strake", stdout);
	if (verb)
		printf("\\-%s", verb);
}

static void man_head(const char *verb, const char *about)
{
	const char *p;

	fputs(".TH STRAKE", stdout);
	if (verb)
		fputs("\\-", stdout);
	for (p = verb ?: ""; *p; p++)
		putchar(toupper((unsigned char)*p));
	printf(" 8 \"\" \"strake %s\" \"System administration\"\n.nh\n.ad l\n.SH NAME\n",
	       STRAKE_VERSION);
	man_name(verb);
	fputs(" \\- ", stdout);
	man_text(about);
	putchar('\n');
}

/* The words of the usage that users type as they are stand out. */
static void man_synopsis(const struct option_table *t)
{
	fputs(".SH SYNOPSIS\n.B strake\n", stdout);
	man_text(t->usage);
	putchar('\n');
}

static void man_options(const struct option_table *t, const char *title)
{
	size_t i;

	if (t->n)
		printf(".SH %s\n", title);
	for (i = 0; i < t->n; i++) {
		const struct option_row *o = &t->rows[i];

		fputs(".TP\n", stdout);
		if (o->letter)
			printf("\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", stdout);
		man_text(o->name);
		fputs("\\fR", stdout);
		if (o->value) {
			fputs(" \\fI", stdout);
			man_text(o->value);
			fputs("\\fR", stdout);
		}
		putchar('\n');
		man_text(o->help);
		putchar('\n');
	}
}

/* A line of the text is a line of the page: they are tables sometimes. */
static void man_description(const struct option_table *t)
{
	fputs(".SH DESCRIPTION\n.nf\n", stdout);
	man_text(t->about);
	fputs("\n.fi\n", stdout);
}

static void man_commands(void)
{
	size_t i;

	fputs(".SH COMMANDS\n", stdout);
	for (i = 0; i < cli_n_verbs; i++) {
		fputs(".TP\n\\fB", stdout);
		man_name(cli_verbs[i].name);
		fputs("\\fR(8)\n", stdout);
		man_text(cli_verbs[i].about);
		putchar('\n');
	}
}

static void man_status(const struct verb *v)
{
	fputs(".SH EXIT STATUS\n", stdout);
	if (v && v->run == verb_exec)
		fputs("That of the command; 128 and the number of the signal that killed it; 255 where it "
		      "could not\nbe run.\n",
		      stdout);
	else if (v && v->run == verb_run)
		fputs("That of the container's process; 128 and the number of the signal that killed it; "
		      "1 where\nit could not be run.\n",
		      stdout);
	else
		fputs("0, or 1 with a message on stderr that names what was wrong, and mostly what to do.\n",
		      stdout);
}

static void man_see_also(const char *verb)
{
	fputs(".SH SEE ALSO\n", stdout);
	if (verb)
		fputs(".BR strake (8),\n", stdout);
	fputs("runtime\\-spec: https://github.com/opencontainers/runtime\\-spec\n", stdout);
}

int verb_man(struct cli *cli, int argc, char **argv)
{
	const struct verb *v = NULL;
	int first, r;

	r = options_read(&man_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	if (first < argc && !(v = verb_find(argv[first])))
		return error_say(&cli->error, EINVAL, "unknown command \"%s\"", argv[first]);
	man_head(v ? v->name : NULL, v ? v->about : "runs OCI containers");
	man_synopsis(v ? v->table : &cli_table);
	man_description(v ? v->table : &cli_table);
	if (!v)
		man_commands();
	man_options(v ? v->table : &cli_table, v ? "OPTIONS" : "GLOBAL OPTIONS");
	man_status(v);
	man_see_also(v ? v->name : NULL);
	if (fflush(stdout) != 0 || ferror(stdout))
		return error_set(&cli->error, errno, "write to stdout");
	return 0;
}
