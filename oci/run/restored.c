/* SPDX-License-Identifier: Apache-2.0 */
#include "run/restored.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "cgroup/cgroup.h"
#include "cgroup/pids.h"
#include "spec/spec.h"

#define RESTORED_MAX 65536 /* bytes of /proc/PID/status */

/* Helpers of CRIU's are in our pid namespace, where the container has one of its own. */
static bool restored_is_ours(pid_t pid)
{
	struct stat its, own;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat(path, &its) == 0 && stat("/proc/self/ns/pid", &own) == 0 &&
	       its.st_ino == own.st_ino;
}

/* "CapBnd:\t00000000a80425fb" in /proc/PID/status; all bits where there is no such line. */
static uint64_t restored_field(const char *status, const char *name, int base)
{
	const char *line = strstr(status, name);
	uint64_t value = UINT64_MAX;

	if (!line)
		return value;
	line += strlen(name);
	if (sscanf(line, base == 16 ? "%" SCNx64 : "%" SCNu64, &value) != 1)
		return UINT64_MAX;
	return value;
}

static int restored_check_one(pid_t pid, const struct spec *s, struct error *e)
{
	uint64_t allowed = s->process.capabilities.bounding, held;
	static const char *const sets[] = { "\nCapPrm:", "\nCapBnd:", "\nCapInh:",
					    "\nCapAmb:" };
	autobuf text = { 0 };
	char path[64];
	size_t i;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	r = file_read(AT_FDCWD, path, RESTORED_MAX, &text, e);
	if (r < 0)
		return r;
	for (i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		held = restored_field(text.data, sets[i], 16);
		if (held & ~allowed)
			return error_say(e, EPERM,
					 "the image has a process with capabilities (%s "
					 "%" PRIx64 ") that process.capabilities.bounding does "
					 "not give (%" PRIx64 ")",
					 sets[i] + 1, held, allowed);
	}
	if (s->process.no_new_privileges && restored_field(text.data, "\nNoNewPrivs:", 10) != 1)
		return error_say(e, EPERM, "the image has a process without noNewPrivileges");
	if (s->linux_.seccomp.present && restored_field(text.data, "\nSeccomp:", 10) != 2)
		return error_say(e, EPERM, "the image has a process without a seccomp filter");
	return 0;
}

int restored_check(const struct cgroup *cg, pid_t criu, const struct spec *s, struct error *e)
{
	const struct spec_namespace *ns = &s->linux_.namespaces[SPEC_NS_PID];
	struct cgroup_pids pids = { 0 };
	size_t i;
	int r;

	r = cgroup_pids(cg, &pids, e);
	for (i = 0; r == 0 && i < pids.n; i++) {
		if (pids.v[i] == criu ||
		    (ns->present && !ns->path && restored_is_ours(pids.v[i])))
			continue;
		r = restored_check_one(pids.v[i], s, e);
	}
	cgroup_pids_done(&pids);
	return r;
}
