/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct create;
struct error;
struct oci_create_options;
struct oci_criu_options;
struct oci_process;
struct oci_runtime;

/* As create_container(), its processes restored by CRIU. */
int restore_container(struct create *c, const struct oci_runtime *rt,
		      const struct oci_create_options *opt, const struct oci_criu_options *criu,
		      struct oci_process *ret, struct error *e);
