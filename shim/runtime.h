/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup/cgroup.h"

struct buf;
struct error;
struct options;

/*
 * What runs containers: liboci within the shim, or the program that the option BinaryName names, by the
 * command line that runc and crun have in common. Everything here may block: it is called in workers, and
 * by the actions of the command line.
 */
struct runtime_target {
	const struct options *options;
	const char *id;
	const char *bundle;
	uint64_t
		until; /* a program is killed then, in milliseconds of CLOCK_MONOTONIC; 0: see invocation.h */
	int notices_fd; /* see notices.h; -1 or 0: nobody listens */
};

struct runtime_io {
	int stdio[3];   /* -1: the caller's own, which are /dev/null */
	int console_fd; /* a connected socket for the terminal's master; -1: no terminal */
};

struct runtime_made {
	pid_t pid; /* once the caller has ended its parent's child, or its own */
	char cgroup[CGROUP_PATH_MAX];  /* of a container; "": none, or not known */
	char cgroup1[CGROUP_PATH_MAX]; /* what cgroup1_of() said; "": version 2, or none */
};

struct runtime_exec {
	const char *id;
	const char *process; /* its JSON */
	size_t process_len;
};

/* What a checkpoint is to hold, and where. */
struct runtime_checkpoint {
	const char *image;  /* the folder that it is written to */
	const char *work;   /* for what is said while it is made */
	const char *parent; /* an earlier one that this one adds to; "" */
	bool leave_running;
	bool open_tcp, external_unix_sockets, terminal, file_locks;
	const char *cgroups_mode; /* "": the runtime's own choice */
	char *const *empty_namespaces;
	size_t n_empty_namespaces;
};

/* One that was found. */
struct runtime_seen {
	const char *id;
	const char *bundle;
	const char *sandbox; /* the pod that it belongs to, after its annotation; "": none */
};

#define RUNTIME_SANDBOX_KEY "io.kubernetes.cri.sandbox-id"

/* All give 0 or -errno. A container that cannot be created is gone again. */
struct runtime {
	int (*create)(const struct runtime_target *t, const struct runtime_io *io,
		      struct runtime_made *ret, struct error *e);
	int (*start)(const struct runtime_target *t, struct error *e);
	int (*exec)(const struct runtime_target *t, const struct runtime_exec *x,
		    const struct runtime_io *io, struct runtime_made *ret, struct error *e);
	/* -ESRCH: nothing of it runs. */
	int (*kill_all)(const struct runtime_target *t, int signum, struct error *e);
	int (*pause)(const struct runtime_target *t, struct error *e);
	int (*resume)(const struct runtime_target *t, struct error *e);
	int (*checkpoint)(const struct runtime_target *t, const struct runtime_checkpoint *c,
			  struct error *e);
	/* create() and start() in one. */
	int (*restore)(const struct runtime_target *t, const struct runtime_checkpoint *c,
		       const struct runtime_io *io, struct runtime_made *ret, struct error *e);
	int (*update)(const struct runtime_target *t, const char *resources, size_t len,
		      struct error *e);
	/* By force; one that does not exist is deleted. */
	int (*remove)(const struct runtime_target *t, struct error *e);
	/* All there are; what cannot be looked at is left out. */
	int (*list)(const struct options *o,
		    void (*each)(void *arg, const struct runtime_seen *s), void *arg,
		    struct error *e);
	/* What it supports, as runtime-spec's "features.md" has it; added to *ret. */
	int (*features)(const struct options *o, struct buf *ret);
};

const struct runtime *runtime_of(const struct options *o);

extern const struct runtime builtin_runtime; /* builtin.c */
extern const struct runtime program_runtime; /* program.c */
