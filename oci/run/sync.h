/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * What parent and child tell each other over one SOCK_SEQPACKET pair. A failure anywhere in the
 * child comes back whole; the socket's close on exec is the message of success.
 */
enum sync_kind {
	SYNC_ERROR = 1, /* child: `error`; it ends now */
	SYNC_WARNING,   /* child: `error.text`; it goes on */
	SYNC_PID,       /* intermediate child: `arg` is the pid of the real one, our child */
	SYNC_MAP,       /* child: write my id maps */
	SYNC_HOOKS,     /* child: namespaces and mounts are there, run the runtime's hooks */
	SYNC_READY,     /* child: everything is built, only start is missing */
	SYNC_LOADING,   /* child: the next call is seccomp(2), and it gives a listener */
	SYNC_CGROUP,    /* parent: you are in your cgroup now (systemd) */
	SYNC_NET,       /* parent: the network namespace, as a descriptor */
	SYNC_IGNORED,   /* parent: signal `arg` is ignored, and must not be; no answer */
	SYNC_GO,        /* parent: go on; `arg` is the child's pid as the parent sees it */
	SYNC_START,     /* parent or `start`: run the payload */
};

struct sync_msg {
	uint32_t kind;
	int32_t arg;
	struct error error;
};

const char *sync_kind_name(enum sync_kind kind);

int sync_pair(int ret[2]); /* close-on-exec; 0 or -errno */

int sync_send(int fd, enum sync_kind kind, int arg);                     /* 0 or -errno */
int sync_send_error(int fd, enum sync_kind kind, const struct error *e); /* 0 or -errno */

int sync_send_fd(int fd, enum sync_kind kind, int passed); /* 0 or -errno */

/* 1: a message of this kind, and its descriptor in *passed; else as sync_recv(). */
int sync_recv_fd(int fd, enum sync_kind kind, int *passed);

/* 1: a message; 0: the peer is gone; -errno (-EPROTO: no message of ours). */
int sync_recv(int fd, struct sync_msg *ret);

/*
 * Waits for a message or for cancel_fd (-1: none) to become readable: as sync_recv(), and
 * -ECANCELED.
 */
int sync_recv_or_cancel(int fd, int cancel_fd, struct sync_msg *ret);

/*
 * The same, and 0 where the process behind pid_fd (-1: none) ends without a word, although somebody else
 * may hold its end.
 */
int sync_recv_alive(int fd, int cancel_fd, int pid_fd, struct sync_msg *ret);

/*
 * Waits until the peer has closed its end, which POLLHUP tells: messages do not wake us, and stay to be
 * received. 0, or -errno (-ECANCELED).
 */
int sync_await_end(int fd, int cancel_fd);
