/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "cgroup/cgroup.h"
#include "oci.h"
#include "run/state.h"

struct buf;
struct error;
struct json_writer;
struct spec;

/* One container that exists: its folder below the root, locked or not, and its state. */
struct container {
	const struct oci_runtime *rt;
	int dir_fd; /* <root>/<id>, also what is locked */
	struct state state;
};

#define CONTAINER_INIT ((struct container){ .dir_fd = -1 })

/*
 * -ENOENT: no such container. With lock_ms from 0 on, nobody else creates, starts or deletes it until
 * container_done(); -EBUSY where somebody does for that long.
 */
#define CONTAINER_UNLOCKED (-1)
#define CONTAINER_LOCK_MS  10000 /* what a command waits for another one on the same container */

int container_open(const struct oci_runtime *rt, const char *id, int lock_ms,
		   struct container *ret, struct error *e);
void container_done(struct container *c);

/* Lets others at it while we keep it open, and takes it back: -EBUSY, or -ENOENT where it is gone. */
void container_unlock(const struct container *c);
int container_lock_again(const struct container *c);
#define autocontainer __attribute__((cleanup(container_done))) struct container

/* Opens the root folder, making it (0700) where `make`. The fd or -errno. */
int container_open_root(const struct oci_runtime *rt, bool make, struct error *e);

/* A pidfd of the first process, or -ESRCH where it has ended. */
int container_open_init(const struct container *c);

/* What it is doing now: by its process, its cgroup and its start socket. */
int container_status(const struct container *c, enum oci_status *ret, struct error *e);

/* Its cgroup; -ENOENT where it is gone, -ENOTSUP where it never had one. */
int container_open_cgroup(const struct container *c, struct cgroup *ret, struct error *e);

/* The spec it was made from: the copy beside the state. The caller owns it (spec_done). */
int container_read_spec(const struct container *c, struct spec *ret, struct error *e);

/* The OCI state ("runtime.md", State), as hooks and the seccomp agent get it. */
int container_state_json(const struct state *s, enum oci_status status, pid_t pid,
			 struct buf *ret);
void container_write_state(struct json_writer *w, const struct state *s, enum oci_status status,
			   pid_t pid);
