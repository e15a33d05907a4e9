/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct error;
struct spec;

/*
 * User namespace maps (user_namespaces(7)), written by the parent for its child, setgroups denied
 * first where we are not privileged (CVE-2014-8989).
 */
int idmap_write(pid_t pid, const struct spec *s, struct error *e);

/* Child, in its new namespace and mapped: become its root, if it has one. */
int idmap_become_root(struct error *e);
