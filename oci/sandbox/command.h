/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct spec_process;

/*
 * What will be executed, looked up with the payload's own eyes: after the pivot, as its user, in its
 * working directory. The words of the errors are those that engines look for in a runtime's message
 * ("executable file not found in $PATH", "no such file or directory", "permission denied").
 */

/* process.args[0] by process.env's PATH; *ret is the caller's to free. Also checks that it could run:
 * an ordinary file with the execute permission, its interpreter there. */
int command_find(const struct spec_process *p, char **ret, struct error *e);

/*
 * The environment as execve(2) wants it: the last of repeated names wins, HOME from the image's
 * /etc/passwd (bounded, never a FIFO or device) where it is missing. The array is the caller's to
 * free; the strings belong to the process, but ours, which are in the same allocation. listen_fds: how
 * many sockets from 3 on are handed over; 0: nothing is said about any.
 */
int command_environment(const struct spec_process *p, unsigned int listen_fds,
			const char *listen_names, char ***ret, struct error *e);

/* With listen_fds: LISTEN_PID, by the very process that will execute. */
void command_tell_pid(char **env);
