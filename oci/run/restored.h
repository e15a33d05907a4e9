/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct cgroup;
struct error;
struct spec;

/*
 * What an image says of its processes is the word of whoever gave it. Before any of them runs, each in the
 * cgroup, but for `criu` itself, is held to the spec as policies have left it: capabilities, no new
 * privileges, a filter. -EPERM names the process and what it has.
 */
int restored_check(const struct cgroup *cg, pid_t criu, const struct spec *s, struct error *e);
