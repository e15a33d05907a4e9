/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/stamp.h"
#include "cgroup/limits.h"
#include "cgroup/manager.h"
#include "oci.h"
#include "run/child.h"
#include "run/container.h"
#include "run/filter.h"
#include "run/guard.h"
#include "run/reporter.h"
#include "spec/spec.h"

struct restore;

/*
 * What the steps of create.c hand to each other. A failure ends whatever of it there is, in any state it
 * was left in.
 */
struct create {
	const struct oci_runtime *rt;
	const struct oci_create_options *opt;
	bool run;   /* start at once */
	bool hurry; /* nothing will be asked on the way: START is sent before READY comes */
	bool heard; /* from here on the steps listen to the child themselves */

	const char *bundle; /* absolute */
	struct buf config;  /* config.json as it was read */
	struct spec spec;
	struct guard guard; /* node policies */
	struct reporter reporter;
	struct container container;
	bool made_folder;
	char created[STAMP_SIZE];

	struct arena arena;
	struct limits_plan plan;
	struct manager manager;
	bool has_manager;
	int root_fd; /* the state folder, until the cgroup is there; -1 */

	int ready_fd;      /* what the container says of itself (run/ready.h); -1 */
	int net_fd;        /* the new network namespace, until the child has it; -1 */
	int net_socket_fd; /* made there; -1 */
	struct filter filter;
	struct child child;
	struct restore *restore; /* restore.c's own; or NULL */
	int sync_fd;             /* our end */
	int pid_fd;
	pid_t pid;
};

/*
 * Answers what the child asks, until it has built everything (run/sync.h). In a hurry that is until the
 * payload runs: nobody is woken before.
 */
int create_serve(struct create *c, struct error *e);

/*
 * What we do while the child builds fails, too, where the child has failed: its end takes a scope's
 * cgroup along, for one. Then its own words are the reason, or else its end. Returns r or the child's.
 */
int create_last_words(struct create *c, int r, struct error *e);

/*
 * Whether r, of telling the child something, says that it has failed: its own reason waits to be read. Should it be
 * there all the same, it hears that nothing more comes, and ends: neither may wait for the other.
 */
bool create_child_is_gone(const struct create *c, int r);

/* One of the steps that the way consists of. 0 or -errno. */
struct create_step {
	const char *name;
	int (*run)(struct create *c, struct error *e);
};

void create_init(struct create *c, const struct oci_runtime *rt,
		 const struct oci_create_options *opt, bool run);
/* All of them, or what has been made is undone. */
int create_walk(struct create *c, const struct create_step *steps, size_t n, struct error *e);

/* The hooks of the host's side, prestart and createRuntime, for the container's process `pid`. */
int create_run_hooks(struct create *c, pid_t pid, struct error *e);

/* Steps that a restore has, too. */
int create_read_bundle(struct create *c, struct error *e);
int create_apply_policies(struct create *c, struct error *e);
int create_make_folder(struct create *c, struct error *e);
int create_begin_cgroup(struct create *c, struct error *e);
int create_ask_systemd(struct create *c, struct error *e);
struct sandbox *
create_describe_sandbox(struct create *c); /* what config.json and options say of it */
int create_open_console(struct create *c, struct error *e);
int create_await_cgroup(struct create *c, struct error *e);
int create_make_filter(struct create *c, struct error *e);
int create_set_limits(struct create *c, struct error *e);
int create_save(struct create *c, struct error *e);
int create_record(struct create *c, struct error *e);

/* Steps of create_meanwhile.c that it has not. */
int create_make_net(struct create *c, struct error *e);
int create_tell_signals(struct create *c, struct error *e);
int create_drop_seal(struct create *c, struct error *e);
int create_hurry(struct create *c, struct error *e);

/*
 * The whole way, `run` telling whether the container's program is started too. 0 or -errno, the container
 * undone. *c is to be freed by create_done() either way; create_close() frees earlier what only the making
 * needed.
 */
int create_container(struct create *c, const struct oci_runtime *rt,
		     const struct oci_create_options *opt, bool run, struct oci_process *ret,
		     struct error *e);
void create_close(struct create *c);
void create_done(struct create *c);
