/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct arena;
struct error;
struct json;
struct seccomp_program;

/*
 * The default seccomp profile as containers-common installs it, resolved for the containers of
 * bundle.h on this machine: *ret is what stands in config.json as linux.seccomp, in the arena, and
 * *ret_program, the caller's, what the kernel is given for it.
 */
int profile_load(struct arena *a, const char *path, const struct json **ret,
		 struct seccomp_program *ret_program, struct error *e);
