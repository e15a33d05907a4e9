/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct json_writer;

/*
 * The config.json to begin with, as `spec` prints it: a shell on a terminal with three
 * capabilities, in six namespaces. A rootless one has a user namespace in which root is the caller
 * (uid, gid on the host), the host's network and no cgroup to limit.
 */
struct spec_template {
	bool rootless;
	uint32_t uid;
	uint32_t gid;
};

/* Writes one object; the writer's errors stick until json_writer_end(). */
void spec_template_write(struct json_writer *w, const struct spec_template *t);
