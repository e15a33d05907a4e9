/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "spec/names.h"
#include "spec/rules.h"

#define OOM_SCORE_ADJ_MIN  (-1000)
#define OOM_SCORE_ADJ_MAX  1000
#define IO_PRIORITY_LOWEST 7
#define SCHED_ISO_POLICY   4

/*
 * What execve(2) takes is fine: only a name that nothing could look up is not. A value may hold any
 * line break, nobody here writes it into a file of lines.
 */
static int process_env(struct rules *r, const struct spec_strings *env, const char *path)
{
	size_t i;

	for (i = 0; i < env->n; i++)
		if (env->v[i][0] == '\0' || env->v[i][0] == '=')
			return rules_refuse(rules_at(r, "%s.env[%zu]", path, i),
					    "\"%s\" has no name: write NAME=value",
					    rules_show(r, env->v[i]));
	return 0;
}

static int process_capabilities(struct rules *r, const struct spec_capabilities *caps,
				const char *path)
{
	if (caps->unknown.n == 0)
		return 0;
	rules_refuse(rules_at(r, "%s.capabilities", path), "no capability \"%s\"",
		     rules_show(r, caps->unknown.v[0]));
	error_hint(r->e, "names are as in capabilities(7), CAP_KILL or KILL; remove it if the "
			 "container can do without");
	return -EINVAL;
}

static int process_rlimits(struct rules *r, const struct spec_process *p, const char *path)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i < p->n_rlimits; i++) {
		const struct spec_rlimit *l = &p->rlimits[i];

		rules_at(r, "%s.rlimits[%zu]", path, i);
		if (seen & 1ull << l->resource)
			return rules_refuse(r, "%s is limited twice", l->name);
		seen |= 1ull << l->resource;
		if (l->soft > l->hard)
			return rules_refuse(
				r, "the soft limit of %s is above the hard one: %llu, %llu",
				l->name, (unsigned long long)l->soft,
				(unsigned long long)l->hard);
	}
	return 0;
}

