/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "spec/spec.h"

/* Two profiles, word by word; behind cmocka.h. */

static inline void text_same(const char *a, const char *b)
{
	if (!str_eq(a, b))
		fail_msg("\"%s\" is not \"%s\"", a ?: "NULL", b ?: "NULL");
}

static inline void rule_same(const struct spec_seccomp_rule *a,
			     const struct spec_seccomp_rule *b)
{
	assert_int_equal(a->action, b->action);
	assert_int_equal(a->set_errno, b->set_errno);
	assert_int_equal(a->errno_ret, b->errno_ret);
	assert_int_equal(a->n_args, b->n_args);
	for (size_t i = 0; i < a->n_args; i++) {
		assert_int_equal(a->args[i].index, b->args[i].index);
		assert_int_equal(a->args[i].op, b->args[i].op);
		assert_int_equal(a->args[i].value, b->args[i].value);
		assert_int_equal(a->args[i].value_two, b->args[i].value_two);
	}
	assert_int_equal(a->names.n, b->names.n);
	for (size_t i = 0; i < a->names.n; i++)
		text_same(a->names.v[i], b->names.v[i]);
}

static inline void profile_same(const struct spec_seccomp *a, const struct spec_seccomp *b)
{
	assert_int_equal(a->present, b->present);
	assert_int_equal(a->default_action, b->default_action);
	assert_int_equal(a->set_default_errno, b->set_default_errno);
	assert_int_equal(a->default_errno, b->default_errno);
	assert_int_equal(a->flags_present, b->flags_present);
	assert_int_equal(a->flags, b->flags);
	text_same(a->listener_path, b->listener_path);
	text_same(a->listener_metadata, b->listener_metadata);
	assert_int_equal(a->n_architectures, b->n_architectures);
	for (size_t i = 0; i < a->n_architectures; i++)
		assert_int_equal(a->architectures[i], b->architectures[i]);
	assert_int_equal(a->n_rules, b->n_rules);
	for (size_t i = 0; i < a->n_rules; i++)
		rule_same(&a->rules[i], &b->rules[i]);
	assert_int_equal(a->n_ceilings, b->n_ceilings);
}
