/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"
#include "run/timing.h"

static void print_help(void)
{
	size_t i;

	options_help(&cli_table);
	printf("\ncommands:\n");
	for (i = 0; i < cli_n_verbs; i++)
		printf("  %-10s %s\n", cli_verbs[i].name, cli_verbs[i].about);
	printf("\n`strake COMMAND --help` tells the rest.\n");
}

static int open_log(struct cli *cli)
{
	enum log_level most = cli->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING;
	bool json = str_eq(cli->log_format, "json");
	int fd = STDERR_FILENO;

	if (cli->log_format && !json && !str_eq(cli->log_format, "text"))
		return error_say(&cli->error, EINVAL,
				 "--log-format is text or json, not \"%s\"", cli->log_format);
	if (!str_empty(cli->log)) {
		fd = open(cli->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
		if (fd < 0)
			return error_set(&cli->error, errno, "--log: open %s", cli->log);
		cli->log_fd = fd;
	}
	log_to(fd, json, most);
	return 0;
}

static void warn(void *arg, const char *text)
{
	(void)arg;
	log_warning("%s", text);
}

static const char *default_root(bool rootless)
{
	static char path[512];
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	/* Root of an engine's user namespace has no power over /run. */
	if ((!rootless && access("/run", W_OK) == 0) || str_empty(runtime_dir))
		return "/run/strake";
	return str_format(path, sizeof(path), "%s/strake", runtime_dir) < 0 ? "/run/strake"
									    : path;
}

/* An ordinary user, or root of a user namespace with nothing else of his own: `unshare --user --map-root-user`. */
static bool is_rootless(const char *word)
{
	if (word && !str_eq(word, "auto"))
		return str_eq(word, "true");
	return geteuid() != 0 || !proc_owns_ns("mnt");
}

static int set_up(struct cli *cli)
{
	int r;

	r = open_log(cli);
	if (r < 0)
		return r;
	cli->rt.rootless = is_rootless(cli->rootless);
	cli->rt.root = cli->root ?: default_root(cli->rt.rootless);
	cli->rt.cgroup_manager = cli->systemd_cgroup ? "systemd" : cli->cgroup_manager;
	cli->rt.cancel_fd = -1;
	cli->rt.warn = warn;
	if (cli->timing)
		cli->rt.timing = timing_new();
	return 0;
}

static void print_timing(const struct cli *cli)
{
	autobuf text = { .max = 1 << 16 };
	autojson *w = json_writer_new(false);

	if (!cli->rt.timing || !w)
		return;
	timing_write(cli->rt.timing, w);
	if (json_writer_end(w, &text) == 0 && buf_addc(&text, '\n') == 0)
		(void)fd_write_all(STDERR_FILENO, text.data, text.len);
}

/* To the log file, where engines look, and to stderr, where people do. */
static void report(const struct cli *cli)
{
	char shown[sizeof(cli->error.text)];

	log_error(&cli->error);
	if (!str_empty(cli->log))
		fprintf(stderr, "strake: %s\n",
			str_show(shown, sizeof(shown), cli->error.text));
}

static int run_verb(struct cli *cli, const struct verb *v, int argc, char **argv)
{
	int r;

	r = set_up(cli);
	inherit_end();
	if (r == 0)
		r = v->run(cli, argc, argv);
	print_timing(cli);
	if (r >= 0)
		return r;
	report(cli);
	/* 255, as runc does: other numbers are the process's own. */
	return v->run == verb_exec ? 255 : 1;
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	const struct verb *v;
	int first = 0, r;

	inherit_look(&cli);
	/* A caller that ignores it would have the kernel reap our children before we can. */
	signal(SIGCHLD, SIG_DFL);
	r = options_read(&cli_table, argc, argv, &cli, &first, &cli.error);
	if (r < 0) {
		report(&cli);
		return 1;
	}
	if (r > 0 || (first >= argc && !cli.version)) {
		print_help();
		return r > 0 ? 0 : 1;
	}
	if (cli.version) {
		printf("strake version %s\nspec: 1.3.0\n", STRAKE_VERSION);
		return 0;
	}
	if (str_eq(argv[first], "help")) {
		print_help();
		return 0;
	}
	v = verb_find(argv[first]);
	if (!v) {
		error_say(&cli.error, EINVAL, "unknown command \"%s\"", argv[first]);
		error_hint(&cli.error, "`strake help` lists the commands");
		report(&cli);
		return 1;
	}
	return run_verb(&cli, v, argc - first, argv + first);
}
