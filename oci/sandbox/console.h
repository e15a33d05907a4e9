/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct sandbox;
struct spec_process;

/*
 * process.terminal: a pseudoterminal of the container's own devpts. Its multiplexer is verified to
 * be one, the other end comes from TIOCGPTPEER and never from a path (CVE-2025-52565); the master
 * goes to the console socket (sb->console_fd) as one message with one descriptor.
 */

/* Child: fds 0, 1 and 2 become the terminal; new session with it as controlling terminal.
 * `bind`: also mount it on /dev/console. */
int console_make(struct sandbox *sb, bool bind, struct error *e);

/* The same process where that is not yet its session (sb->born_last): fd 0 is its terminal. */
int console_control(struct error *e);

/* Parent: connects to the AF_UNIX stream socket at `path`. Its fd, or -errno. */
int console_connect(const char *path, struct error *e);

/* Parent: the size of the terminal where the process names none. 0: leave it. */
void console_default_size(struct spec_process *p, unsigned int rows, unsigned int columns);
