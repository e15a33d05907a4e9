/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup_pids;
struct error;

/*
 * Where another runtime has put a container on a host of cgroup v1, or one that has both: liboci wants
 * version 2. Hierarchies are where every distribution mounts them, /sys/fs/cgroup/CONTROLLER.
 */

bool cgroup1_is_mounted(void);

/* The text of /proc/PID/cgroup, "7:memory:/path" a line; "" where those are our own. */
int cgroup1_of(pid_t pid, char *dst, size_t size, struct error *e);

/* The folder of one controller, as an O_PATH descriptor; -ENOENT where there is none. */
int cgroup1_open(const char *lines, const char *controller);

/* The processes of the container, not of cgroups below it. */
int cgroup1_pids(const char *lines, struct cgroup_pids *ret);

/* What is readable each time that memory was short, and the file that says how often one was killed. */
int cgroup1_watch_oom(const char *lines, int *ret_event_fd, int *ret_control_fd);
int cgroup1_oom_kills(int control_fd, uint64_t *ret);
