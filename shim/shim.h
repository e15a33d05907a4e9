/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#include "events.h"
#include "loop.h"
#include "notices.h"
#include "options.h"
#include "rest.h"
#include "server.h"
#include "streams.h"
#include "task.pb-c.h"
#include "worker.h"

struct error;

/* The daemon: one for each group of containers. It owns them; they own their processes. */
struct shim {
	struct loop loop;
	struct server server;
	struct workers workers;
	struct events events;
	struct notices notices;
	struct rests rests;
	struct source signals; /* SIGCHLD, SIGIO, SIGTERM, SIGINT */
	struct timer grace;
	struct timer orphan;
	LIST_HEAD(, container) containers;
	const char *namespace;
	const Pb__Any *options; /* the runtime's, as `start` was given them; or NULL */
	const char *socket;     /* its path; removed at the end */
	dev_t socket_dev;       /* which file it is: it may have become another shim's */
	ino_t socket_ino;
	bool stopping; /* Shutdown was called, and there is no container */
	bool expired;  /* waited for answers and events long enough */
};

enum process_status {
	PROCESS_NEW, /* an exec that was not started, an init that is being created */
	PROCESS_CREATED,
	PROCESS_RUNNING,
	PROCESS_STOPPED,
};

struct process {
	LIST_ENTRY(process) link; /* of the container's execs */
	struct container *container;
	char *id; /* of the exec; "": the init process */
	char *in, *out, *err;
	bool terminal;
	char *spec; /* JSON of an exec's process, until it is started */
	size_t spec_len;
	enum process_status status;
	bool busy;   /* a worker makes, starts or removes it */
	bool failed; /* an exec that could not be started */
	bool ended;  /* reaped; it becomes STOPPED when its exit is told */
	pid_t pid;
	struct source source; /* its pidfd */
	uint32_t exit_status;
	struct timespec exited_at;
	struct streams io;
	struct rest rest; /* of its output; the exit is told when it is taken */
	struct timer drain;
	struct call *pending;  /* what the worker's end, or its own, will answer */
	struct call *unwanted; /* wants to delete what is still being created */
	uint64_t until;        /* who called waits for it: see struct call */
	struct call_list waiters;
};

struct container {
	LIST_ENTRY(container) link;
	struct shim *shim;
	char *id;
	char *bundle;
	struct timespec created_at;
	struct pod *pod; /* of a sandbox; NULL */
	struct options options;
	char *checkpoint; /* the folder of what it goes on from when it is started; "": it is new */
	char *cgroup;     /* "": none */
	char *cgroup1; /* see cgroup1.h; "": none */
	bool own_pidns;
	bool paused;
	bool killing;         /* what its init has left behind is being killed */
	struct source memory; /* memory.events, or the eventfd of version 1 */
	int oom_control_fd;   /* of version 1 */
	uint64_t oom_kills;
	const Pb__CreateRequest *request; /* while it is being created */
	struct process init;
	LIST_HEAD(, process) execs;
};

/* serve.c: until Shutdown. `listen_fd` becomes the shim's. */
int shim_serve(struct shim *s, int listen_fd, const char *ttrpc_address, struct error *e);
void shim_stop(struct shim *s);
/* A container is gone: perhaps the last one, and whoever it was for hung up before. */
void shim_check_alone(struct shim *s);
