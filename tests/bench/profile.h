/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct arena;
struct error;
struct json;

/*
 * The default seccomp profile as containers-common installs it, resolved for the containers of
 * bundle.h on this machine: *ret is what stands in config.json as linux.seccomp, in the arena.
 */
int profile_load(struct arena *a, const char *path, const struct json **ret, struct error *e);
