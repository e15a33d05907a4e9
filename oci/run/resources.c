/* SPDX-License-Identifier: Apache-2.0 */
#include "run/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/create.h"
#include "cgroup/devices.h"
#include "cgroup/limits.h"
#include "cgroup/manager.h"
#include "oci.h"
#include "run/report.h"
#include "spec/spec.h"

int resources_apply(struct manager *m, const struct limits_plan *plan,
		    const struct spec_resources *r, int at_create, struct error *e)
{
	autofree struct spec_device_rule *rules = NULL;
	size_t n = r->n_devices;

	if (m->cgroup.fd < 0 && plan->n) {
		error_say(e, ENOTSUP, "%s is set, but the container has no cgroup",
			  plan->steps[0].json);
		error_hint(e,
			   "use --cgroup-manager=cgroupfs or systemd, or leave out the limits");
		return -ENOTSUP;
	}
	if (m->cgroup.fd < 0)
		return 0;
	if (!at_create && n == 0)
		return manager_limit(m, plan, NULL, 0, e);

	rules = calloc(n + devices_default_len, sizeof(*rules));
	if (!rules)
		return error_set(e, ENOMEM, "linux.resources.devices");
	if (n)
		memcpy(rules, r->devices, n * sizeof(*rules));
	memcpy(rules + n, devices_default, devices_default_len * sizeof(*rules));
	return manager_limit(m, plan, rules, n + devices_default_len, e);
}

void resources_tell_ignored(const struct oci_runtime *rt, const struct limits_plan *plan)
{
	char warning[160];
	size_t i;

	for (i = 0; i < plan->n_ignored; i++) {
		snprintf(warning, sizeof(warning),
			 "%s is ignored: cgroup version 2 has no such limit", plan->ignored[i]);
		report_warning(rt, warning);
	}
}

static bool resources_cgroup_is_writable(const struct spec *s)
{
	size_t i;

	for (i = 0; i < s->n_mounts; i++)
		if ((str_eq(s->mounts[i].type, "cgroup") ||
		     str_eq(s->mounts[i].type, "cgroup2")) &&
		    !(s->mounts[i].attr_set & MOUNT_ATTR_RDONLY))
			return true;
	return false;
}

/* The host's name for a user of the container; false: it has none. */
static bool resources_host_uid(const struct spec *s, uid_t *ret)
{
	const struct spec_linux *l = &s->linux_;

	*ret = s->process.user.uid;
	return !l->namespaces[SPEC_NS_USER].present ||
	       spec_host_id(l->uid_mappings, l->n_uid_mappings, *ret, ret);
}

int resources_give_cgroup(const struct cgroup *cg, const struct spec *s, bool rootless,
			  struct error *e)
{
	const struct spec_namespace *ns = &s->linux_.namespaces[SPEC_NS_CGROUP];
	uid_t uid;
	int r;

	if (cg->fd < 0 || !ns->present || ns->path || !resources_cgroup_is_writable(s) ||
	    !resources_host_uid(s, &uid) || uid == geteuid())
		return 0;
	r = cgroup_delegate(cg, uid, (gid_t)-1, rootless ? NULL : e);
	return r == -EPERM && rootless ? 0 : r;
}

void resources_raise_rlimits(pid_t pid, const struct spec_process *p)
{
	size_t i;

	for (i = 0; i < p->n_rlimits; i++) {
		__rlimit_resource_t resource = (__rlimit_resource_t)p->rlimits[i].resource;
		struct rlimit l;

		if (prlimit(pid, resource, NULL, &l) < 0 || l.rlim_max >= p->rlimits[i].hard)
			continue;
		l.rlim_max = p->rlimits[i].hard;
		(void)prlimit(pid, resource, &l, NULL);
	}
}

int resources_set_oom_score(const struct oci_runtime *rt, pid_t pid,
			    const struct spec_process *p, struct error *e)
{
	char path[48], text[16], warning[128];
	int r;

	if (!p->oom_score_adj.set)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	snprintf(text, sizeof(text), "%d", (int)p->oom_score_adj.value);
	r = file_write(AT_FDCWD, path, text);
	if (r == 0)
		return 0;
	if (r != -EACCES && r != -EPERM)
		return error_set(e, -r, "process.oomScoreAdj: set %s", text);
	snprintf(warning, sizeof(warning),
		 "process.oomScoreAdj: lowering it to %s needs CAP_SYS_RESOURCE; it stays",
		 text);
	report_warning(rt, warning);
	return 0;
}
