/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

/* Scripts for shells, from the same tables as the help: see verbs.c. */
const struct option_table completion_table = {
	.usage = "completion bash|zsh|fish",
	.about =
		"Prints a script by which the shell completes commands, options and containers:\n"
		"    bash  source <(strake completion bash)\n"
		"    zsh   strake completion zsh >~/.zfunc/_strake, in a folder of $fpath\n"
		"    fish  strake completion fish >~/.config/fish/completions/strake.fish",
	.min_args = 1,
	.max_args = 1,
};

enum value_kind {
	VALUE_NONE,
	VALUE_DIR,
	VALUE_FILE,
	VALUE_WORDS, /* "text|json" */
	VALUE_OTHER,
};

static enum value_kind value_kind(const char *value)
{
	if (!value)
		return VALUE_NONE;
	if (str_eq(value, "DIR"))
		return VALUE_DIR;
	if (str_eq(value, "FILE") || str_eq(value, "FILE|DIR") || str_eq(value, "SOCKET"))
		return VALUE_FILE;
	return strchr(value, '|') ? VALUE_WORDS : VALUE_OTHER;
}

/* "text|json" as "text json". */
static void put_words(const char *value)
{
	for (; value && *value; value++)
		putchar(*value == '|' ? ' ' : *value);
}

/* Inside of single quotes, in all three shells; with brackets that _arguments leaves alone. */
static void put_quoted(const char *s, bool brackets)
{
	for (; *s && *s != '\n'; s++) {
		if (*s == '\'')
			fputs("'\\'", stdout);
		if (brackets && strchr("[]:", *s))
			putchar('\\');
		putchar(*s);
	}
}

enum operand {
	OPERAND_NONE,
	OPERAND_ID,
	OPERAND_COMMAND,
	OPERAND_WORDS, /* the usage's own: "completion bash|zsh|fish" */
};

static enum operand operand_of(const struct verb *v)
{
	if (strstr(v->table->usage, " ID"))
		return OPERAND_ID;
	if (strstr(v->table->usage, "[COMMAND]"))
		return OPERAND_COMMAND;
	return str_eq(v->name, "completion") ? OPERAND_WORDS : OPERAND_NONE;
}

static void put_commands(void)
{
	size_t i;

	for (i = 0; i < cli_n_verbs; i++)
		printf("%s%s", i ? " " : "", cli_verbs[i].name);
}

static void put_options(const struct option_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		printf("--%s ", t->rows[i].name);
	fputs("--help", stdout);
}

/* --- bash ---------------------------------------------------------------------------------------- */

/* One arm for each option with a value: what may follow it. */
static void bash_values(const char *verb, const struct option_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct option_row *o = &t->rows[i];

		if (!o->value)
			continue;
		printf("\t%s:--%s", verb, o->name);
		if (o->letter)
			printf(" | %s:-%c", verb, o->letter);
		switch (value_kind(o->value)) {
		case VALUE_DIR:
			fputs(") _strake_reply -d; return ;;\n", stdout);
			break;
		case VALUE_FILE:
			fputs(") _strake_reply -f; return ;;\n", stdout);
			break;
		case VALUE_WORDS:
			fputs(") _strake_reply -W '", stdout);
			put_words(o->value);
			fputs("'; return ;;\n", stdout);
			break;
		default:
			fputs(") return ;;\n", stdout);
		}
	}
}

static void bash_operands(const struct verb *v)
{
	switch (operand_of(v)) {
	case OPERAND_ID:
		fputs(" $(\"${call[@]}\" list --quiet 2> /dev/null)", stdout);
		break;
	case OPERAND_COMMAND:
		putchar(' ');
		put_commands();
		break;
	case OPERAND_WORDS:
		fputs(" bash zsh fish", stdout);
		break;
	case OPERAND_NONE:
		break;
	}
}

