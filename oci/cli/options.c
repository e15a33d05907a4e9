/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

#define OPTIONS_MAX  48
#define OPTION_FIRST 256 /* above every letter */

void options_help(const struct option_table *t)
{
	size_t i;

	printf("usage: strake %s\n\n%s\n", t->usage, t->about);
	if (t->n)
		printf("\n");
	for (i = 0; i < t->n; i++) {
		const struct option_row *o = &t->rows[i];
		char letter[8] = "    ", name[64];

		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(name, sizeof(name), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ?: "");
		/* Longer ones have a line to themselves. */
		if (strlen(name) > 28)
			printf("  %s%s\n%35s%s\n", letter, name, "", o->help);
		else
			printf("  %s%-28s %s\n", letter, name, o->help);
	}
}

static int option_store(const struct option_row *o, const char *text, void *base,
			struct error *e)
{
	void *at = (char *)base + o->offset;
	struct option_list *list;

	switch (o->kind) {
	case OPTION_FLAG:
		if (text && !str_eq(text, "true") && !str_eq(text, "false"))
			return error_say(e, EINVAL, "--%s takes true or false, not \"%s\"",
					 o->name, text);
		*(bool *)at = !text || str_eq(text, "true");
		return 0;
	case OPTION_STRING:
		*(const char **)at = text;
		return 0;
	case OPTION_NUMBER:
		if (str_to_u32(text, at) < 0)
			return error_say(e, EINVAL, "--%s takes a number, not \"%s\"", o->name,
					 text);
		return 0;
	case OPTION_LIST:
		list = at;
		if (list->n + 1 >= ARRAY_SIZE(list->v))
			return error_say(e, E2BIG, "--%s is given too often", o->name);
		list->v[list->n++] = (char *)text;
		return 0;
	}
	return -EINVAL;
}

/* getopt(3)'s two notations from our one. */
static void options_convert(const struct option_table *t, struct option *longs, char *letters)
{
	size_t i;

	if (t->stop_at_first)
		*letters++ = '+';
	*letters++ = ':';
	*letters++ = 'h';
	for (i = 0; i < t->n; i++) {
		const struct option_row *o = &t->rows[i];

		longs[i] = (struct option){
			.name = o->name,
			.has_arg =
				o->kind == OPTION_FLAG ? optional_argument : required_argument,
			.val = OPTION_FIRST + (int)i,
		};
		if (!o->letter)
			continue;
		*letters++ = o->letter;
		if (o->kind != OPTION_FLAG)
			*letters++ = ':';
	}
	longs[t->n] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[t->n + 1] = (struct option){ 0 };
	*letters = '\0';
}

static const struct option_row *option_find(const struct option_table *t, int got)
{
	size_t i;

	if (got >= OPTION_FIRST)
		return &t->rows[got - OPTION_FIRST];
	for (i = 0; i < t->n; i++)
		if (t->rows[i].letter == got)
			return &t->rows[i];
	return NULL;
}

static int options_count(const struct option_table *t, int given, struct error *e)
{
	if (given >= t->min_args && (t->max_args < 0 || given <= t->max_args))
		return 0;
	error_say(e, EINVAL, "%s: %s",
		  given < t->min_args ? "an argument is missing"
				      : "there is an argument too many",
		  t->usage);
	error_hint(e, "usage: strake %s", t->usage);
	return -EINVAL;
}

int options_read(const struct option_table *t, int argc, char **argv, void *ret, int *first,
		 struct error *e)
{
	struct option longs[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 8];
	int got, r;

	if (t->n > OPTIONS_MAX)
		return error_say(e, EINVAL, "too many options");
	options_convert(t, longs, letters);
	optind = 0;
	opterr = 0;
	while ((got = getopt_long_only(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *o;

		if (got == 'h') {
			options_help(t);
			return 1;
		}
		if (got == '?' || got == ':') {
			error_say(e, EINVAL, "%s: %s",
				  got == ':' ? "a value is missing" : "unknown option",
				  argv[optind - 1]);
			error_hint(e, "usage: strake %s; --help lists the options", t->usage);
			return -EINVAL;
		}
		o = option_find(t, got);
		if (!o)
			return error_say(e, EINVAL, "unknown option -%c", got);
		r = option_store(o, optarg, ret, e);
		if (r < 0)
			return r;
	}
	*first = optind;
	return options_count(t, argc - optind, e);
}
