/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

struct ps_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct ps_options, format), "table|json",
	  "what to print [table]" },
};

const struct option_table ps_table = {
	.usage = "ps [--format table|json] ID [ps options]",
	.about = "Lists the processes of a container: the lines of ps(1) that are its own.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = -1,
	.stop_at_first = true,
};

static int ps_json(const pid_t *pids, size_t n, struct error *e)
{
	autojson *w = json_writer_new(false);
	size_t i;

	if (!w)
		return error_set(e, ENOMEM, "ps");
	json_write_array(w);
	for (i = 0; i < n; i++)
		json_write_i64(w, pids[i]);
	json_write_end(w);
	return output_json(w, e);
}

/* ps(1) by execvp in a child, its output in a stream of ours. */
static FILE *ps_open(char **args, pid_t *ret_pid, struct error *e)
{
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
		error_set(e, errno, "make a pipe");
		return NULL;
	}
	*ret_pid = fork();
	if (*ret_pid == 0) {
		dup2(pipe_fd[1], STDOUT_FILENO);
		execvp("ps", args);
		_exit(127);
	}
	close(pipe_fd[1]);
	return fdopen(pipe_fd[0], "re");
}

/* Which column of the heading is "PID". */
static int ps_find_column(const char *heading)
{
	char line[4096];
	char *word, *save = NULL;
	int i = 0;

	snprintf(line, sizeof(line), "%s", heading);
	for (word = strtok_r(line, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save), i++)
		if (str_eq(word, "PID"))
			return i;
	return -1;
}

static bool ps_is_ours(const char *text, int column, const pid_t *pids, size_t n)
{
	char line[4096];
	char *word, *save = NULL;
	uint32_t pid;
	size_t i;

	snprintf(line, sizeof(line), "%s", text);
	for (word = strtok_r(line, " \t\n", &save); word && column; column--)
		word = strtok_r(NULL, " \t\n", &save);
	if (!word || str_to_u32(word, &pid) < 0)
		return false;
	for (i = 0; i < n; i++)
		if (pids[i] == (pid_t)pid)
			return true;
	return false;
}

static int ps_print_table(char **args, const pid_t *pids, size_t n, struct error *e)
{
	char *line = NULL;
	size_t size = 0;
	int column = -1, status;
	pid_t pid;
	FILE *f = ps_open(args, &pid, e);

	if (!f)
		return -EIO;
	if (getline(&line, &size, f) > 0) {
		column = ps_find_column(line);
		if (column >= 0)
			fputs(line, stdout);
	}
	while (column >= 0 && getline(&line, &size, f) > 0)
		if (ps_is_ours(line, column, pids, n))
			fputs(line, stdout);
	free(line);
	fclose(f);
	waitpid(pid, &status, 0);
	if (column >= 0)
		return 0;
	error_say(e, EINVAL, "ps(1) printed no PID column");
	error_hint(e, "install procps, choose options that print it, or use --format json");
	return -EINVAL;
}

int verb_ps(struct cli *cli, int argc, char **argv)
{
	static char *const usual[] = { (char *)"ps", (char *)"-ef", NULL };
	struct ps_options opt = { 0 };
	autofree pid_t *pids = NULL;
	char **args;
	size_t n = 0;
	int first, r;

	r = options_read(&ps_table, argc, argv, &opt, &first, &cli->error);
	if (r)
		return r > 0 ? 0 : r;
	r = oci_pids(&cli->rt, argv[first], &pids, &n, &cli->error);
	if (r < 0)
		return r;
	if (str_eq(opt.format, "json"))
		return ps_json(pids, n, &cli->error);
	if (opt.format && !str_eq(opt.format, "table"))
		return error_say(&cli->error, EINVAL, "--format is table or json, not \"%s\"",
				 opt.format);
	args = argv + first;
	args[0] = (char *)"ps";
	return ps_print_table(argc - first > 1 ? args : (char **)usual, pids, n, &cli->error);
}
