/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct cgroup;
struct error;
struct oci_runtime;

/* What a caller of create, run and exec is told: files, sockets, warnings, a sudden death. */

void report_warning(const struct oci_runtime *rt, const char *text);

int report_pid_file(const char *path, pid_t pid, struct error *e); /* path NULL: nothing */
int report_pid_fd(const char *socket_path, int pid_fd,
		  struct error *e); /* path NULL: nothing */

/* The child's socket closed without a word: says how it ended, and whether memory was the reason. */
int report_dead_child(int pid_fd, const struct cgroup *cg, struct error *e);
