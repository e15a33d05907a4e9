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
#include "base/str.h"
#include "cli/cli.h"
#include "run/timing.h"

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *about;
} verbs[] = {
	{ "create", verb_create, "make a container from a bundle; it waits for start" },
	{ "delete", verb_delete, "remove a container and what it holds" },
	{ "events", verb_events, "print statistics and lack of memory, as JSON" },
	{ "exec", verb_exec, "run one more process in a running container" },
	{ "features", verb_features, "print what this runtime supports, as JSON" },
	{ "kill", verb_kill, "send a signal to a container" },
	{ "list", verb_list, "list the containers" },
	{ "pause", verb_pause, "freeze all processes of a container" },
	{ "policy", verb_policy, "check the node's policies, and what they make of a bundle" },
	{ "ps", verb_ps, "list the processes of a container" },
	{ "resume", verb_resume, "thaw a paused container" },
	{ "run", verb_run, "create a container, start it, wait for it and remove it" },
	{ "spec", verb_spec, "write a config.json to start from" },
	{ "start", verb_start, "run the process of a created container" },
	{ "state", verb_state, "print the state of a container, as JSON" },
	{ "update", verb_update, "change the limits of a running container" },
	{ "wait", verb_wait, "wait for the end of a container, and print its status" },
};

#define ROW(name, letter, kind, field, value, help)                          \
	{                                                                    \
		name, letter, kind, offsetof(struct cli, field), value, help \
	}

static const struct option_row global_rows[] = {
	ROW("root", 0, OPTION_STRING, root, "DIR", "state folder [/run/strake]"),
	ROW("log", 0, OPTION_STRING, log, "FILE", "append log records to FILE"),
	ROW("log-format", 0, OPTION_STRING, log_format, "FORMAT", "text or json [text]"),
	ROW("debug", 0, OPTION_FLAG, debug, NULL, "log what is done"),
	ROW("cgroup-manager", 0, OPTION_STRING, cgroup_manager, "NAME",
	    "cgroupfs, systemd or disabled [cgroupfs]"),
	ROW("systemd-cgroup", 0, OPTION_FLAG, systemd_cgroup, NULL,
	    "the same as --cgroup-manager=systemd"),
	ROW("policy", 0, OPTION_STRING, rt.policy, "FILE|DIR",
	    "node policies [/etc/strake/policy.d]"),
	ROW("policy-report", 0, OPTION_STRING, rt.report, "FILE",
	    "run: append denied calls as JSON lines, where a policy asks for reports [stderr]"),
	ROW("rootless", 0, OPTION_STRING, rootless, "WHETHER", "true, false or auto [auto]"),
	ROW("timing", 0, OPTION_FLAG, timing, NULL,
	    "print when each phase ended, as JSON on stderr"),
	ROW("version", 'v', OPTION_FLAG, version, NULL, "print the version"),
};

static const struct option_table global_table = {
	.usage = "[global options] COMMAND [options] [arguments]",
	.about = "Runs OCI containers: runtime-spec 1.3, cgroup v2.",
	.rows = global_rows,
	.n = ARRAY_SIZE(global_rows),
	.max_args = -1,
	.stop_at_first = true,
};

static void print_help(void)
{
	size_t i;

	options_help(&global_table);
	printf("\ncommands:\n");
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].about);
	printf("\n`strake COMMAND --help` tells the rest.\n");
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (str_eq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
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

static int set_up(struct cli *cli)
{
	int r;

	r = open_log(cli);
	if (r < 0)
		return r;
	cli->rt.rootless = cli->rootless && !str_eq(cli->rootless, "auto")
				   ? str_eq(cli->rootless, "true")
				   : geteuid() != 0;
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
	r = options_read(&global_table, argc, argv, &cli, &first, &cli.error);
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
	v = find_verb(argv[first]);
	if (!v && (str_eq(argv[first], "checkpoint") || str_eq(argv[first], "restore"))) {
		error_say(&cli.error, ENOTSUP, "%s: checkpoints are not supported",
			  argv[first]);
		report(&cli);
		return 1;
	}
	if (!v) {
		error_say(&cli.error, EINVAL, "unknown command \"%s\"", argv[first]);
		error_hint(&cli.error, "`strake help` lists the commands");
		report(&cli);
		return 1;
	}
	return run_verb(&cli, v, argc - first, argv + first);
}
