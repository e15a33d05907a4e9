/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "oci.h"

/*
 * The command line: main.c holds the table of verbs, options.c reads flags by tables, and each verb
 * is one file with one function. A verb returns the program's exit status; a failure is left in
 * cli->error with -errno as the return, and main reports it.
 */
struct cli {
	struct oci_runtime rt;
	struct error error;
	bool systemd_cgroup;
	const char *cgroup_manager;
	const char *root;
	const char *log;
	const char *log_format;
	const char *rootless;
	bool debug;
	bool timing;
	bool version;
	bool help;
	unsigned int inherited; /* files from 3 on that the caller left open, without a gap */
	int log_fd;             /* of --log; 0: none */
};

/* --- options.c --------------------------------------------------------------------------------- */

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_STRING, /* const char * */
	OPTION_NUMBER, /* unsigned int */
	OPTION_LIST,   /* struct option_list: may be given again and again */
};

struct option_list {
	size_t n;
	char *v[256 + 1]; /* NULL-terminated */
};

struct option_row {
	const char *name;
	char letter; /* or 0 */
	enum option_kind kind;
	size_t offset;
	const char *value; /* what the help calls its value */
	const char *help;
};

struct option_table {
	const char *usage; /* "run [options] ID" */
	const char *about;
	const struct option_row *rows;
	size_t n;
	int min_args;
	int max_args;       /* -1: any number */
	bool stop_at_first; /* what follows the first operand belongs to it: exec ID ls -l */
};

/*
 * Reads argv[1..] into the struct at `ret`. 0, and *first is the index of the first operand;
 * 1: help was printed; -EINVAL.
 */
int options_read(const struct option_table *t, int argc, char **argv, void *ret, int *first,
		 struct error *e);
void options_help(const struct option_table *t);

/* --- inherit.c --------------------------------------------------------------------------------- */

/* Open files of the caller. First thing of all: sees to 0-2, and counts those from 3 on. */
void inherit_look(struct cli *cli);

/* None of them reaches another program by itself. */
void inherit_end(void);

/* What is handed on to the payload, as struct oci_create_options has it. */
struct inheritance {
	unsigned int *preserve_fds;
	const bool **preserve_gaps;
	unsigned int *listen_fds;
	const char **listen_names;
};

#define INHERITANCE(options)                                \
	((struct inheritance){                              \
		.preserve_fds = &(options)->preserve_fds,   \
		.preserve_gaps = &(options)->preserve_gaps, \
		.listen_fds = &(options)->listen_fds,       \
		.listen_names = &(options)->listen_names,   \
	})

/*
 * Finds the files of --preserve-fds; ours must not be taken for them. Some may be missing: engines that
 * hand on single files give the number that reaches the last of them. Those that a service manager handed
 * us (sd_listen_fds(3)) come before them, and count from here on.
 */
int inherit_check(struct cli *cli, const struct inheritance *in, struct error *e);

/* --- foreground.c ------------------------------------------------------------------------------ */

/*
 * The signals of a program that runs a container: blocked from the start, so that none is lost.
 * Those that mean "end" cancel what is under way (rt.cancel_fd) until foreground_wait() hands
 * everything on to the container.
 */
int foreground_begin(struct cli *cli);

/*
 * Waits for our child while passing on signals, the terminal where master_fd >= 0, and what it tells of its
 * readiness; `run` is NULL for a process of a container that another runs. Its exit status as a shell shows
 * it, or -errno.
 */
int foreground_wait(struct cli *cli, const struct oci_process *p, int master_fd,
		    struct oci_run *run);

/* NOTIFY_SOCKET of a service manager that waits for us, or NULL. */
const char *foreground_service(void);

/* A pair of sockets for a terminal that we keep ourselves: [1] is what liboci gets. */
int foreground_console_pair(int ret[2], struct error *e);
/* Of the terminal we run in; 0 where there is none. */
void foreground_console_size(unsigned int *rows, unsigned int *columns);
int foreground_console_take(int socket_fd, struct error *e); /* the master, or -errno */

/* --- matching.c -------------------------------------------------------------------------------- */

/*
 * Does something to each container whose id has the pattern in it (regex(7), extended). All are tried; the
 * last failure is returned, others are logged.
 */
typedef int (*matching_act)(struct cli *cli, const char *id, const void *arg);
int matching_each(struct cli *cli, const char *pattern, matching_act act, const void *arg);

/* --- verbs.c ----------------------------------------------------------------------------------- */

struct verb {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *about; /* one line of the list */
	const struct option_table *table;
};

extern const struct verb cli_verbs[]; /* sorted by name */
extern const size_t cli_n_verbs;
extern const struct option_table cli_table; /* what stands in front of the command */

const struct verb *verb_find(const char *name); /* or NULL */

/* run.c, for those who waited for a container: deletes it unless it is to be kept, and logs why not. */
void run_end(struct oci_run *run, bool keep);

int verb_checkpoint(struct cli *cli, int argc, char **argv);
int verb_completion(struct cli *cli, int argc, char **argv);
int verb_create(struct cli *cli, int argc, char **argv);
int verb_delete(struct cli *cli, int argc, char **argv);
int verb_doctor(struct cli *cli, int argc, char **argv);
int verb_events(struct cli *cli, int argc, char **argv);
int verb_exec(struct cli *cli, int argc, char **argv);
int verb_features(struct cli *cli, int argc, char **argv);
int verb_kill(struct cli *cli, int argc, char **argv);
int verb_list(struct cli *cli, int argc, char **argv);
int verb_man(struct cli *cli, int argc, char **argv);
int verb_mounts(struct cli *cli, int argc, char **argv);
int verb_pause(struct cli *cli, int argc, char **argv);
int verb_policy(struct cli *cli, int argc, char **argv);
int verb_ps(struct cli *cli, int argc, char **argv);
int verb_restore(struct cli *cli, int argc, char **argv);
int verb_resume(struct cli *cli, int argc, char **argv);
int verb_run(struct cli *cli, int argc, char **argv);
int verb_spec(struct cli *cli, int argc, char **argv);
int verb_start(struct cli *cli, int argc, char **argv);
int verb_state(struct cli *cli, int argc, char **argv);
int verb_update(struct cli *cli, int argc, char **argv);
int verb_wait(struct cli *cli, int argc, char **argv);

extern const struct option_table checkpoint_table, doctor_table, completion_table, create_table,
	delete_table, events_table, exec_table, features_table, kill_table, list_table,
	man_table, mounts_table, pause_table, policy_table, ps_table, restore_table,
	resume_table, run_table, spec_table, start_table, state_table, update_table, wait_table;

/* --- what several verbs share: output.c, output_stats.c ----------------------------------------- */

struct cgroup_stats;
struct json_writer;

int output_json(struct json_writer *w, struct error *e);
void output_stats(struct json_writer *w, const struct cgroup_stats *s);
void output_state(struct json_writer *w, const struct oci_state *s);

/* The name of the user who made it, his number where he has none. dst holds OUTPUT_OWNER_SIZE bytes; returns dst. */
#define OUTPUT_OWNER_SIZE (LOGIN_NAME_MAX + 1)
const char *output_owner(char *dst, const struct oci_state *s);
