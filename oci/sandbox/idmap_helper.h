/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct error;
struct spec_id_mapping;

/*
 * Has newuidmap(1) or newgidmap(1), which are privileged, write a map for a user: of ids that /etc/subuid
 * and /etc/subgid give him. The program is looked for in PATH. -ENOENT: there is none.
 */
int idmap_ask_helper(const char *program, pid_t pid, const struct spec_id_mapping *m, size_t n,
		     struct error *e);
