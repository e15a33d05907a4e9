/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/words.h"

#include <string.h>

#include "base/build.h"
#include "seccomp/compile.h"
#include "spec/spec.h"

static void add_number(struct sha256 *h, uint64_t v)
{
	sha256_add(h, &v, sizeof(v));
}

static void add_rule(struct sha256 *h, const struct spec_seccomp_rule *rule)
{
	size_t i;

	add_number(h, rule->action);
	add_number(h, rule->set_errno);
	add_number(h, rule->errno_ret);
	add_number(h, rule->n_args);
	for (i = 0; i < rule->n_args; i++) {
		add_number(h, rule->args[i].index);
		add_number(h, rule->args[i].op);
		add_number(h, rule->args[i].value);
		add_number(h, rule->args[i].value_two);
	}
	add_number(h, rule->names.n);
	for (i = 0; i < rule->names.n; i++)
		sha256_add(h, rule->names.v[i], strlen(rule->names.v[i]) + 1);
}

static void add_profile(struct sha256 *h, const struct spec_seccomp *s)
{
	size_t i;

	add_number(h, s->default_action);
	add_number(h, s->set_default_errno);
	add_number(h, s->default_errno);
	add_number(h, s->flags);
	add_number(h, s->n_architectures);
	for (i = 0; i < s->n_architectures; i++)
		add_number(h, s->architectures[i]);
	add_number(h, s->n_rules);
	for (i = 0; i < s->n_rules; i++)
		add_rule(h, &s->rules[i]);
}

void seccomp_words_digest(const struct spec_seccomp *s, const struct seccomp_target *target,
			  uint8_t ret[SHA256_SIZE])
{
	const uint8_t *build = NULL;
	size_t i, len = build_id(&build);
	struct sha256 h;

	sha256_init(&h);
	/* Another build may make another program of the same words. */
	add_number(&h, len);
	if (len)
		sha256_add(&h, build, len);
	sha256_add(&h, STRAKE_VERSION, sizeof(STRAKE_VERSION));
	add_number(&h, seccomp_table_version);
	add_number(&h, target->native);
	add_number(&h, target->flags);
	add_number(&h, target->eq_union);
	add_number(&h, target->first_wins);

	add_profile(&h, s);
	add_number(&h, s->n_ceilings);
	for (i = 0; i < s->n_ceilings; i++)
		add_profile(&h, &s->ceilings[i]);
	sha256_end(&h, ret);
}
