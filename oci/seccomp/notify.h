/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct error;
struct json_writer;
struct seccomp_program;
struct spec_seccomp;

/*
 * The listener's way to the agent (runtime-spec, "config-linux.md", containerProcessState): one
 * connection, one JSON document, the descriptor in the first message, then close.
 */
struct seccomp_notify {
	const char *oci_version;
	pid_t pid;            /* of the container process, as the runtime sees it */
	const char *metadata; /* listenerMetadata, verbatim; NULL: none */
	/* Writes the value of "state": the container's OCI state, an object. */
	void (*write_state)(struct json_writer *w, const void *state);
	const void *state;
};

/* NOTIFY needs a listenerPath, listenerMetadata needs one too. 0 or -EINVAL. */
int seccomp_notify_check(const struct spec_seccomp *spec, const struct seccomp_program *p,
			 struct error *e);

/*
 * Connects to the stream socket at `path` (no abstract names), within timeout_ms, and sends. Every
 * failure is the container's: 0 or -errno.
 */
int seccomp_notify_send(const char *path, const struct seccomp_notify *n, int listener_fd,
			int timeout_ms, struct error *e);
