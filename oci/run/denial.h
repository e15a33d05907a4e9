/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct error;
struct guard;
struct policy_rule;
struct seccomp_data;
struct seccomp_rules;

/*
 * Which rule of the node's denies a call. Only for telling: what happens to the call is decided by the
 * filter alone.
 */
struct denial {
	size_t n;
	struct denial_rule {
		const struct policy_rule *rule;
		struct seccomp_rules *rules;
	} * v;
};

/* From the rules that a guard applied; they are borrowed. 0, -ENOMEM or as the filter's compiler. */
int denial_init(struct denial *d, const struct guard *g, struct error *e);
void denial_done(struct denial *d); /* safe on a zeroed one */

/* NULL: none of them, so it is the container's own profile. */
const struct policy_rule *denial_find(const struct denial *d, const struct seccomp_data *data);