static void bash_print(void)
{
	size_t i;

	fputs("# bash completion of strake, made by `strake completion bash`.\n"
	      "_strake_reply() { mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$cur\"); }\n"
	      "_strake() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb='' i\n"
	      "\tlocal call=(\"${COMP_WORDS[0]}\")\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n\t\t",
	      stdout);
	for (i = 0; i < cli_table.n; i++)
		if (cli_table.rows[i].value)
			printf("--%s | ", cli_table.rows[i].name);
	fputs("=) call+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[++i]}\") ;;\n"
	      "\t\t-*) call+=(\"${COMP_WORDS[i]}\") ;;\n"
	      "\t\t*) verb=${COMP_WORDS[i]}; break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $verb:$prev in\n",
	      stdout);
	bash_values("", &cli_table);
	for (i = 0; i < cli_n_verbs; i++)
		bash_values(cli_verbs[i].name, cli_verbs[i].table);
	fputs("\tesac\n\tcase $verb in\n\t'') _strake_reply -W '", stdout);
	put_options(&cli_table);
	putchar(' ');
	put_commands();
	fputs(" help' ;;\n", stdout);
	for (i = 0; i < cli_n_verbs; i++) {
		printf("\t%s) _strake_reply -W \"", cli_verbs[i].name);
		put_options(cli_verbs[i].table);
		bash_operands(&cli_verbs[i]);
		fputs("\" ;;\n", stdout);
	}
	fputs("\tesac\n}\ncomplete -F _strake strake\n", stdout);
}

/* --- zsh ----------------------------------------------------------------------------------------- */

static void zsh_value(const struct option_row *o)
{
	static const char *const actions[] = {
		[VALUE_DIR] = "_files -/",
		[VALUE_FILE] = "_files",
		[VALUE_OTHER] = " ",
	};
	enum value_kind kind = value_kind(o->value);

	if (kind == VALUE_NONE)
		return;
	if (kind == VALUE_WORDS) {
		fputs(":value:(", stdout);
		put_words(o->value);
		putchar(')');
		return;
	}
	printf(":%s:%s", o->value, actions[kind]);
}

static void zsh_options(const struct option_table *t, const char *indent)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct option_row *o = &t->rows[i];
		const char *many = o->kind == OPTION_LIST ? "*" : "";

		printf(" \\\n%s", indent);
		if (o->letter)
			printf("'%s'{-%c%s,--%s%s}'[", many, o->letter, o->value ? "+" : "",
			       o->name, o->value ? "=" : "");
		else
			printf("'%s--%s%s[", many, o->name, o->value ? "=" : "");
		put_quoted(o->help, true);
		putchar(']');
		zsh_value(o);
		putchar('\'');
	}
	printf(" \\\n%s'--help[print what it does]'", indent);
}

static void zsh_verb(const struct verb *v)
{
	printf("\t\t%s) _arguments", v->name);
	zsh_options(v->table, "\t\t\t");
	switch (operand_of(v)) {
	case OPERAND_ID:
		fputs(" \\\n\t\t\t'1:container:_strake_ids' '*:argument:_default'", stdout);
		break;
	case OPERAND_COMMAND:
		fputs(" \\\n\t\t\t'1:command:(", stdout);
		put_commands();
		fputs(")'", stdout);
		break;
	case OPERAND_WORDS:
		fputs(" \\\n\t\t\t'1:shell:(bash zsh fish)'", stdout);
		break;
	case OPERAND_NONE:
		fputs(" \\\n\t\t\t'*:argument:_default'", stdout);
		break;
	}
	fputs(" ;;\n", stdout);
}

