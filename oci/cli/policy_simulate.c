/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/policy.h"
#include "policy/policy.h"
#include "run/denial.h"
#include "seccomp/abi.h"
#include "seccomp/cache.h"
#include "seccomp/program.h"
#include "seccomp/simulate.h"
#include "seccomp/table.h"

#define ARGS_MAX 6

struct call {
	const char *name; /* as it was given */
	enum seccomp_abi abi;
	uint32_t nr;
	struct seccomp_data data;
	int n_args;
};

static int call_abi(const char *name, enum seccomp_abi *ret, struct error *e)
{
	unsigned i;

	*ret = seccomp_abi_native();
	if (!name && *ret != SECCOMP_ABI_COUNT)
		return 0;
	for (i = 0; name && i < SECCOMP_ABI_COUNT; i++) {
		if (!str_eq(seccomp_abi_name((enum seccomp_abi)i), name))
			continue;
		*ret = (enum seccomp_abi)i;
		if (seccomp_abi_meets(seccomp_abi_native(), *ret))
			return 0;
		return error_say(e, EINVAL, "--abi: this machine cannot run calls of %s", name);
	}
	return error_say(e, EINVAL,
			 "--abi: \"%s\" is not known: x86_64, i386, x32, aarch64 ...",
			 name ?: "");
}

/* A name, or the number that the kernel sees. */
static int call_number(struct call *c, struct error *e)
{
	const struct seccomp_syscall *row = seccomp_syscall_find(c->name, NULL);

	if (row && row->slot[c->abi] != SECCOMP_NR_NONE) {
		c->nr = seccomp_slot_nr(c->abi, row->slot[c->abi]);
		return 0;
	}
	if (str_to_u32(c->name, &c->nr) == 0) {
		if (c->abi == SECCOMP_ABI_X32 && c->nr != UINT32_MAX)
			c->nr |= SECCOMP_X32_BIT;
		return 0;
	}
	return error_say(e, EINVAL, "--syscall: %s has no call \"%s\"",
			 seccomp_abi_name(c->abi), c->name);
}

static int call_read(struct call *c, const struct policy_options *opt, struct error *e)
{
	int r;

	if (!opt->syscall) {
		error_say(e, EINVAL, "policy simulate: no call is given");
		error_hint(e, "strake policy simulate --syscall socket 38 5 0 --abi i386");
		return -EINVAL;
	}
	if (opt->argc > ARGS_MAX)
		return error_say(e, EINVAL, "policy simulate: a call has at most %d arguments",
				 ARGS_MAX);
	*c = (struct call){ .name = opt->syscall, .n_args = opt->argc };
	r = call_abi(opt->abi, &c->abi, e);
	if (r == 0)
		r = call_number(c, e);
	if (r < 0)
		return r;
	c->data.nr = (int)c->nr;
	c->data.arch = seccomp_abi_audit(c->abi);
	for (int i = 0; i < opt->argc; i++) {
		uint64_t v;

		if (str_to_u64(opt->argv[i], &v) < 0)
			return error_say(e, EINVAL,
					 "policy simulate: argument %d: \"%s\" is no number", i,
					 opt->argv[i]);
		c->data.args[i] = v;
	}
	return 0;
}

/* By the very program that a container would load: compiled, proved, then run. */
static int call_run(const struct spec_seccomp *s, const struct call *c, uint32_t *ret,
		    struct error *e)
{
	autoprogram p = { 0 };
	struct seccomp_run run;
	int r;

	*ret = SECCOMP_RET_ALLOW;
	if (!s->present)
		return 0;
	r = seccomp_obtain(-1, s, &p, e);
	if (r < 0 || p.n == 0)
		return r;
	r = seccomp_simulate(p.insns, p.n, &c->data, &run);
	if (r < 0)
		return error_set(e, -r, "policy simulate: run the filter");
	*ret = run.action;
	return 0;
}