static bool is_mapped(const struct spec_id_mapping *maps, size_t n, uint32_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

/* An id without a mapping does not exist in the namespace: setuid(2) would fail late and tersely. */
static int process_user(struct rules *r, const struct spec_user *user, const char *path)
{
	const struct spec_linux *l = r->spec ? &r->spec->linux_ : NULL;
	size_t i;

	if (!l || !l->namespaces[SPEC_NS_USER].present)
		return 0;
	if (l->n_uid_mappings && !is_mapped(l->uid_mappings, l->n_uid_mappings, user->uid))
		return rules_refuse(rules_at(r, "%s.user.uid", path),
				    "%u has no mapping in linux.uidMappings", user->uid);
	if (!l->n_gid_mappings)
		return 0;
	if (!is_mapped(l->gid_mappings, l->n_gid_mappings, user->gid))
		return rules_refuse(rules_at(r, "%s.user.gid", path),
				    "%u has no mapping in linux.gidMappings", user->gid);
	for (i = 0; i < user->n_additional_gids; i++)
		if (!is_mapped(l->gid_mappings, l->n_gid_mappings, user->additional_gids[i]))
			return rules_refuse(rules_at(r, "%s.user.additionalGids[%zu]", path, i),
					    "%u has no mapping in linux.gidMappings",
					    user->additional_gids[i]);
	return 0;
}

static int scheduler_deadline(struct rules *r, const struct spec_scheduler *s, const char *path)
{
	bool deadline = s->policy == SCHED_DEADLINE;

	rules_at(r, "%s.scheduler", path);
	if (!deadline && (s->runtime || s->deadline || s->period))
		return rules_refuse(
			r, "runtime, deadline and period are for SCHED_DEADLINE, not %s",
			spec_name_of(spec_scheduler_policy_names, s->policy));
	if (deadline && (s->runtime == 0 || s->runtime > s->deadline ||
			 (s->period && s->deadline > s->period)))
		return rules_refuse(r,
				    "SCHED_DEADLINE needs 0 < runtime <= deadline <= period");
	return 0;
}

int rules_scheduler(struct rules *r, const struct spec_scheduler *s, const char *path)
{
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (!s->present)
		return 0;
	if (s->policy == SCHED_ISO_POLICY)
		return rules_unsupported(rules_at(r, "%s.scheduler.policy", path),
					 "no Linux has SCHED_ISO");
	if (s->nice < -20 || s->nice > 19)
		return rules_refuse(rules_at(r, "%s.scheduler.nice", path),
				    "%d is out of range: -20 to 19", s->nice);
	rules_at(r, "%s.scheduler.priority", path);
	if (realtime && (s->priority < 1 || s->priority > 99))
		return rules_refuse(r, "%d is out of range for %s: 1 to 99", s->priority,
				    spec_name_of(spec_scheduler_policy_names, s->policy));
	if (!realtime && s->priority)
		return rules_refuse(r, "is for SCHED_FIFO and SCHED_RR, not %s",
				    spec_name_of(spec_scheduler_policy_names, s->policy));
	return scheduler_deadline(r, s, path);
}

static int process_priorities(struct rules *r, const struct spec_process *p, const char *path)
{
	const struct opt_i64 *oom = &p->oom_score_adj;
	int priority = p->io_priority.priority;

	if (oom->set && (oom->value < OOM_SCORE_ADJ_MIN || oom->value > OOM_SCORE_ADJ_MAX))
		return rules_refuse(rules_at(r, "%s.oomScoreAdj", path),
				    "%lld is out of range: %d to %d", (long long)oom->value,
				    OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX);
	if (p->io_priority.present && (priority < 0 || priority > IO_PRIORITY_LOWEST))
		return rules_refuse(rules_at(r, "%s.ioPriority.priority", path),
				    "%d is out of range: 0 to %d", priority,
				    IO_PRIORITY_LOWEST);
	return rules_scheduler(r, &p->scheduler, path);
}

static int process_affinity(struct rules *r, const struct spec_process *p, const char *path)
{
	if (p->exec_cpu_initial && !rules_is_list(p->exec_cpu_initial))
		return rules_refuse(rules_at(r, "%s.execCPUAffinity.initial", path),
				    "\"%s\" is no list of CPUs like 0-3,7",
				    rules_show(r, p->exec_cpu_initial));
	if (p->exec_cpu_final && !rules_is_list(p->exec_cpu_final))
		return rules_refuse(rules_at(r, "%s.execCPUAffinity.final", path),
				    "\"%s\" is no list of CPUs like 0-3,7",
				    rules_show(r, p->exec_cpu_final));
	return 0;
}

/* Labels go into files of /proc/self/attr, which take commands of one line. */
static int process_labels(struct rules *r, const struct spec_process *p, const char *path)
{
	int err;

	err = rules_one_line(rules_at(r, "%s.apparmorProfile", path), p->apparmor_profile);
	if (err < 0)
		return err;
	return rules_one_line(rules_at(r, "%s.selinuxLabel", path), p->selinux_label);
}

static int process_command(struct rules *r, const struct spec_process *p, const char *path)
{
	if (p->args.n == 0)
		return rules_refuse(rules_at(r, "%s.args", path),
				    "is empty: there is nothing to run");
	if (p->args.v[0][0] == '\0')
		return rules_refuse(rules_at(r, "%s.args[0]", path),
				    "must name the program to run");
	if (!p->cwd)
		return rules_refuse(rules_at(r, "%s.cwd", path), "is missing; \"/\" will do");
	return rules_absolute(rules_at(r, "%s.cwd", path), p->cwd);
}

int rules_process(struct rules *r, const struct spec_process *p, const char *path)
{
	int err;

	err = process_command(r, p, path);
	if (err == 0)
		err = process_env(r, &p->env, path);
	if (err == 0)
		err = process_user(r, &p->user, path);
	if (err == 0)
		err = process_capabilities(r, &p->capabilities, path);
	if (err == 0)
		err = process_rlimits(r, p, path);
	if (err == 0)
		err = process_priorities(r, p, path);
	if (err == 0)
		err = process_affinity(r, p, path);
	if (err == 0)
		err = process_labels(r, p, path);
	return err;
}
