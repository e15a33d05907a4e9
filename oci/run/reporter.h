/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct error;
struct guard;
struct seccomp_program;

/*
 * The process that tells of a container's denied calls, where a policy asks for it: a fork of ours that
 * holds the filter's listener (seccomp/denied.h), so nothing that we wait for keeps a call waiting. It
 * ends with the last process under the filter. Killed, its calls fail with ENOSYS: never allowed, never
 * stuck.
 *
 * One line for each call, up to REPORTER_BURST and then REPORTER_RATE a second; what is above is
 * counted by call and errno, and told once a second as a line with its "count": the counts of all
 * lines add up to the calls that were denied.
 */
#define REPORTER_RATE  100
#define REPORTER_BURST 200

/* The same as notices (notice.h), which go to a client's own queue: fewer, and counts among them. */
#define REPORTER_NOTICES_RATE  10
#define REPORTER_NOTICES_BURST 50

struct reporter {
	int pid_fd;  /* -1: there is none */
	int word_fd; /* it writes there when everything is told */
};

#define REPORTER_NONE ((struct reporter){ -1, -1 })

struct reporter_options {
	const char *id;    /* of the container */
	const char *where; /* a file to append JSON lines to; "-": text on stderr; NULL: none */
	int policy_fd;     /* and as notices; -1 or 0: not */
	/* Or all calls are seen, and become a profile in this file (record.h); NULL: no */
	const char *record;
	const struct guard *guard;
	const struct seccomp_program *plain; /* the filter that decides */
};

/* The file its lines go to, made where there is none. A descriptor, or -1 and errno. */
int reporter_open(const char *where);

/* Takes a copy of the listener. */
int reporter_start(struct reporter *r, const struct reporter_options *opt, int listener_fd,
		   struct error *e);

/*
 * After the container's end: 0 once everything is told, -EPIPE: the reporter has ended before the
 * container did, or could not write all; -ETIMEDOUT: there are processes left under the filter.
 */
int reporter_end(struct reporter *r, struct error *e);
void reporter_done(struct reporter *r); /* lets it go on alone */
