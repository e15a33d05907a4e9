/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct arena;
struct error;
struct policy;
struct policy_set;

/*
 * Bytes -> struct policy. Pure, and strict: an unknown or repeated key, another schema, a null, a wrong
 * type or an unknown word is refused with file, line and JSON path, because a rule that was not
 * understood would allow what it should forbid. -EINVAL, -E2BIG, -ENOMEM.
 */
int policy_parse(struct arena *a, const char *file, const char *text, size_t len,
		 struct policy *ret, struct error *e);

/* Collects the rules of s->policies in their order. -E2BIG past POLICY_MAX_RULES. */
int policy_set_order(struct policy_set *s, struct error *e);

/* Fills in the digest of each rule, for who compares them; a start seldom needs it. -ENOMEM. */
int policy_set_digest(struct policy_set *s, struct error *e);
