/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/seccomp.h>

#include "spec/names.h"
#include "spec/rules.h"

#define ERRNO_MAX 4095  /* MAX_ERRNO: what a system call can return */
#define TRACE_MAX 65535 /* SECCOMP_RET_DATA */

/* config-linux.md: "When the action doesn't support an errno, the runtime MUST ... fail." */
static int seccomp_errno(struct rules *r, uint32_t action, uint32_t value)
{
	const char *name = spec_name_of(spec_seccomp_action_names, action);
	uint32_t max = action == SECCOMP_RET_TRACE ? TRACE_MAX : ERRNO_MAX;

	if (action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_TRACE)
		return rules_refuse(r, "%s takes no errno", name);
	if (value > max)
		return rules_refuse(r, "%u is out of range for %s: 0 to %u", value, name, max);
	return 0;
}

static int rule_names(struct rules *r, const struct spec_seccomp_rule *rule, size_t i)
{
	size_t n;

	if (rule->names.n == 0)
		return rules_refuse(rules_at(r, "linux.seccomp.syscalls[%zu].names", i),
				    "is empty: a rule names at least one system call");
	for (n = 0; n < rule->names.n; n++)
		if (rule->names.v[n][0] == '\0')
			return rules_refuse(
				rules_at(r, "linux.seccomp.syscalls[%zu].names[%zu]", i, n),
				"is empty");
	return 0;
}

static int rule_args(struct rules *r, const struct spec_seccomp_rule *rule, size_t i)
{
	size_t n;

	for (n = 0; n < rule->n_args; n++)
		if (rule->args[n].index >= SPEC_SECCOMP_MAX_ARGS)
			return rules_refuse(
				rules_at(r, "linux.seccomp.syscalls[%zu].args[%zu].index", i,
					 n),
				"%u is out of range: 0 to %d", rule->args[n].index,
				SPEC_SECCOMP_MAX_ARGS - 1);
	return 0;
}

static int seccomp_rule(struct rules *r, const struct spec_seccomp_rule *rule, size_t i)
{
	int err;

	err = rule_names(r, rule, i);
	if (err == 0 && rule->set_errno)
		err = seccomp_errno(rules_at(r, "linux.seccomp.syscalls[%zu].errnoRet", i),
				    rule->action, rule->errno_ret);
	return err < 0 ? err : rule_args(r, rule, i);
}

static bool seccomp_notifies(const struct spec_seccomp *s)
{
	size_t i;

	for (i = 0; i < s->n_rules; i++)
		if (s->rules[i].action == SECCOMP_RET_USER_NOTIF)
			return true;
	return s->default_action == SECCOMP_RET_USER_NOTIF;
}

static int seccomp_listener(struct rules *r, const struct spec_seccomp *s)
{
	rules_at(r, "linux.seccomp.listenerPath");
	if (s->listener_path)
		return rules_absolute(r, s->listener_path);
	if (seccomp_notifies(s))
		return rules_refuse(r, "is missing: SCMP_ACT_NOTIFY needs somebody to answer");
	if (s->listener_metadata)
		return rules_refuse(rules_at(r, "linux.seccomp.listenerMetadata"),
				    "must not be set without listenerPath");
	return 0;
}

int rules_seccomp(struct rules *r, const struct spec_seccomp *s)
{
	size_t i;
	int err;

	if (!s->present)
		return 0;
	err = seccomp_listener(r, s);
	if (err == 0 && s->set_default_errno)
		err = seccomp_errno(rules_at(r, "linux.seccomp.defaultErrnoRet"),
				    s->default_action, s->default_errno);
	for (i = 0; err == 0 && i < s->n_rules; i++)
		err = seccomp_rule(r, &s->rules[i], i);
	return err;
}
