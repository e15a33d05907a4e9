/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "run/sync.h"

struct child;
struct sandbox;

/*
 * The runtime as a container's process knows it before its payload runs: at the other end of sync_fd. It may die at
 * any time, and without it there is no container: where it is gone, these end the process.
 */

/* Whether its end is ours. A change of credentials clears it (prctl(2), PR_SET_PDEATHSIG). 0 or -errno. */
int parent_die_with(bool on, struct error *e);

/*
 * As parent_die_with(true), also where it had ended before that. Gives up the folder's lock: until then nobody removes
 * what we may still make.
 */
int parent_bind(struct child *c, struct error *e);

/* As sync_recv(): signals to reset, which are told at any time, are reset and not returned. */
int parent_recv(struct child *c, struct sync_msg *m);

/* Says `ask` and waits for the word to go on: `answer`, or SYNC_START. Learns our pid from it. The kind, or -errno. */
int parent_ask(struct child *c, enum sync_kind ask, enum sync_kind answer, struct error *e);

/* Until systemd has put us into our cgroup. Learns its path, where the container is to see that. 0 or -errno. */
int parent_await_cgroup(struct child *c, struct error *e);

/* For struct sandbox: takes and joins the network namespace, which the parent may still be making. */
int parent_await_net(struct sandbox *sb, struct error *e);

/* For struct sandbox, whose warn_arg is the struct child. */
void parent_warn(void *arg, const char *text);
