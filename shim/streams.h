/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "logger.h"
#include "stream.h"

struct error;

/*
 * The three streams of one process. Between the process and the client's fifos, or its terminal, the shim
 * copies. Regular files and file:// are the process's own, without the shim in between; so are the pipes of
 * binary://, which a program reads.
 */
struct streams {
	struct loop *loop;
	struct stream in, out, err;
	int child[3];   /* the process's ends; -1: the shim's own, which are /dev/null */
	int console[2]; /* [0] ours, [1] for liboci: here the terminal's master arrives */
	int master_fd;  /* of the terminal, for its size */
	struct logger logger;
	int hold_fd; /* keeps the stdin fifo from ending while clients come and go */
	void (*drained)(struct streams *s); /* streams_is_drained() says so now; may be NULL */
};

struct streams_options {
	const char *in, *out, *err; /* "": none */
	bool terminal;
	uid_t uid; /* who owns the pipes */
	gid_t gid;
};

void streams_init(struct streams *s, struct loop *l);

/* Before the process is made. */
int streams_open(struct streams *s, const struct streams_options *opt, struct error *e);

/* After: the process's ends are closed here, and copying begins. */
int streams_begin(struct streams *s, struct error *e);

/* The log program that was started; when it ends before the process, the rest is thrown away. */
void streams_log_to(struct streams *s, pid_t logger);

int streams_resize(struct streams *s, unsigned int rows,
		   unsigned int columns);      /* 0 or -errno */
void streams_close_stdin(struct streams *s);   /* ends once the client has closed its end too */
void streams_process_ended(struct streams *s); /* nobody reads stdin any more */
void streams_flush(struct streams *s);         /* moves what its readers have room for, now */
/* Both outputs have ended, and the log program. */
bool streams_is_drained(const struct streams *s);
void streams_done(struct streams *s); /* closes everything; safe on an initialised one */
