/* SPDX-License-Identifier: Apache-2.0 */
#include "run/denial.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "run/guard.h"
#include "seccomp/compile.h"
#include "seccomp/load.h"
#include "seccomp/rules.h"
#include "spec/names.h"

#define ABIS_MAX 32

static int denial_resolve(struct denial_rule *d, const struct spec_seccomp *s, struct error *e)
{
	struct seccomp_target target;
	int r;

	seccomp_target_host(&target, (uint32_t)s->flags);
	d->rules = calloc(1, sizeof(*d->rules));
	if (!d->rules)
		return error_set(e, ENOMEM, "node policies");
	r = seccomp_rules_init(d->rules, s, &target, e);
	if (r < 0) {
		free(d->rules);
		d->rules = NULL;
	}
	return r;
}

/* A rule's own denials alone, on top of nothing. */
static int denial_read(struct denial_rule *d, struct error *e)
{
	struct spec_seccomp s = {
		.present = true,
		.default_action = SECCOMP_RET_ALLOW,
		.n_rules = d->rule->seccomp.n_denied,
		.rules = d->rule->seccomp.denied,
	};
	uint32_t abis[ABIS_MAX];

	while (s.n_architectures < ABIS_MAX &&
	       spec_seccomp_arch_names[s.n_architectures].name) {
		abis[s.n_architectures] =
			(uint32_t)spec_seccomp_arch_names[s.n_architectures].value;
		s.n_architectures++;
	}
	s.architectures = abis;
	return denial_resolve(d, &s, e);
}

int denial_init(struct denial *d, const struct guard *g, struct error *e)
{
	const struct policy_ceiling *c;
	size_t i, n = g->result.n_enforced + 1;
	int r = 0;

	*d = (struct denial){ 0 };
	for (c = g->result.ceilings; c; c = c->next)
		n++;
	d->v = calloc(n, sizeof(*d->v));
	if (!d->v)
		return error_set(e, ENOMEM, "node policies");
	for (i = 0; r == 0 && i < g->result.n_enforced; i++) {
		const struct policy_rule *rule = g->result.enforced[i];

		if (rule->seccomp.n_denied == 0)
			continue;
		d->v[d->n].rule = rule;
		r = denial_read(&d->v[d->n], e);
		d->n += r == 0;
	}
	for (c = g->result.ceilings; r == 0 && c; c = c->next) {
		d->v[d->n].rule = c->rule;
		r = denial_resolve(&d->v[d->n], c->filter, e);
		d->n += r == 0;
	}
	/* What nobody denies by name, the default profile does that a rule gave. */
	for (i = 0; r == 0 && g->result.profile && i < g->result.n_enforced; i++) {
		if (g->result.enforced[i]->seccomp.profile.text == g->result.profile) {
			d->v[d->n++].rule = g->result.enforced[i];
			break;
		}
	}
	if (r < 0)
		denial_done(d);
	return r;
}

void denial_done(struct denial *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->v[i].rules)
			seccomp_rules_done(d->v[i].rules);
		free(d->v[i].rules);
	}
	free(d->v);
	*d = (struct denial){ 0 };
}

const struct policy_rule *denial_find(const struct denial *d, const struct seccomp_data *data)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!d->v[i].rules ||
		    seccomp_rules_evaluate(d->v[i].rules, data) != SECCOMP_RET_ALLOW)
			return d->v[i].rule;
	return NULL;
}
