/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct oci_runtime;
struct spec;
struct state;

/*
 * The poststart hooks. runtime-spec 1.3, "Lifecycle": one that fails is an error, and the container
 * is stopped.
 */
int poststart_run(const struct oci_runtime *rt, const struct state *state,
		  const struct spec *spec, int pid_fd, struct error *e);
