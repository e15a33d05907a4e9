/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/spec.h"

#include <linux/sched.h>
#include <string.h>

#include "spec/names.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	uint64_t flag;
	const char *proc_name;
} namespaces[SPEC_NS_COUNT] = {
	[SPEC_NS_USER] = { CLONE_NEWUSER, "user" },
	[SPEC_NS_PID] = { CLONE_NEWPID, "pid" },
	[SPEC_NS_NETWORK] = { CLONE_NEWNET, "net" },
	[SPEC_NS_MOUNT] = { CLONE_NEWNS, "mnt" },
	[SPEC_NS_IPC] = { CLONE_NEWIPC, "ipc" },
	[SPEC_NS_UTS] = { CLONE_NEWUTS, "uts" },
	[SPEC_NS_CGROUP] = { CLONE_NEWCGROUP, "cgroup" },
	[SPEC_NS_TIME] = { CLONE_NEWTIME, "time" },
};

void spec_done(struct spec *s)
{
	arena_done(&s->arena);
	*s = (struct spec){ 0 };
}

bool spec_host_id(const struct spec_id_mapping *maps, size_t n, uint32_t id, uint32_t *ret)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size) {
			*ret = maps[i].host_id + (id - maps[i].container_id);
			return true;
		}
	return false;
}

const char *spec_annotation(const struct spec *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->annotations.n; i++)
		if (strcmp(s->annotations.v[i].key, key) == 0)
			return s->annotations.v[i].value;
	return NULL;
}

const char *spec_ns_name(enum spec_ns ns)
{
	return spec_name_of(spec_namespace_names, ns);
}

uint64_t spec_ns_flag(enum spec_ns ns)
{
	return namespaces[ns].flag;
}

const char *spec_ns_proc_name(enum spec_ns ns)
{
	return namespaces[ns].proc_name;
}

const char *spec_hook_stage_name(enum spec_hook_stage stage)
{
	return spec_name_of(spec_hook_stage_names, stage);
}
