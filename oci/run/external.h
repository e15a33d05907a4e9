/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "criu/request.h"

struct arena;
struct error;
struct spec;

/*
 * What of a container is not in the image of its processes: mounts of the host's files, namespaces that
 * others made, and the other ends of its standard files. Each has a name in the image, the same that runc
 * and crun give it, so that one may restore what another has saved.
 */

/* What stands for mounts[i] while it is restored: "FOLDER/mount.N". */
#define EXTERNAL_STAGED "mount."

/* Dump: names what is external of the container whose first process is `pid`. */
int external_of_dump(const struct spec *s, pid_t pid, struct arena *a, struct criu_request *rq,
		     struct error *e);

/*
 * Restore: the same names, and what stands for them: of mounts and of the devices in nodes_fd, what is staged
 * below `stage` (run/stage.h). Namespaces by path, at most two of them, are opened and added to the *n_fds files that the
 * program gets.
 */
int external_of_restore(const struct spec *s, const char *rootfs, const char *stage,
			int nodes_fd, const char *cgroup, struct arena *a,
			struct criu_request *rq, int *fds, size_t *n_fds, struct error *e);

/* The file in the image that says what 0, 1 and 2 were; it is a list of three strings. */
#define EXTERNAL_STDIO "descriptors.json"

/* After external_of_dump(). */
int external_save_stdio(int image_fd, pid_t pid, struct arena *a, struct criu_request *rq,
			struct error *e);
int external_load_stdio(int image_fd, struct arena *a, struct criu_request *rq,
			struct error *e);
