/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct spec;

/*
 * Names in linux.seccomp that no kernel known to us has are skipped, as profiles are written for
 * many kernels. Where the annotation run.oci.seccomp_fail_unknown_syscall is there, and is not "0",
 * each of them refuses the container: who wrote the profile wants to hear of a slip.
 */
int filter_names_check(const struct spec *s, struct error *e);
