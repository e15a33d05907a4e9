/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct criu_request;
struct error;

/* CRIU's words on the wire: protobuf messages over a socket of whole packets (criu.proto). */

struct criu_answer {
	bool notify;   /* it waits for rpc_go_on(), else this was the last word */
	bool success;  /* of a last word */
	int errnum;    /* without success: what it failed for; 0: unknown */
	char text[96]; /* of a notification: where it is; of a failure: its words, or "" */
	pid_t pid;     /* of what is being restored, or has been; 0 */
	int fd;        /* that it passed along; the caller's to close; -1 */
};

int rpc_ask(int socket_fd, const struct criu_request *rq, struct error *e);
int rpc_go_on(int socket_fd, bool well, struct error *e);

/* 0; -EPIPE: it has gone without a word. */
int rpc_hear(int socket_fd, struct criu_answer *ret, struct error *e);