static void zsh_print(void)
{
	size_t i;

	fputs("#compdef strake\n"
	      "# zsh completion of strake, made by `strake completion zsh`.\n"
	      "_strake_ids() {\n"
	      "\tlocal -a ids\n"
	      "\tids=(${(f)\"$(strake ${opt_args[--root]:+--root=${opt_args[--root]}} list --quiet 2> "
	      "/dev/null)\"})\n"
	      "\tcompadd -a ids\n"
	      "}\n"
	      "_strake() {\n"
	      "\tlocal curcontext=$curcontext state line\n"
	      "\tlocal -a commands\n"
	      "\ttypeset -A opt_args\n"
	      "\tcommands=(\n",
	      stdout);
	for (i = 0; i < cli_n_verbs; i++) {
		printf("\t\t'%s:", cli_verbs[i].name);
		put_quoted(cli_verbs[i].about, false);
		fputs("'\n", stdout);
	}
	fputs("\t)\n\t_arguments -C", stdout);
	zsh_options(&cli_table, "\t\t");
	fputs(" \\\n\t\t'1: :->command' '*:: :->arguments'\n"
	      "\tcase $state in\n"
	      "\tcommand) _describe command commands ;;\n"
	      "\targuments)\n"
	      "\t\tcase $line[1] in\n",
	      stdout);
	for (i = 0; i < cli_n_verbs; i++)
		zsh_verb(&cli_verbs[i]);
	fputs("\t\tesac ;;\n\tesac\n}\n[[ $zsh_eval_context[-1] == loadautofunc ]] && _strake \"$@\" || "
	      "compdef _strake strake\n",
	      stdout);
}

/* --- fish ---------------------------------------------------------------------------------------- */

static void fish_options(const char *condition, const struct option_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct option_row *o = &t->rows[i];

		printf("complete -c strake -n '%s' -l %s", condition, o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		switch (value_kind(o->value)) {
		case VALUE_NONE:
			break;
		case VALUE_DIR:
			fputs(" -x -a '(__fish_complete_directories)'", stdout);
			break;
		case VALUE_FILE:
			fputs(" -r -F", stdout);
			break;
		case VALUE_WORDS:
			fputs(" -x -a '", stdout);
			put_words(o->value);
			putchar('\'');
			break;
		case VALUE_OTHER:
			fputs(" -x", stdout);
			break;
		}
		fputs(" -d '", stdout);
		put_quoted(o->help, false);
		fputs("'\n", stdout);
	}
}

static void fish_verb(const struct verb *v)
{
	char condition[96];

	snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", v->name);
	fish_options(condition, v->table);
	switch (operand_of(v)) {
	case OPERAND_ID:
		printf("complete -c strake -n '%s' -a '(__strake_ids)'\n", condition);
		break;
	case OPERAND_COMMAND:
		printf("complete -c strake -n '%s' -a '", condition);
		put_commands();
		fputs("'\n", stdout);
		break;
	case OPERAND_WORDS:
		printf("complete -c strake -n '%s' -a 'bash zsh fish'\n", condition);
		break;
	case OPERAND_NONE:
		break;
	}
}

static void fish_print(void)
{
	size_t i;

	fputs("# fish completion of strake, made by `strake completion fish`.\n"
	      "function __strake_ids\n"
	      "\tset -l words (commandline -opc)\n"
	      "\tset -l call strake\n"
	      "\tfor i in (seq (count $words))\n"
	      "\t\tstring match -q -- --root $words[$i]; and set call strake --root $words[(math $i + 1)]\n"
	      "\t\tstring match -q -- '--root=*' $words[$i]; and set call strake $words[$i]\n"
	      "\tend\n"
	      "\t$call list --quiet 2>/dev/null\n"
	      "end\n"
	      "complete -c strake -f\n",
	      stdout);
	fish_options("__fish_use_subcommand", &cli_table);
	for (i = 0; i < cli_n_verbs; i++) {
		printf("complete -c strake -n __fish_use_subcommand -a %s -d '",
		       cli_verbs[i].name);
		put_quoted(cli_verbs[i].about, false);
		fputs("'\n", stdout);
	}
	for (i = 0; i < cli_n_verbs; i++)
		fish_verb(&cli_verbs[i]);
}

int verb_completion(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash_print }, { "zsh", zsh_print }, { "fish", fish_print } };
	size_t i;
	int first, r;

	r = options_read(&completion_table, argc, argv, NULL, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	for (i = 0; i < ARRAY_SIZE(shells); i++)
		if (str_eq(shells[i].name, argv[first]))
			break;
	if (i == ARRAY_SIZE(shells))
		return error_say(&cli->error, EINVAL,
				 "no completion for \"%s\": bash, zsh and fish are known",
				 argv[first]);
	shells[i].print();
	if (fflush(stdout) != 0 || ferror(stdout))
		return error_set(&cli->error, errno, "write to stdout");
	return 0;
}
