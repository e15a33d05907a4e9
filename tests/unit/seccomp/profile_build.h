/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "seccomp/compile.h"
#include "seccomp/program.h"
#include "seccomp/prove.h"
#include "seccomp/rules.h"
#include "seccomp/simulate.h"
#include "seccomp/table.h"
#include "spec/spec.h"

/* Profiles by hand, for tests: p_init, p_arch, p_rule, p_arg, p_done. Without memory: abort. */

#define P_RULES_MAX 8192
#define P_ARGS_MAX  64

struct p {
	struct arena arena;
	struct spec_seccomp spec;
};

static inline void p_init(struct p *p, uint32_t default_action)
{
	*p = (struct p){ 0 };
	arena_init(&p->arena, 256u << 20);
	p->spec.present = true;
	p->spec.default_action = default_action;
	p->spec.rules = arena_array(&p->arena, P_RULES_MAX, sizeof(*p->spec.rules));
	p->spec.architectures = arena_array(&p->arena, 32, sizeof(uint32_t));
	if (!p->spec.rules || !p->spec.architectures)
		abort();
}

static inline void p_done(struct p *p)
{
	arena_done(&p->arena);
}

static inline void p_default_errno(struct p *p, uint32_t n)
{
	p->spec.set_default_errno = true;
	p->spec.default_errno = n;
}

static inline void p_arch(struct p *p, uint32_t arch)
{
	p->spec.architectures[p->spec.n_architectures++] = arch;
}

/* Names, separated by one space each. */
static inline struct spec_seccomp_rule *p_rule(struct p *p, uint32_t action, const char *names)
{
	struct spec_seccomp_rule *r;
	char *copy = arena_strdup(&p->arena, names), *save = NULL;
	size_t max = strlen(names) / 2 + 2;

	if (p->spec.n_rules == P_RULES_MAX)
		abort();
	r = &p->spec.rules[p->spec.n_rules++];
	*r = (struct spec_seccomp_rule){ .action = action };
	r->names.v = arena_array(&p->arena, max, sizeof(char *));
	if (!copy || !r->names.v)
		abort();
	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save))
		r->names.v[r->names.n++] = s;
	return r;
}

static inline void p_errno(struct spec_seccomp_rule *r, uint32_t n)
{
	r->set_errno = true;
	r->errno_ret = n;
}

static inline void p_arg(struct p *p, struct spec_seccomp_rule *r, uint32_t index,
			 enum spec_seccomp_op op, uint64_t value, uint64_t two)
{
	if (!r->args)
		r->args = arena_array(&p->arena, P_ARGS_MAX, sizeof(*r->args));
	if (!r->args || r->n_args == P_ARGS_MAX)
		abort();
	r->args[r->n_args++] = (struct spec_seccomp_arg){ index, value, two, op };
}

/* A rule with one condition. */
static inline struct spec_seccomp_rule *p_when(struct p *p, uint32_t action, const char *names,
					       uint32_t index, enum spec_seccomp_op op,
					       uint64_t value, uint64_t two)
{
	struct spec_seccomp_rule *r = p_rule(p, action, names);

	p_arg(p, r, index, op, value, two);
	return r;
}

#define P_FLAGS \
	(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | 1u << 5 /* wait killable */)

static inline struct seccomp_target p_target(enum seccomp_abi native)
{
	return (struct seccomp_target){ .native = native, .flags = P_FLAGS, .eq_union = true };
}

/* Six arguments or fewer; the rest is 0. */
#define P_CALL(program, audit, number, ...)                          \
	p_call(program, &(struct seccomp_data){ .nr = (int)(number), \
						.arch = (audit),     \
						.args = { __VA_ARGS__ } })

/* What a program answers; a program that cannot run ends the test. */
static inline uint32_t p_call(const struct seccomp_program *program,
			      const struct seccomp_data *data)
{
	struct seccomp_run run;

	if (seccomp_simulate(program->insns, program->n, data, &run) < 0)
		abort();
	return run.action;
}
