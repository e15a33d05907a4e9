/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;

/*
 * Where another runtime sends the master of a terminal that it made: a socket in the bundle, for as long
 * as it runs. Its name is relative, because a bundle's path may be longer than a socket's can be.
 */
struct terminal {
	int dir_fd; /* of the bundle */
	int fd;     /* listens */
	char name[96];
};

#define TERMINAL_NONE ((struct terminal){ .dir_fd = -1, .fd = -1 })

int terminal_listen(struct terminal *c, const char *bundle, const char *name, struct error *e);

/* The runtime has ended: what it sent goes on to the connected socket `to_fd`. */
int terminal_pass(const struct terminal *c, int to_fd, struct error *e);
void terminal_done(struct terminal *c); /* removes the socket; safe on TERMINAL_NONE */
