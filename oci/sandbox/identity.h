/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct sandbox;

/* Who the payload is and what it may: user, groups, capabilities, no_new_privs, limits, keyring. */

int identity_set_rlimits(struct sandbox *sb, struct error *e);

/* A session keyring of its own, "_ses.<id>": the caller's keys stay the caller's. */
int identity_join_keyring(struct sandbox *sb, struct error *e);

/* process.cwd where it is missing and the root is about to become read-only. What fails is told on entering. */
void identity_make_cwd(const struct sandbox *sb);

/* process.cwd, made if it is missing, before the user changes; `again` retries as that user. */
int identity_enter_cwd(struct sandbox *sb, bool again, struct error *e);

/* Pipes and sockets given as 0-2 become the user's, so that it may open /dev/stdout again. */
int identity_own_stdio(struct sandbox *sb, struct error *e);

/* Once: what is executed from here on has no other capabilities than the payload may get. */
int identity_drop_bounding(struct sandbox *sb, struct error *e);

/*
 * Groups, bounding set, user, the other sets, ambient, no_new_privs; in the only order that works
 * (capabilities(7)). `keep_admin`: seccomp(2) will still need CAP_SYS_ADMIN, because no_new_privs is
 * off; execve(2) then drops it, as it is in no set that survives.
 */
int identity_assume(struct sandbox *sb, bool keep_admin, struct error *e);
