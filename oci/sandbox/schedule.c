/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/schedule.h"

#include <errno.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#define SCHEDULE_MAX_NUMBER 4096 /* CPUs, memory nodes */

#define BITS_PER_LONG (CHAR_BIT * sizeof(unsigned long))

struct schedule_mask {
	unsigned long bits[SCHEDULE_MAX_NUMBER / BITS_PER_LONG];
};

/* "0-3,7": the kernel's list format, into bits. -EINVAL, -ERANGE. */
static int schedule_parse_list(const char *list, struct schedule_mask *ret)
{
	char text[1024], *save = NULL, *part;

	*ret = (struct schedule_mask){ 0 };
	if (str_copy(text, sizeof(text), list) < 0)
		return -ERANGE;
	for (part = strtok_r(text, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		char *dash = strchr(part, '-');
		uint32_t from, to;

		if (dash)
			*dash++ = '\0';
		if (str_to_u32(part, &from) < 0 || str_to_u32(dash ?: part, &to) < 0 ||
		    to < from)
			return -EINVAL;
		if (to >= SCHEDULE_MAX_NUMBER)
			return -ERANGE;
		for (; from <= to; from++)
			ret->bits[from / BITS_PER_LONG] |= 1ul << from % BITS_PER_LONG;
	}
	return 0;
}

static int schedule_set_affinity(const char *list, const char *field, struct error *e)
{
	struct schedule_mask mask;
	int r;

	if (str_empty(list))
		return 0;
	r = schedule_parse_list(list, &mask);
	if (r < 0)
		return error_say(e, -r, "process.execCPUAffinity.%s: \"%s\" is no list of CPUs",
				 field, list);
	if (syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask) < 0)
		return error_set(e, errno, "process.execCPUAffinity.%s: run on %s", field,
				 list);
	return 0;
}

static int schedule_set_policy(const struct spec_scheduler *s, struct error *e)
{
	struct sched_attr a = {
		.size = sizeof(a),
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = (uint32_t)s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};
	int r;

	if (!s->present || syscall(SYS_sched_setattr, 0, &a, 0) == 0)
		return 0;
	r = error_set(e, errno, "process.scheduler: apply policy %u", s->policy);
	if (r == -EPERM)
		error_hint(
			e,
			"real-time policies need CAP_SYS_NICE and a cgroup that allows them");
	return r;
}

static int schedule_set_io(const struct spec_io_priority *p, struct error *e)
{
	if (!p->present)
		return 0;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		    IOPRIO_PRIO_VALUE(p->class, p->priority)) < 0)
		return error_set(e, errno, "process.ioPriority: set class %d, priority %d",
				 p->class, p->priority);
	return 0;
}

static int schedule_set_memory(const struct spec_memory_policy *p, struct error *e)
{
	struct schedule_mask nodes;
	int r;

	if (!p->present)
		return 0;
	r = schedule_parse_list(p->nodes ?: "", &nodes);
	if (r < 0)
		return error_say(e, -r, "linux.memoryPolicy.nodes: \"%s\" is no list of nodes",
				 p->nodes);
	if (syscall(SYS_set_mempolicy, p->mode | (int)p->flags,
		    str_empty(p->nodes) ? NULL : nodes.bits,
		    str_empty(p->nodes) ? 0ul : (unsigned long)SCHEDULE_MAX_NUMBER) < 0)
		return error_set(e, errno, "linux.memoryPolicy: set");
	return 0;
}

static int schedule_set_personality(const struct spec_linux *l, struct error *e)
{
	if (l->set_personality && personality(l->personality) < 0)
		return error_set(e, errno, "linux.personality: set 0x%lx", l->personality);
	return 0;
}

int schedule_initial_affinity(struct sandbox *sb, struct error *e)
{
	return schedule_set_affinity(sb->process->exec_cpu_initial, "initial", e);
}

int schedule_apply(struct sandbox *sb, struct error *e)
{
	int r;

	r = schedule_set_affinity(sb->process->exec_cpu_final, "final", e);
	if (r == 0)
		r = schedule_set_policy(&sb->process->scheduler, e);
	if (r == 0)
		r = schedule_set_io(&sb->process->io_priority, e);
	if (r == 0)
		r = schedule_set_memory(&sb->spec->linux_.memory_policy, e);
	if (r == 0)
		r = schedule_set_personality(&sb->spec->linux_, e);
	return r;
}