static const char *verdict_name(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "allowed";
	case SECCOMP_RET_LOG:
		return "allowed and logged";
	case SECCOMP_RET_ERRNO:
		return error_name((int)(action & SECCOMP_RET_DATA));
	case SECCOMP_RET_USER_NOTIF:
		return "asks the container's agent";
	case SECCOMP_RET_TRACE:
		return "asks the tracer";
	case SECCOMP_RET_TRAP:
		return "SIGSYS";
	case SECCOMP_RET_KILL_THREAD:
		return "the thread is killed";
	default:
		return "the process is killed";
	}
}

static const struct policy_rule *rule_of_abi(const struct guard *g, const struct call *c)
{
	size_t i, k;

	for (i = 0; i < g->result.n_enforced; i++) {
		const struct policy_seccomp *s = &g->result.enforced[i]->seccomp;

		for (k = 0; k < s->n_abis && s->abis[k] != seccomp_abi_to_spec(c->abi); k++)
			;
		if (s->abis_set && k == s->n_abis && c->abi != seccomp_abi_native())
			return g->result.enforced[i];
	}
	return NULL;
}

/* Who decides; NULL: the container's own profile, or nobody. */
static int call_rule(const struct guard *g, const struct call *c, uint32_t asked, uint32_t is,
		     const struct policy_rule **ret, struct error *e)
{
	struct denial d;
	int r;

	*ret = NULL;
	if (is == SECCOMP_RET_ALLOW || is == asked)
		return 0;
	if ((is & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD) {
		*ret = rule_of_abi(g, c);
		if (*ret)
			return 0;
	}
	r = denial_init(&d, g, e);
	if (r < 0)
		return r;
	*ret = denial_find(&d, &c->data);
	denial_done(&d);
	return 0;
}

static int print_json(const struct call *c, uint32_t asked, uint32_t is,
		      const struct policy_rule *rule, struct error *e)
{
	autojson *w = json_writer_new(true);

	if (!w)
		return error_set(e, ENOMEM, "policy simulate");
	json_write_object(w);
	json_put_string(w, "name", seccomp_syscall_name(c->abi, c->nr));
	json_put_u64(w, "nr", c->nr);
	json_put_string(w, "abi", seccomp_abi_name(c->abi));
	json_write_key(w, "args");
	json_write_array(w);
	for (int i = 0; i < c->n_args; i++)
		json_write_u64(w, c->data.args[i]);
	json_write_end(w);
	json_put_string(w, "requested", verdict_name(asked));
	json_put_string(w, "effective", verdict_name(is));
	json_put_string(w, "policy", rule ? rule->policy : NULL);
	json_put_string(w, "rule", rule ? rule->name : NULL);
	json_write_end(w);
	return output_json(w, e);
}

static void print_text(const struct call *c, uint32_t asked, uint32_t is,
		       const struct policy_rule *rule)
{
	const char *name = seccomp_syscall_name(c->abi, c->nr);

	if (name)
		printf("%s(", name);
	else
		printf("call %" PRIu32 "(", c->nr);
	for (int i = 0; i < c->n_args; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)c->data.args[i]);
	printf(") of %s: %s", seccomp_abi_name(c->abi), verdict_name(is));
	if (rule)
		printf(" (node policy \"%s\", rule \"%s\")", rule->policy, rule->name);
	if (asked != is)
		printf("; as it was asked for: %s", verdict_name(asked));
	printf("\n");
}

int policy_simulate(struct cli *cli, const struct policy_options *opt)
{
	struct error *e = &cli->error;
	const struct policy_rule *rule = NULL;
	uint32_t asked = 0, is = 0;
	struct policy_case pc;
	struct call c;
	int r = call_read(&c, opt, e);

	if (r < 0)
		return r;
	r = policy_case_open(&pc, cli, opt);
	if (r == 0)
		r = call_run(&pc.asked, &c, &asked, e);
	if (r == 0)
		r = call_run(&pc.spec.linux_.seccomp, &c, &is, e);
	if (r == 0)
		r = call_rule(&pc.guard, &c, asked, is, &rule, e);
	if (r == 0 && opt->json)
		r = print_json(&c, asked, is, rule, e);
	else if (r == 0)
		print_text(&c, asked, is, rule);
	policy_case_done(&pc);
	return r;
}
