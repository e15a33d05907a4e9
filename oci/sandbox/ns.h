/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct sandbox;

/* Namespaces (namespaces(7), runtime-spec "config-linux.md", Namespaces). */

/* Parent: opens every namespace given by path into sb->ns_fd, and checks what it is. */
int ns_open_paths(struct sandbox *sb, struct error *e);
void ns_close_paths(struct sandbox *sb);

/*
 * The CLONE_NEW* flags for clone3: all new ones but cgroup and time. The cgroup namespace must be
 * made from inside the cgroup, and time offsets can only be set before anybody lives in it.
 */
uint64_t ns_clone_flags(const struct sandbox *sb);

/*
 * Whether ns_make_net() is to make it: there is one to make, in the caller's user namespace, and
 * the caller can return to his own. ns_open_paths() has found out.
 */
bool ns_net_apart(const struct sandbox *sb);

/*
 * Parent: makes a new network namespace and returns a descriptor of it, while the caller stays in its
 * own. A new network namespace takes longer than everything else of clone3 together; so the child is
 * born without it and gets this one by setns(2). *ret_socket_fd: a socket that was made there.
 */
int ns_make_net(int *ret_socket_fd, struct error *e);

/* Through that socket: 127.0.0.1 answers, as with other runtimes. */
int ns_raise_loopback(int socket_fd, struct error *e);

/* Parent: the same in the network namespace of a process that others have made. */
int ns_raise_loopback_of(pid_t pid, struct error *e);

/* Child: joins those given by path but user and pid, which the parent's clone took care of. */
int ns_join(struct sandbox *sb, struct error *e);

/* Child: the new cgroup and time namespaces, and lo of the network namespace it was born into. */
int ns_unshare_late(struct sandbox *sb, struct error *e);

/* Child of exec: joins everything of the target but its pid namespace. */
int ns_join_target(struct sandbox *sb, struct error *e);

/* Child: hostname and domainname. */
int ns_set_names(struct sandbox *sb, struct error *e);
